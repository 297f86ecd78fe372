/**
 * What a tier has slept through: keys that were written or deleted, and what was given up, while it could not be told. It may hold
 * something older of all that, until it has been told. Bounded: of too many, all becomes one, "everything before".
 */

import type { Invalidation } from '../stores/tier.ts'

/** Keys that are known one by one, and the units of their text. */
const MOST_KEYS = 10_000
const MOST_UNITS = 1_000_000
/** Invalidations that are known one by one. */
const MOST_MEANT = 256

/** See the top of this file. Tickets are numbers that rise: later ones are of later changes. */
export class Missed {
  readonly #keys = new Map<string, number>()
  readonly #meant = new Map<number, Invalidation>()
  #units = 0
  /** Everything up to this ticket was missed. */
  #floor = 0
  /** The latest ticket so far; what was missed is not always found out in order. */
  #latest = 0

  /** How many keys and invalidations wait to be told. */
  get size(): number {
    return this.#keys.size + this.#meant.size + (this.#floor > 0 ? 1 : 0)
  }

  /** Whether there is something that concerns keys which nobody can name. */
  get isWide(): boolean {
    return this.#meant.size > 0 || this.#floor > 0
  }

  /** Whether "everything before" was missed. */
  get isAll(): boolean {
    return this.#floor > 0
  }

  has(key: string): boolean {
    return this.#keys.size > 0 && this.#keys.has(key)
  }

  /** `keys` were changed at `ticket`. */
  addKeys(keys: readonly string[], ticket: number): void {
    this.#latest = Math.max(this.#latest, ticket)
    for (const key of keys) {
      if (!this.#keys.has(key)) this.#units += key.length
      this.#keys.set(key, Math.max(ticket, this.#keys.get(key) ?? 0))
    }
    if (this.#keys.size > MOST_KEYS || this.#units > MOST_UNITS) this.addAll(this.#latest)
  }

  /** `meant` was given up at `ticket`. */
  addMeant(meant: Invalidation, ticket: number): void {
    this.#latest = Math.max(this.#latest, ticket)
    this.#meant.set(ticket, meant)
    if (this.#meant.size > MOST_MEANT) this.addAll(this.#latest)
  }

  /** Everything before `ticket` is no longer to be believed. */
  addAll(ticket: number): void {
    this.#forget(ticket)
    this.#floor = Math.max(this.#floor, ticket)
    this.#latest = Math.max(this.#latest, ticket)
  }

  /** What was given up, with its tickets; copied, for it may be told while more is added. */
  meant(): [ticket: number, meant: Invalidation][] {
    return [...this.#meant]
  }

  /** Up to `most` keys that `isFree` lets pass. */
  keys(most: number, isFree: (key: string) => boolean): string[] {
    const keys: string[] = []
    for (const key of this.#keys.keys()) {
      if (keys.length === most) break
      if (isFree(key)) keys.push(key)
    }
    return keys
  }

  /** The tier has what became of `keys`, as of `ticket`. How many of them were missed. */
  toldKeys(keys: readonly string[], ticket: number): number {
    if (this.#keys.size === 0) return 0
    let told = 0
    for (const key of keys) {
      if ((this.#keys.get(key) ?? Number.POSITIVE_INFINITY) > ticket) continue
      this.#keys.delete(key)
      this.#units -= key.length
      told += 1
    }
    return told
  }

  /** The tier has given up what was meant at `ticket`. */
  toldMeant(ticket: number): number {
    return this.#meant.delete(ticket) ? 1 : 0
  }

  /** The tier has given up everything it had at `ticket`. */
  toldAll(ticket: number): number {
    const before = this.size
    this.#forget(ticket)
    if (this.#floor <= ticket) this.#floor = 0
    return before - this.size
  }

  #forget(ticket: number): void {
    this.toldKeys([...this.#keys.keys()], ticket)
    for (const at of this.#meant.keys()) if (at <= ticket) this.#meant.delete(at)
  }
}
