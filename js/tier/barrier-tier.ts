/**
 * Invalidation for tiers that cannot do it themselves: {@link Barriers} beside the entries, in records of their own.
 *
 * An entry notes the number of the last invalidation before it; what comes up is judged by those since. The records are
 * read when the tier opens. Several writers of one store write to records of their own, and read those of all.
 */

import type { Clock } from '../clock.ts'
import { Barriers, GONE, type Mark } from '../stores/barriers.ts'
import type { EntryFacts, Invalidation, Offered, Persist, Room, StoreChange, Tier, TierEntry, TierStats } from '../stores/tier.ts'
import { knowsAll, newsOf } from './foreign-barriers.ts'
import { BARRIER_RECORDS, entryKey, isRecord, keyOfEntry, SOURCE_RECORD_KEYS } from './records.ts'
import { SOURCE_RECORDS, Sources } from './sources.ts'

/** A tier without invalidation. */
export type PlainTier = Omit<Tier, 'invalidate'>

type Write = { readonly key: string; readonly entry: TierEntry }

type OnChange = (change: StoreChange) => void

/** `tier`, with invalidation. A tier that knows what others do to its store tells `onChange`; the result tells who opened it. */
export function withBarriers(tier: PlainTier | ((onChange: OnChange) => PlainTier), clock: Clock, onChange?: OnChange): Tier {
  return new BarrierTier(tier, clock, onChange)
}

class BarrierTier implements Tier {
  readonly name: string
  readonly #tier: PlainTier
  readonly #clock: Clock
  readonly #barriers = new Barriers()
  readonly #sources = new Sources()
  readonly #record = BARRIER_RECORDS[Math.floor(Math.random() * BARRIER_RECORDS.length)] as string
  /** Whether there are barriers that the record does not have, and whether somebody will see to that. */
  #isDirty = false
  #isScheduled = false
  #opening: Promise<void> | undefined
  #isOpen = false
  /** How often everything was forgotten, barriers too. */
  #clearings = 0
  /** What the tier counted and we do not: readings of records, and entries that had been given up. */
  #hits = 0
  #misses = 0
  readonly lock: Tier['lock']
  readonly #onChange: OnChange
  /** What others have written is being read. */
  #learning: Promise<void> = Promise.resolve()

