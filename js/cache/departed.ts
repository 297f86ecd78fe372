/**
 * Why keys are asked for in vain: some of those that have left are remembered, each with the reason.
 *
 * The first thousand are all remembered, of later ones fewer and fewer, down to one in 128 by chance; the first read that finds one of
 * these counts for as many. Hashing each key that leaves and each that is missed would cost more than all else in a miss; a small `Map`
 * uses the hash that a string has already.
 */

import type { DisposeReason } from './memory-types.ts'
import { COLD, type MissCode, MissCounts, missCode, weightOf } from './miss-counts.ts'
import { SlotMap } from './slot-map.ts'

/** So many departures are all remembered, and after each so many fewer of the next. */
const FIRST_BITS = 10
const FIRST = 1 << FIRST_BITS
/** One in two to the power of this, in the end. */
const FEWEST_BITS = 7
/** Of these there is room for a share of the cache, as a power of two, which is two cachefuls of departures; and for so many in any case. */
const ROOM_BITS = 6
const LEAST_ROOM = 128
/** Of more characters, a key would take more room than it is worth. */
const LONGEST_KEY = 256

const REASONS: Record<DisposeReason, number> = { evict: 0, expire: 1, invalidate: 2, delete: 3, set: 3, oversize: 3 }

/** Keys that have left one cache, and its reads of keys that are not there. */
export class Departed<K> {
  readonly counts = new MissCounts()
  /** The latest miss. */
  last: MissCode = COLD
  readonly #left = new SlotMap<K>()
  /** One for good: a new iterator would have to step over all that was deleted. */
  #oldest = this.#left.keys()
  readonly #entries: { readonly size: number }
  #remembered = 0
  #bits = 0
  /** So many departures are passed over, and then one is remembered. */
  #skip = 0
  #chance = 1
  /** The key last asked for in vain, of which nothing is remembered. */
  #unknown: K | undefined

  /** `entries` tells how large the cache is. */
  constructor(entries: { readonly size: number }) {
    this.#entries = entries
  }

  /** `key` has left. Short, for it is part of every eviction. */
  note(key: K, reason: DisposeReason): void {
    this.#skip -= 1
    if (this.#skip < 0) this.#remember(key, reason)
  }

  /** `key` was asked for, and it is not there. */
  missed(key: K): void {
    const code = this.#left.get(key) ?? COLD
    if (code === COLD) this.#unknown = key
    // It stood for others, too, that came back and left again.
    else if (weightOf(code) > 1) this.#left.delete(key)
    this.last = code
    this.counts.add(code)
  }

  /** `key` is there again. In a large cache it is forgotten before it has often left, so that looking is not worth the time. */
  returned(key: K): void {
    if (key !== this.#unknown && this.#left.size <= FIRST) this.#left.delete(key)
  }

  /** Nothing is known of any key any more. */
  clear(): void {
    this.#left.clear()
    this.#oldest = this.#left.keys()
  }

  #remember(key: K, reason: DisposeReason): void {
    const weight = 1 << this.#bits
    this.#remembered += 1
    const past = this.#remembered >> FIRST_BITS
    this.#bits = past === 0 ? 0 : Math.min(2 * past + 1, FEWEST_BITS)
    this.#chance = (Math.imul(this.#chance, 1_664_525) + 1_013_904_223) | 0
    // Up to twice as many as in the mean.
    this.#skip = this.#bits === 0 ? 0 : this.#chance >>> (31 - this.#bits)
    if (typeof key === 'string' ? key.length > LONGEST_KEY : typeof key === 'object' || typeof key === 'function') return
    if (key === this.#unknown) this.#unknown = undefined
    this.#left.delete(key)
    this.#left.set(key, missCode(REASONS[reason], weight))
    // A small map is quicker to ask.
    const room = past < 3 ? FIRST : Math.max(LEAST_ROOM, this.#entries.size >> ROOM_BITS)
    while (this.#left.size > room) this.#forgetOldest()
  }

  #forgetOldest(): void {
    let oldest = this.#oldest.next()
    if (oldest.done === true) {
      this.#oldest = this.#left.keys()
      oldest = this.#oldest.next()
    }
    if (oldest.done !== true) this.#left.delete(oldest.value)
  }
}
