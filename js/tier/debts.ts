/**
 * Keys that are known to have changed while that could not be written: what the log has of them must not come up some day. Records of
 * ours are no such keys: nothing in them is ever wrong, but something may be missing, which has to be said again.
 */

import { isRecord } from './records.ts'

/** Keys that are known one by one; of more, everything counts as changed. */
const MOST = 10_000

/** See the top of this file. */
export class Debts {
  #owed: Set<string> | 'all' = new Set()
  #records = new Set<string>()

  /** Whether something is owed of keys that nobody can name. */
  get areAll(): boolean {
    return this.#owed === 'all'
  }

  /** What the log has of these is out of date, and could not be told so. */
  owe(writes: readonly { readonly key: string }[]): void {
    for (const { key } of writes) {
      if (isRecord(key)) this.#records.add(key)
      else if (this.#owed !== 'all') this.#owed.add(key)
    }
    if (this.#owed !== 'all' && this.#owed.size > MOST) this.#owed = 'all'
  }

  oweAll(): void {
    this.#owed = 'all'
  }

  /** Those whose keys can be named. */
  get keys(): Iterable<string> {
    return this.#owed === 'all' ? [] : this.#owed
  }

  /** What is owed. From now on it is for the caller to pay. */
  take(): ReadonlySet<string> | 'all' {
    const owed = this.#owed
    if (owed === 'all' || owed.size > 0) this.#owed = new Set()
    return owed
  }

  /** Records that could not be written; likewise. */
  takeRecords(): string[] {
    const records = [...this.#records]
    this.#records.clear()
    return records
  }
}
