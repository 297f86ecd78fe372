/** Who is in the cache: keys and what they hold, by slot. The order of use lives in the core (laws L1 and L2). */

import { SlotMap } from '../../cache/slot-map.ts'
import { systemClock } from '../../clock.ts'
import { CacheCore, MOST_ENTRIES } from '../../core/cache-core.ts'

const VACANT = Number.POSITIVE_INFINITY
const NEVER = Number.POSITIVE_INFINITY

/** See the top of this file. `H` is what a key holds. */
export class Residents<K, H> {
  readonly core: CacheCore
  readonly #slots = new SlotMap<K>()
  readonly #keys: (K | undefined)[] = []
  readonly #held: (H | undefined)[] = []
  /** By slot, the serial number of the admission that filled it: what an iteration that began earlier must not show. */
  readonly #admissions: number[] = []
  #admitted = 0
  #free: number[] = []
  #newest = -1
  /** A trap took the order: it is made anew, by age instead of use, before anything depends on it. */
  #orderLost = false

  constructor() {
    this.core = new CacheCore(systemClock, { policy: 'lru', max: 0, seed: 0 }, () => {
      this.#orderLost = true
    })
  }

  /** How many there are. */
  get size(): number {
    return this.#slots.size
  }

  /** The slot of `key`. */
  slotOf(key: K): number | undefined {
    return this.#slots.get(key)
  }

  /** The key in `slot`. */
  keyIn(slot: number): K {
    return this.#keys[slot] as K
  }

  /** What the key in `slot` holds. */
  heldIn(slot: number): H | undefined {
    return this.#held[slot]
  }

  /** The key in `slot` holds `held` from now on. */
  hold(slot: number, held: H | undefined): void {
    this.#held[slot] = held
  }

  /** Whether `slot` is filled. */
  has(slot: number): boolean {
    return (this.#admissions[slot] ?? VACANT) !== VACANT
  }

  /** Takes a new key in, as the most recently used, and gives its slot. */
  admit(key: K, held: H): number {
    if (this.#slots.size === 0) this.#free = []
    const slot = this.#free.pop() ?? this.#slots.size
    this.#slots.set(key, slot)
    this.#keys[slot] = key
    this.#held[slot] = held
    this.#admitted += 1
    this.#admissions[slot] = this.#admitted
    this.#newest = slot
    this.core.admit(slot, NEVER)
    return slot
  }

  /** The key in `slot` was used. */
  touch(slot: number): void {
    if (slot === this.#newest) return
    this.#newest = slot
    this.core.touch(slot)
  }

  /** Takes the key in `slot` out. */
  remove(slot: number): void {
    this.#slots.delete(this.keyIn(slot))
    this.#keys[slot] = undefined
    this.#held[slot] = undefined
    this.#admissions[slot] = VACANT
    this.#free.push(slot)
    if (slot === this.#newest) this.#newest = -1
    this.core.remove(slot)
  }

  /** Takes everyone out. */
  clear(): void {
    this.#slots.clear()
    this.#keys.length = 0
    this.#held.length = 0
    this.#admissions.length = 0
    this.#free = []
    this.#newest = -1
    this.core.clear()
  }

  /** The slot of the least recently used; it has to be removed then. Only while there is somebody. */
  victim(): number {
    this.recover()
    let slot = this.core.victim()
    if (this.recover()) slot = this.core.victim()
    if (slot >= 0) return slot
    // Trap upon trap: whoever came first has to do.
    const [oldest] = this.#slots.values()
    return oldest as number
  }

  /**
   * The slots by recency of use as of now. The cache may change meanwhile: who has left is not shown, nor who came
   * later. To look at the first costs little, and all that follow are asked for at once.
   */
  *inOrder(newestFirst: boolean): Generator<number, void, unknown> {
    if (this.#slots.size === 0) return
    const began = this.#admitted
    const first = newestFirst ? this.#newest : (this.#order(1)[0] ?? -1)
    const admission = this.#admissions[first]
    if (admission !== undefined && admission <= began) yield first
    const order = this.#order(MOST_ENTRIES)
    if (newestFirst) order.reverse()
    for (const slot of order) {
      const admitted = this.#admissions[slot] ?? VACANT
      if (admitted <= began && admitted !== admission) yield slot
    }
  }

  /** Makes the order anew if a trap took it. Whether that was so. */
  recover(): boolean {
    if (!this.#orderLost) return false
    this.#orderLost = false
    for (const slot of this.#slots.values()) this.core.admit(slot, NEVER)
    if (this.#newest >= 0) this.core.touch(this.#newest)
    return true
  }

  #order(most: number): Uint32Array {
    this.recover()
    const order = this.core.order(most)
    return this.recover() ? this.core.order(most) : order
  }
}
