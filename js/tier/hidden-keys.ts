/** Keys whose writing failed, so that what lies below is out of date: they count as not there until they are written or deleted. */

import type { Outgoing } from '../stores/directory.ts'

/** Keys that are known one by one; of more, everything written before counts. */
const MOST = 4096

/** See the top of this file. */
export class HiddenKeys {
  readonly #keys = new Set<string>()
  /** Those that were written after all was hidden, and bear an earlier time. */
  readonly #shown = new Set<string>()
  #before = Number.NEGATIVE_INFINITY

  /** Hides `key`; `wall` is the time, in milliseconds since the Unix epoch. */
  hide(key: string, wall: number): void {
    this.#keys.add(key)
    if (this.#keys.size > MOST) this.hideAll(wall)
  }

  /** Hides everything written until `wall`. */
  hideAll(wall: number): void {
    this.#before = Math.max(this.#before, wall)
    this.#keys.clear()
    this.#shown.clear()
  }

  /** Whether an entry of `key` that was written at `writtenAt` is hidden. */
  has(key: string, writtenAt: number): boolean {
    return this.#keys.has(key) || (writtenAt <= this.#before && !this.#shown.has(key))
  }

  /** These have been written, or deleted, below. */
  show(writes: Iterable<Outgoing>): void {
    for (const { key, bytes, writtenAt } of writes) {
      this.#keys.delete(key)
      if (bytes !== undefined && writtenAt <= this.#before && this.#shown.size < MOST) this.#shown.add(key)
    }
  }

  /** There is nothing left below. */
  clear(): void {
    this.#keys.clear()
    this.#shown.clear()
    this.#before = Number.NEGATIVE_INFINITY
  }
}
