/**
 * Slots, or other numbers, by key: a `Map` whose small integers nobody outside can foresee.
 *
 * JavaScript engines hash strings with a secret seed and small integers without one: whoever knows the engine can choose integers that all
 * land in one bucket. So they are shuffled among themselves before they get there, and turned back on the way out.
 */

import { randomSeed } from './key-hash.ts'

let secret: readonly [offset: number, factor: number, inverse: number] | undefined

/** See the top of this file. */
export class SlotMap<K> {
  readonly #map = new Map<unknown, number>()
  readonly #offset: number
  readonly #factor: number
  readonly #inverse: number

  constructor() {
    secret ??= newSecret()
    ;[this.#offset, this.#factor, this.#inverse] = secret
  }

  get size(): number {
    return this.#map.size
  }

  get(key: K): number | undefined {
    return this.#map.get(typeof key === 'number' ? this.#shuffled(key) : key)
  }

  set(key: K, slot: number): void {
    this.#map.set(typeof key === 'number' ? this.#shuffled(key) : key, slot)
  }

  delete(key: K): void {
    this.#map.delete(typeof key === 'number' ? this.#shuffled(key) : key)
  }

  clear(): void {
    this.#map.clear()
  }

  values(): IterableIterator<number> {
    return this.#map.values()
  }

  /** The keys in the order in which they came in. */
  *keys(): IterableIterator<K> {
    for (const [key] of this) yield key
  }

  /** Keys and slots in the order in which the keys came in. Changing the map meanwhile is allowed. */
  *[Symbol.iterator](): IterableIterator<[K, number]> {
    for (const [key, slot] of this.#map) yield [(typeof key === 'number' ? this.#restored(key) : key) as K, slot]
  }

  /** The same, without a pair for each. */
  forEach(visit: (key: K, slot: number) => void): void {
    this.#map.forEach((slot, key) => {
      visit((typeof key === 'number' ? this.#restored(key) : key) as K, slot)
    })
  }

  /**
   * Integers of 31 bits stay such integers, and no two of them become one; all other numbers stay what they are. The engine's own
   * hash does the rest of the mixing.
   */
  #shuffled(key: number): number {
    return (key << 1) >> 1 === key ? (Math.imul(key ^ this.#offset, this.#factor) << 1) >> 1 : key
  }

  #restored(key: number): number {
    return (key << 1) >> 1 === key ? ((Math.imul(key, this.#inverse) ^ this.#offset) << 1) >> 1 : key
  }
}

function newSecret(): [offset: number, factor: number, inverse: number] {
  const factor = randomSeed() | 1
  // Newton: each step doubles the number of bits that are right.
  let inverse = factor
  for (let bits = 3; bits < 32; bits *= 2) inverse = Math.imul(inverse, 2 - Math.imul(factor, inverse))
  return [randomSeed() | 0, factor, inverse]
}
