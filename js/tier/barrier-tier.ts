/**
 * Invalidation for tiers that cannot do it themselves: {@link Barriers} beside the entries, in records of their own.
 *
 * An entry notes the number of the last invalidation before it; what comes up is judged by those since. What is known of them lies
 * in {@link BarrierRecords}.
 */

import type { Clock } from '../clock.ts'
import { report } from '../report.ts'
import { GONE, type Mark } from '../stores/barriers.ts'
import type { EntryFacts, Invalidation, Offered, Persist, Room, StoreChange, Tier, TierEntry, TierStats } from '../stores/tier.ts'
import { BarrierRecords, type Write } from './barrier-records.ts'
import { entryKey, isRecord, keyOfEntry, RECORDS } from './records.ts'

/** A tier without invalidation. */
export type PlainTier = Omit<Tier, 'invalidate'>

type OnChange = (change: StoreChange) => void

/** `tier`, with invalidation. A tier that knows what others do to its store tells `onChange`; the result tells who opened it. */
export function withBarriers(tier: PlainTier | ((onChange: OnChange) => PlainTier), clock: Clock, onChange?: OnChange): Tier {
  return new BarrierTier(tier, clock, onChange)
}

class BarrierTier implements Tier {
  readonly name: string
  readonly #tier: PlainTier
  readonly #clock: Clock
  readonly #records: BarrierRecords
  #opening: Promise<void> | undefined
  #isOpen = false
  /** How often everything was forgotten, barriers too. */
  #clearings = 0
  /** Entries that the tier has counted and that had been given up. */
  #givenUp = 0
  readonly lock: Tier['lock']
  readonly #onChange: OnChange
  /** What others have written is being read, so many times one after the other. */
  #learning: Promise<void> = Promise.resolve()
  #lessons = 0
  /** The tier could not be opened, so that no record was read; and whether keys have changed since that others may be made from. */
  #isIgnorant = false
  #hasChanged = false

