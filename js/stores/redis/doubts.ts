/** Keys of which Redis may have a value that is out of date, because a newer one was given up. Nobody sees it until it is gone there, too. */

/** So many, or so many bytes of keys, are remembered. */
const MOST = 50_000
const MOST_BYTES = 8 * 1024 * 1024

/** A key, and when what was given up was written. */
export type Doubt = readonly [key: string, at: number]

/** See the top of this file. */
export class Doubts {
  readonly #keys = new Map<string, number>()
  #bytes = 0

  get size(): number {
    return this.#keys.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Whether there are more than can be remembered. */
  get areTooMany(): boolean {
    return this.#keys.size > MOST || this.#bytes > MOST_BYTES
  }

  has(key: string): boolean {
    return this.#keys.size > 0 && this.#keys.has(key)
  }

  add(key: string, at: number): void {
    if (!this.#keys.has(key)) this.#bytes += key.length * 2
    this.#keys.set(key, at)
  }

  delete(key: string): void {
    if (this.#keys.size > 0 && this.#keys.delete(key)) this.#bytes -= key.length * 2
  }

  clear(): void {
    this.#keys.clear()
    this.#bytes = 0
  }

  /** Up to `most` of them, the oldest first. */
  some(most: number): Doubt[] {
    const some: Doubt[] = []
    for (const doubt of this.#keys) {
      if (some.length === most) break
      some.push(doubt)
    }
    return some
  }

  /** Redis has nothing old of these any more. */
  settle(doubts: readonly Doubt[]): void {
    for (const [key, at] of doubts) if (this.#keys.get(key) === at) this.delete(key)
  }
}