  constructor(tier: PlainTier | ((onChange: OnChange) => PlainTier), clock: Clock, onChange: OnChange = () => {}) {
    this.#clock = clock
    this.#onChange = onChange
    this.#tier = typeof tier === 'function' ? tier(change => this.#heard(change)) : tier
    this.name = this.#tier.name
    const { lock } = this.#tier
    this.lock =
      lock &&
      ((key, signal) =>
        lock.call(this.#tier, entryKey(key), signal)?.then(async release => {
          await this.#learning
          return release
        }))
  }

  open(): Promise<void> {
    this.#opening ??= this.#open()
    return this.#opening
  }

  async getMany(keys: readonly string[], options?: { readonly signal?: AbortSignal | undefined }): Promise<(TierEntry | undefined)[]> {
    if (this.#opening === undefined) await this.open()
    const marks = this.#barriers.isEmpty ? undefined : keys.map(key => this.#barriers.markOf(key))
    const clearings = this.#clearings
    const found = await this.#tier.getMany(keys.map(entryKey), options)
    // What it may have seen before that cannot be judged any more.
    if (clearings !== this.#clearings) return found.map(() => undefined)
    return found.map((entry, at) => {
      // Nothing has ever been given up, as far as is known.
      if (entry === undefined || (entry.facts === undefined && this.#barriers.last === 0)) return entry
      return this.#judged(keys[at] as string, entry, marks?.[at])
    })
  }

  setMany(entries: readonly Write[], options: { readonly persist: Persist }): Promise<void> {
    // Not judged by what was given up before it was written, which nobody has read yet. Numbers are times.
    if (!this.#isOpen) this.#barriers.witness(this.#clock.wall() - 1)
    // Records first: an entry that is stored without its source being known would outlive a change of that.
    const records = this.#note(entries)
    if (this.#changed(entries.map(({ key }) => key))) records.push(this.#takeRecord())
    const writes = entries.map(({ key, entry }) => ({ key: entryKey(key), entry: this.#dated(entry) }))
    if (records.length === 0) return this.#tier.setMany(writes, options)
    return this.#tier.setMany([...records, ...writes], options).catch(error => {
      this.#isDirty = true
      throw error
    })
  }

  /** What changes a record with the entry goes the long way. */
  offer(key: string, entry: TierEntry): Offered {
    if (!this.#isOpen || entry.facts?.dependsOn !== undefined || this.#sources.has(key)) return false
    const offered = this.#tier.offer?.(entryKey(key), this.#dated(entry)) ?? false
    if (offered !== false) this.#barriers.renewed(key)
    return offered
  }

  async deleteMany(keys: readonly string[], options?: { readonly persist?: Persist | undefined }): Promise<boolean[]> {
    const isNews = this.#changed(keys)
    const deleted = this.#tier.deleteMany(keys.map(entryKey), options)
    const [had] = await Promise.all([deleted, isNews ? this.#write(options?.persist ?? 'memory') : undefined])
    return had
  }

  async invalidate(
    { mode = 'delete', ...meant }: Invalidation,
    { persist = 'stored' }: { readonly persist?: Persist | undefined } = {},
  ): Promise<void> {
    this.#barriers.raise(meant, mode, this.#clock.wall())
    if (persist === 'memory') this.#soil()
    else await this.#write(persist)
  }

  async clear(): Promise<void> {
    this.#forget()
    const cleared = this.#tier.clear()
    // Numbers go on rising after a restart, too.
    this.#say()
    await cleared
    // What others have said meanwhile was emptied with the rest, and we alone may have heard it.
    this.#say()
  }

  async recent(most: Room, wanted: (key: string) => boolean): Promise<string[]> {
    const isWanted = (key: string) => !isRecord(key) && wanted(keyOfEntry(key))
    return ((await this.#tier.recent?.(most, isWanted)) ?? []).map(keyOfEntry)
  }

  async flush(): Promise<void> {
    if (this.#isDirty) await this.#write('memory')
    await this.#tier.flush()
  }

  async close(): Promise<void> {
    if (this.#isDirty) await this.#write('memory').catch(() => {})
    await this.#tier.close()
  }

  stats(): TierStats {
    const stats = this.#tier.stats()
    return { ...stats, hits: stats.hits - this.#hits, misses: stats.misses - this.#misses }
  }

  async #open(): Promise<void> {
    await this.#tier.open()
    // What damage may have taken, nobody knows what it gave up.
    const isSure = await this.#learnFrom(RECORDS)
    this.#isOpen = true
    if (!isSure || this.#tier.stats().errors.distrusted !== undefined) this.#distrust()
  }

  /** Reads records. False when that was not possible: of a record that cannot be read nobody knows what it gave up. */
  async #learnFrom(records: readonly string[], onNews?: OnChange): Promise<boolean> {
    const before = this.#tier.stats()
    const found = await this.#tier.getMany(records).catch(() => [])
    const after = this.#tier.stats()
    this.#hits += after.hits - before.hits
    this.#misses += after.misses - before.misses
    let isSure = failures(after) === failures(before)
    for (const [at, entry] of found.entries()) {
      if (entry === undefined) continue
      const { value } = entry
      const known = this.#barriers.record()
      const isRight = SOURCES.has(records[at] as string) ? this.#sources.merge(value) : this.#barriers.merge(value)
      if (!isRight) isSure = false
      else if (!SOURCES.has(records[at] as string)) {
        for (const change of newsOf(value, known)) onNews?.(change)
        // Whoever wrote it does not know all that we do; or he has the same record, and ours is gone.
        if (onNews !== undefined && !knowsAll(value, known)) this.#soil()
      }
    }
    return isSure
  }

  #say(): void {
    if (this.#barriers.last > 0) this.#soil()
  }

  #forget(): void {
    this.#clearings += 1
    this.#barriers.forget()
    this.#sources.forget()
  }

  #distrust(): void {
    this.#barriers.raiseFloor(this.#clock.wall())
    this.#soil()
  }

  /** Others have changed something in the store. */
  #heard(change: StoreChange): void {
    if (!('keys' in change)) {
      // What was given up before is not there, and must not be held against what was written since.
      if ('all' in change && change.isEmptied === true) this.#forget()
      this.#onChange(change)
      this.#learn(RECORDS)
      // What only we know was lost with the record of it.
      this.#learning = this.#learning.then(() => this.#say())
      return
    }
    const keys = change.keys.filter(key => !isRecord(key))
    if (keys.length > 0) this.#onChange({ keys: keys.map(keyOfEntry) })
    const records = change.keys.filter(isRecord)
    if (records.length > 0) this.#learn(records)
  }

  #learn(records: readonly string[]): void {
    this.#learning = this.#learning
      .then(() => this.#learnFrom(records, this.#onChange))
      .then(isSure => {
        if (!isSure) this.#onChange({ all: true })
      })
  }

  /** The entry with the number of the last invalidation before it. */
  #dated(entry: TierEntry): TierEntry {
    const era = this.#barriers.last
    return era === 0 ? entry : { ...entry, facts: { ...entry.facts, era } }
  }

  #judged(key: string, entry: TierEntry, mark: Mark | undefined): TierEntry | undefined {
    const { facts = NO_FACTS } = entry
    const era = facts.era ?? 0
    // Another writer has come further.
    this.#barriers.witness(era)
    const verdict = this.#barriers.judge(era, key, facts, mark)
    if (verdict === undefined) return entry
    if (verdict !== GONE) return { ...entry, expiredAt: verdict }
    this.#hits += 1
    this.#misses -= 1
    return undefined
  }

  /** Gives up what depends on `keys`, which change. Whether there may be any. */
  #changed(keys: readonly string[]): boolean {
    let isNews = false
    for (const key of keys) {
      this.#barriers.renewed(key)
      if (!this.#sources.has(key)) continue
      this.#barriers.raise({ source: key }, 'delete', this.#clock.wall())
      isNews = true
    }
    return isNews
  }

  /** Notes what the entries depend on; the records that change by that. */
  #note(entries: readonly Write[]): Write[] {
    const changed = this.#sources.learn(entries)
    if (!this.#sources.areTooMany) return Array.from(changed, at => recordWrite(sourceRecord(at), this.#sources.record(at)))
    this.#sources.forget()
    this.#barriers.raise({ source: undefined }, 'delete', this.#clock.wall())
    this.#sources.learn(entries)
    const all = Array.from({ length: SOURCE_RECORDS }, (_, at) => recordWrite(sourceRecord(at), this.#sources.record(at)))
    return [this.#takeRecord(), ...all]
  }

  #takeRecord(): Write {
    this.#isDirty = false
    return recordWrite(this.#record, this.#barriers.record())
  }

  /** The record will be written, once for all that happens in this task. */
  #soil(): void {
    this.#isDirty = true
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      if (this.#isDirty) this.#write('memory').catch(() => {})
    })
  }

  async #write(persist: Persist): Promise<void> {
    this.#isDirty = true
    // What is in the record already must be known before it is written over.
    await this.open()
    try {
      await this.#tier.setMany([this.#takeRecord()], { persist })
    } catch (error) {
      this.#isDirty = true
      throw error
    }
  }
}

/** Written at time 0, so that it is believed whatever becomes of the clock. */
function recordWrite(key: string, value: unknown): Write {
  return { key, entry: { value, writtenAt: 0, expiresAt: Number.POSITIVE_INFINITY } }
}

function sourceRecord(number: number): string {
  return SOURCE_RECORD_KEYS[number] as string
}

function failures({ errors }: TierStats): number {
  return Object.values(errors).reduce((sum, count) => sum + count, 0)
}

const NO_FACTS: EntryFacts = {}
const SOURCES = new Set(SOURCE_RECORD_KEYS)
const RECORDS = [...BARRIER_RECORDS, ...SOURCE_RECORD_KEYS]
