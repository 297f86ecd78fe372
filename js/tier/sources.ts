/** The keys that entries of a tier were made from, so that a change of one of them is known to concern others. */

import type { TierEntry } from '../stores/tier.ts'

/** Keys that are known at most. */
const MOST = 4096
/** Records they are spread over, so that a new one is written with few others. */
export const SOURCE_RECORDS = 32

/** See the top of this file. */
export class Sources {
  readonly #records = Array.from({ length: SOURCE_RECORDS }, () => new Set<string>())
  #size = 0

  has(key: string): boolean {
    return this.#size > 0 && this.#recordOf(key).has(key)
  }

  /** Learns from entries to be written; the records that have changed, by number. */
  learn(entries: readonly { readonly entry: TierEntry }[]): Set<number> {
    const changed = new Set<number>()
    for (const { entry } of entries)
      for (const source of entry.facts?.dependsOn ?? []) {
        if (this.#add(source)) changed.add(sourceRecordOf(source))
      }
    return changed
  }

  /** Whether there are more than can be kept. */
  get areTooMany(): boolean {
    return this.#size > MOST
  }

  /** What a record holds. */
  record(number: number): string[] {
    return [...(this.#records[number] ?? [])]
  }

  /** Adds what a record held. False when it is no record. */
  merge(record: unknown): boolean {
    if (!Array.isArray(record) || !record.every(key => typeof key === 'string')) return false
    for (const key of record) this.#add(key)
    return true
  }

  forget(): void {
    for (const record of this.#records) record.clear()
    this.#size = 0
  }

  #add(key: string): boolean {
    const record = this.#recordOf(key)
    if (record.has(key)) return false
    record.add(key)
    this.#size += 1
    return true
  }

  #recordOf(key: string): Set<string> {
    return this.#records[sourceRecordOf(key)] as Set<string>
  }
}

/** The number of the record that tells of `key`. */
export function sourceRecordOf(key: string): number {
  let sum = 0
  for (let at = 0; at < key.length; at += 1) sum = (sum * 31 + key.charCodeAt(at)) | 0
  return (sum >>> 0) % SOURCE_RECORDS
}
