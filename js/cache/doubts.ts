/** Why an entry may not be served though its time is not over: it was given up with others, or somebody has to be asked about it first. */

import type { Guard } from './guards.ts'
import type { SetOptions } from './memory-types.ts'
import { Ties } from './ties.ts'

/** See the top of this file. */
export class Doubts<K, V> {
  readonly ties = new Ties<K>()
  /** Entries that have to be asked about, by slot. */
  readonly guards = new Map<number, Guard<K, V>>()
  readonly #core: { distrust(): void }
  #hasTies = false
  #hasDoomed = false
  #looksTwice = false

  /** `core` serves hits without a look as long as it is trusted. */
  constructor(core: { distrust(): void }) {
    this.#core = core
  }

  /** Whether an entry was ever tied to anything. */
  get hasTies(): boolean {
    return this.#hasTies
  }

  /** Whether entries that were given up are still here, so that every look at one has to ask. */
  get hasDoomed(): boolean {
    return this.#hasDoomed
  }

  /** Whether there are entries in doubt, so that every read has to look twice. */
  get looksTwice(): boolean {
    return this.#looksTwice
  }

  /** Ties the entry of `key` in `slot`, which has no ties. */
  tie(slot: number, key: K, options: SetOptions<K>): void {
    this.#hasTies = true
    this.ties.join(slot, key, options)
  }

  /** The entry in `slot` has to be asked about. */
  guard(slot: number, guard: Guard<K, V>): void {
    this.guards.set(slot, guard)
    this.#looksTwice = true
    this.#core.distrust()
  }

  /** Whether entries that were given up are still here. */
  doomed(has: boolean): void {
    this.#hasDoomed = has
    this.#looksTwice = has || this.guards.size > 0
    if (this.#looksTwice) this.#core.distrust()
  }

  /** What was made from `key` is true no longer. */
  sourceChanged(key: K): void {
    if (this.#hasTies && this.ties.sourceChanged(key)) this.doomed(true)
  }

  /** The entry in `slot` leaves, or is overwritten. */
  leave(slot: number): void {
    if (this.#hasTies) this.ties.leave(slot)
    if (this.guards.size > 0) this.guards.delete(slot)
  }

  clear(): void {
    this.ties.clear()
    this.#hasTies = false
    this.guards.clear()
    this.doomed(false)
  }
}
