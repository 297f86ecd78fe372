/**
 * What is spared of what a budget gives up. Where memory keeps what is used often, nobody asks a store for it, and it would seem old there.
 * In the long run no more bytes are spared than go: where everything is in use, writing would only move it round.
 */

const MOST_BYTES = 1024 * 1024

/** See the top of this file. */
export class Spares {
  readonly #most: number
  #bytes: number

  /** For a budget of `maxSize` bytes, up to a quarter of which, or 1 MB, is spared before anything has gone. */
  constructor(maxSize: number) {
    this.#most = Math.min(MOST_BYTES, maxSize / 4)
    this.#bytes = this.#most
  }

  /** Whether a value of `bytes` is spared; `isInUse` is asked where that is possible. */
  takes(bytes: number, isInUse: () => boolean): boolean {
    const isSpared = bytes <= this.#bytes && isInUse()
    this.#bytes = Math.min(this.#most, this.#bytes + (isSpared ? -bytes : bytes))
    return isSpared
  }
}
