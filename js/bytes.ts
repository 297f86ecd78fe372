/** Bytes that came in pieces. */

/** The pieces as one; `size` is what they have together. */
export function joined(pieces: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.byteLength
  }
  return whole
}

/** From so many pieces on, small ones are copied together: a view costs more than a hundred bytes of its own, and may hold a far larger buffer. */
const MANY = 64
const SMALL = 2048
const BLOCK = 16_384

/** Pieces that are gathered, however small they are and however many. */
export class Gathered {
  size = 0
  #pieces: Uint8Array[] = []
  /** What small pieces are copied to, and how much of it they have filled. */
  #block: Uint8Array | undefined
  #filled = 0

  add(piece: Uint8Array): void {
    const { byteLength } = piece
    this.size += byteLength
    if (byteLength >= SMALL || this.#pieces.length < MANY) {
      this.#flush()
      this.#pieces.push(piece)
      return
    }
    if (this.#filled + byteLength > BLOCK) this.#flush()
    this.#block ??= new Uint8Array(BLOCK)
    this.#block.set(piece, this.#filled)
    this.#filled += byteLength
  }

  /** All as one; a single piece that fills its buffer as it is, while a view on a larger one would keep the rest of that in memory. */
  whole(): Uint8Array {
    const [first] = this.#pieces
    if (this.#pieces.length === 1 && first !== undefined && this.#filled === 0 && first.byteLength === first.buffer.byteLength) return first
    this.#flush()
    return joined(this.#pieces, this.size)
  }

  #flush(): void {
    if (this.#block !== undefined && this.#filled > 0) this.#pieces.push(this.#block.subarray(0, this.#filled))
    this.#block = undefined
    this.#filled = 0
  }
}
