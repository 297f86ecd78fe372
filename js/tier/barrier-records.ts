/**
 * What a tier knows of invalidations, in records beside its entries: read when it opens and whenever others have written, written when
 * something is given up here. Several writers of one store write to records of their own, and read those of all.
 */

import type { Clock } from '../clock.ts'
import { type BarrierRecord, Barriers } from '../stores/barriers.ts'
import type { EntryFacts, Persist, StoreChange, TierEntry, TierStats } from '../stores/tier.ts'
import type { PlainTier } from './barrier-tier.ts'
import { knowsAll, newsOf } from './foreign-barriers.ts'
import { BARRIER_RECORDS, SOURCE_RECORD_KEYS } from './records.ts'
import { SOURCE_RECORDS, Sources, sourceRecordOf } from './sources.ts'

/** An entry on its way to a tier. */
export type Write = { readonly key: string; readonly entry: TierEntry }

interface Known {
  readonly barriers: BarrierRecord
  readonly sources: readonly (readonly string[])[]
}

/** See the top of this file. */
export class BarrierRecords {
  readonly barriers = new Barriers()
  readonly sources = new Sources()
  /** What the tier counted when records were read, and we do not. */
  hits = 0
  misses = 0
  readonly #tier: PlainTier
  readonly #clock: Clock
  /** Resolves when the records that there are have been read. */
  readonly #open: () => Promise<void>
  readonly #record = BARRIER_RECORDS[Math.floor(Math.random() * BARRIER_RECORDS.length)] as string
  /** Whether there are barriers that the record does not have, and whether somebody will see to that. */
  #isDirty = false
  #isScheduled = false
  /** Records of sources that do not say all. */
  readonly #unsaid = new Set<number>()

  /** `open` resolves when the records that there are have been read. */
  constructor(tier: PlainTier, clock: Clock, open: () => Promise<void>) {
    this.#tier = tier
    this.#clock = clock
    this.#open = open
  }

  /** Whether something was given up that the record does not say yet. */
  get isDirty(): boolean {
    return this.#isDirty
  }

  /**
   * Reads records. False when that was not possible: of a record that cannot be read nobody knows what it gave up. With `onNews`, what is
   * new in them is told, and what they do not say is said again.
   */
  async learnFrom(records: readonly string[], onNews?: (change: StoreChange) => void): Promise<boolean> {
    const before = this.#tier.stats()
    const found = await this.#tier.getMany(records).catch(() => [])
    const after = this.#tier.stats()
    this.hits += after.hits - before.hits
    this.misses += after.misses - before.misses
    let isSure = failures(after) === failures(before)
    for (const [at, entry] of found.entries()) {
      const record = records[at] as string
      const source = SOURCE_RECORD_KEYS.indexOf(record)
      const isRight = source < 0 ? this.#learnBarriers(record, entry, onNews) : this.#learnSources(source, entry, onNews !== undefined)
      if (!isRight) isSure = false
    }
    if (onNews !== undefined && this.#isDirty) this.soil()
    return isSure
  }

  #learnBarriers(record: string, entry: TierEntry | undefined, onNews: ((change: StoreChange) => void) | undefined): boolean {
    if (entry === undefined) {
      if (record === this.#record && onNews !== undefined) this.say()
      return true
    }
    const known = this.barriers.record()
    if (!this.barriers.merge(entry.value)) return false
    for (const change of newsOf(entry.value, known)) onNews?.(change)
    // Whoever wrote it does not know all that we do; or he has the same record, and ours is gone.
    if (onNews !== undefined && !knowsAll(entry.value, known)) this.soil()
    return true
  }

  #learnSources(number: number, entry: TierEntry | undefined, isAgain: boolean): boolean {
    const said = entry?.value ?? []
    if (!this.sources.merge(said)) return false
    if (isAgain && this.sources.record(number).length > (said as unknown[]).length) {
      this.#unsaid.add(number)
      this.soil()
    }
    return true
  }

  /** Whether all is known that an entry was made from: otherwise the record of it is lost, or not read yet. */
  knowsSources({ dependsOn }: EntryFacts): boolean {
    return dependsOn === undefined || dependsOn.every(source => this.sources.has(source))
  }

  /** Reads the records of what these were made from, where that is not known. */
  async learnSourcesOf(entries: readonly (TierEntry | undefined)[]): Promise<void> {
    const unknown = entries.flatMap(entry => entry?.facts?.dependsOn?.filter(source => !this.sources.has(source)) ?? [])
    if (unknown.length > 0) await this.learnFrom([...new Set(unknown.map(source => sourceRecord(sourceRecordOf(source))))])
  }

  /** Says again what is known, wherever the record of it may have gone. */
  say(): void {
    if (this.barriers.last > 0) this.soil()
  }

  /** All that is known, for {@link recall}. */
  all(): Known {
    return { barriers: this.barriers.record(), sources: Array.from({ length: SOURCE_RECORDS }, (_, at) => this.sources.record(at)) }
  }

  /** Knows again what was forgotten, and says it. */
  recall({ barriers, sources }: Known): void {
    this.barriers.merge(barriers)
    for (const [at, source] of sources.entries()) {
      if (source.length === 0) continue
      this.sources.merge(source)
      this.#unsaid.add(at)
    }
    this.soil()
  }

  forget(): void {
    this.barriers.forget()
    this.sources.forget()
  }

  /** Something may have been given up that nobody knows of. */
  distrust(): void {
    this.barriers.raiseFloor(this.#clock.wall())
    this.soil()
  }

  /** Notes what the entries depend on; the records that change by that. */
  note(entries: readonly Write[]): Write[] {
    const changed = this.sources.learn(entries)
    if (!this.sources.areTooMany) return Array.from(changed, at => recordWrite(sourceRecord(at), this.sources.record(at)))
    this.sources.forget()
    this.barriers.raise({ source: undefined }, 'delete', this.#clock.wall())
    this.sources.learn(entries)
    const all = Array.from({ length: SOURCE_RECORDS }, (_, at) => recordWrite(sourceRecord(at), this.sources.record(at)))
    return [this.takeRecord(), ...all]
  }

  /** The record, for somebody who is about to write it, and says so when that fails ({@link lost}). */
  takeRecord(): Write {
    this.#isDirty = false
    return recordWrite(this.#record, this.barriers.record())
  }

  /** What was taken is not there. */
  lost(): void {
    this.#isDirty = true
  }

  /** The record will be written, once for all that happens in this task. */
  soil(): void {
    this.#isDirty = true
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      if (this.#isDirty) this.write('memory').catch(() => {})
    })
  }

  /** Writes the record. */
  async write(persist: Persist): Promise<void> {
    this.#isDirty = true
    // What is in the record already must be known before it is written over.
    await this.#open()
    const unsaid = [...this.#unsaid]
    this.#unsaid.clear()
    const sources = unsaid.map(at => recordWrite(sourceRecord(at), this.sources.record(at)))
    try {
      await this.#tier.setMany([this.takeRecord(), ...sources], { persist })
    } catch (error) {
      this.#isDirty = true
      for (const at of unsaid) this.#unsaid.add(at)
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