  constructor(tier: PlainTier | ((onChange: OnChange) => PlainTier), clock: Clock, onChange: OnChange = () => {}) {
    this.#clock = clock
    this.#onChange = onChange
    this.#tier = typeof tier === 'function' ? tier(change => this.#heard(change)) : tier
    this.#records = new BarrierRecords(this.#tier, clock, () => (this.#lessons > 0 ? this.#learning : this.open()))
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
    const marks = this.#records.barriers.isEmpty ? undefined : keys.map(key => this.#records.barriers.markOf(key))
    const clearings = this.#clearings
    const found = await this.#tier.getMany(keys.map(entryKey), options)
    // What is known to have been given up by somebody, and not yet what, is not believed before.
    if (this.#lessons > 0) await this.#learning
    await this.#records.learnSourcesOf(found)
    // What it may have seen before that cannot be judged any more.
    if (clearings !== this.#clearings) return found.map(() => undefined)
    return found.map((entry, at) => {
      // Nothing has ever been given up, as far as is known.
      if (entry === undefined || (entry.facts === undefined && this.#records.barriers.last === 0)) return entry
      return this.#judged(keys[at] as string, entry, marks?.[at])
    })
  }

  setMany(entries: readonly Write[], options: { readonly persist: Persist }): Promise<void> {
    // Not judged by what was given up before it was written, which nobody has read yet. Numbers are times.
    if (this.#isLearning) this.#records.barriers.witness(this.#clock.wall() - 1)
    // Records first: an entry that is stored without its source being known would outlive a change of that.
    const records = this.#records.note(entries)
    if (this.#changed(entries.map(({ key }) => key))) records.push(this.#records.takeRecord())
    const writes = entries.map(({ key, entry }) => ({ key: entryKey(key), entry: this.#dated(entry) }))
    if (records.length === 0) return this.#tier.setMany(writes, options)
    return this.#tier.setMany([...records, ...writes], options).catch(error => {
      this.#records.lost()
      throw error
    })
  }

  /** What changes a record with the entry goes the long way. */
  offer(key: string, entry: TierEntry): Offered {
    if (this.#isLearning || entry.facts?.dependsOn !== undefined || this.#records.sources.has(key)) return false
    const offered = this.#tier.offer?.(entryKey(key), this.#dated(entry)) ?? false
    if (offered !== false) this.#records.barriers.renewed(key)
    return offered
  }

  async deleteMany(keys: readonly string[], options?: { readonly persist?: Persist | undefined }): Promise<boolean[]> {
    const isNews = this.#changed(keys)
    const deleted = this.#tier.deleteMany(keys.map(entryKey), options)
    const [had] = await Promise.all([deleted, isNews ? this.#records.write(options?.persist ?? 'memory') : undefined])
    return had
  }

  async invalidate(
    { mode = 'delete', ...meant }: Invalidation,
    { persist = 'stored' }: { readonly persist?: Persist | undefined } = {},
  ): Promise<void> {
    this.#records.barriers.raise(meant, mode, this.#clock.wall())
    if (persist === 'memory') this.#records.soil()
    else await this.#records.write(persist)
  }

  async clear(): Promise<void> {
    const before = this.#records.all()
    this.#forget()
    try {
      await this.#tier.clear()
    } catch (error) {
      // What is there still was given up all the same: some of it before, and now all.
      this.#records.recall(before)
      this.#records.barriers.raise({ namespace: '' }, 'delete', this.#clock.wall())
      throw error
    } finally {
      // Numbers go on rising after a restart, too. What others have said meanwhile was emptied with the rest, and we alone may have heard it.
      this.#records.say()
    }
  }

  async recent(most: Room, wanted: (key: string) => boolean): Promise<string[]> {
    const isWanted = (key: string) => !isRecord(key) && wanted(keyOfEntry(key))
    return ((await this.#tier.recent?.(most, isWanted)) ?? []).map(keyOfEntry)
  }

  async flush(): Promise<void> {
    if (this.#records.isDirty) await this.#records.write('memory')
    await this.#tier.flush()
  }

  async close(): Promise<void> {
    if (this.#records.isDirty) await this.#records.write('memory').catch(() => {})
    await this.#tier.close()
  }

  stats(): TierStats {
    const stats = this.#tier.stats()
    const { hits, misses } = this.#records
    return { ...stats, hits: stats.hits - hits - this.#givenUp, misses: stats.misses - misses + this.#givenUp }
  }

  async #open(): Promise<void> {
    await this.#tier.open()
    // What damage may have taken, nobody knows what it gave up.
    const isSure = await this.#records.learnFrom(RECORDS)
    this.#isOpen = true
    this.#isIgnorant = this.#tier.stats().state === 'off'
    if (!isSure || this.#tier.stats().errors.distrusted !== undefined) this.#records.distrust()
  }

  #forget(): void {
    this.#clearings += 1
    this.#records.forget()
  }

  /** Others have changed something in the store. */
  #heard(change: StoreChange): void {
    if (!('keys' in change)) {
      // What was given up before is not there, and must not be held against what was written since.
      if ('all' in change && change.isEmptied === true) this.#forget()
      this.#onChange(change)
      this.#learn(RECORDS)
      // What only we know was lost with the record of it.
      this.#learning = this.#learning.then(() => this.#records.say())
      return
    }
    const keys = change.keys.filter(key => !isRecord(key))
    if (keys.length > 0) this.#onChange({ keys: keys.map(keyOfEntry) })
    const records = change.keys.filter(isRecord)
    if (records.length > 0) this.#learn(records)
  }

  #learn(records: readonly string[]): void {
    this.#lessons += 1
    this.#learning = this.#learning
      .then(() => this.#records.learnFrom(records, this.#onChange))
      .then(isSure => {
        this.#comeToKnow(isSure)
        return isSure
      })
      .then(isSure => {
        if (!isSure) this.#onChange({ all: true })
      })
      .catch(report)
      .finally(() => {
        this.#lessons -= 1
      })
  }

  /** What depends on a key that has changed while nobody knew of that is given up with all that depends on any. */
  #comeToKnow(isSure: boolean): void {
    if (!this.#isIgnorant || this.#tier.stats().state === 'off') return
    this.#isIgnorant = false
    if (!isSure) this.#records.distrust()
    if (!this.#hasChanged) return
    this.#hasChanged = false
    this.#records.barriers.raise({ source: undefined }, 'delete', this.#clock.wall())
    this.#records.soil()
  }

  /** Whether there may be records that nobody has read yet. */
  get #isLearning(): boolean {
    return !this.#isOpen || this.#lessons > 0
  }

  /** The entry with the number of the last invalidation before it. */
  #dated(entry: TierEntry): TierEntry {
    const era = this.#records.barriers.last
    return era === 0 ? entry : { ...entry, facts: { ...entry.facts, era } }
  }

  #judged(key: string, entry: TierEntry, mark: Mark | undefined): TierEntry | undefined {
    const { facts = NO_FACTS } = entry
    // Nobody would have noticed that one of these has changed.
    if (!this.#records.knowsSources(facts)) return this.#gone()
    const era = facts.era ?? 0
    // Another writer has come further.
    this.#records.barriers.witness(era)
    const verdict = this.#records.barriers.judge(era, key, facts, mark)
    if (verdict === undefined) return entry
    if (verdict !== GONE) return { ...entry, expiredAt: verdict }
    return this.#gone()
  }

  #gone(): undefined {
    this.#givenUp += 1
  }

  /** Gives up what depends on `keys`, which change. Whether there may be any. */
  #changed(keys: readonly string[]): boolean {
    let isNews = false
    this.#hasChanged ||= this.#isIgnorant
    for (const key of keys) {
      this.#records.barriers.renewed(key)
      if (!this.#records.sources.has(key)) continue
      this.#records.barriers.raise({ source: key }, 'delete', this.#clock.wall())
      isNews = true
    }
    return isNews
  }
}

const NO_FACTS: EntryFacts = {}
