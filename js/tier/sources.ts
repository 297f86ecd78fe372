/** The keys that entries of a tier were made from, so that a change of one of them is known to concern others. */

import type { TierEntry } from '../stores/tier.ts'

/** Keys that are known at most. */
const MOST = 4096
/** Records they are spread over, so that a new one is written with few others. */
export const SOURCE_RECORDS = 32

/** See the top of this file. */
export class Sources {
  readonly #known = new Set<string>()

  has(key: string): boolean {
    return this.#known.has(key)
  }

  /** Learns from entries to be written; the records that have changed, by number. */
  learn(entries: readonly { readonly entry: TierEntry }[]): Set<number> {
    const changed = new Set<number>()
    for (const { entry } of entries)
      for (const source of entry.facts?.dependsOn ?? []) {
        if (this.#known.has(source)) continue
        this.#known.add(source)
        changed.add(recordOf(source))
      }
    return changed
  }

  /** Whether there are more than can be kept. */
  get areTooMany(): boolean {
    return this.#known.size > MOST
  }

  /** What a record holds. */
  record(number: number): string[] {
    return [...this.#known].filter(key => recordOf(key) === number)
  }

  /** Adds what a record held. False when it is no record. */
  merge(record: unknown): boolean {
    if (!Array.isArray(record) || !record.every(key => typeof key === 'string')) return false
    for (const key of record) this.#known.add(key)
    return true
  }

  forget(): void {
    this.#known.clear()
  }
}

function recordOf(key: string): number {
  let sum = 0
  for (let at = 0; at < key.length; at += 1) sum = (sum * 31 + key.charCodeAt(at)) | 0
  return (sum >>> 0) % SOURCE_RECORDS
}
