/** How large entries are, by slot, and all together. */

import type { SizeCalculator, Status } from './types.ts'

const isPositiveInteger = (n: unknown): n is number => Number.isInteger(n) && (n as number) > 0

/** See the top of this file. */
export class Sizes {
  readonly #sizes: number[] = []
  #total = 0

  /** The size of all entries. */
  get total(): number {
    return this.#total
  }

  /** The size of the entry in `slot`. */
  of(slot: number): number {
    return this.#sizes[slot] ?? 0
  }

  /** The entry in `slot` has come. */
  add<K, V, FC>(slot: number, size: number, status: Status<K, V, FC> | undefined): void {
    this.#sizes[slot] = size
    this.#total += size
    if (status === undefined) return
    status.entrySize = size
    status.totalCalculatedSize = this.#total
  }

  /** The entry in `slot` has gone. */
  remove(slot: number): void {
    this.#total -= this.of(slot)
    this.#sizes[slot] = 0
  }

  /** Forgets every entry. */
  clear(): void {
    this.#sizes.length = 0
    this.#total = 0
  }
}

/** The size given for an entry, or else the one calculated. Throws a `TypeError` unless that is a whole number above zero. */
export function sizeOf<K, V>(key: K, value: V, given: number | undefined, calculate: SizeCalculator<K, V> | undefined): number {
  if (isPositiveInteger(given)) return given
  if (!calculate) throw new TypeError('a cache that limits sizes needs a size or a sizeCalculation for each entry, a positive integer')
  if (typeof calculate !== 'function') throw new TypeError('sizeCalculation must be a function')
  const size = calculate(value, key)
  if (!isPositiveInteger(size)) throw new TypeError('sizeCalculation must return a positive integer')
  return size
}
