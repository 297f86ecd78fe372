/** Numbers by slot that most caches do not need: the memory for them is taken when the first one is not the usual. */

/** A column that reads as `usual` everywhere until something else is written. */
export class Column {
  readonly #usual: number
  #numbers: Float64Array | undefined

  constructor(usual: number) {
    this.#usual = usual
  }

  /** Whether anything but the usual was ever written. */
  get isUsed(): boolean {
    return this.#numbers !== undefined
  }

  get(slot: number): number {
    return this.#numbers === undefined ? this.#usual : (this.#numbers[slot] ?? this.#usual)
  }

  set(slot: number, value: number): void {
    if (this.#numbers === undefined) {
      if (value === this.#usual) return
      this.#numbers = new Float64Array(Math.max(64, slot + 1)).fill(this.#usual)
    } else if (slot >= this.#numbers.length) {
      if (value === this.#usual) return
      const grown = new Float64Array(Math.max(this.#numbers.length * 2, slot + 1)).fill(this.#usual)
      grown.set(this.#numbers)
      this.#numbers = grown
    }
    this.#numbers[slot] = value
  }

  clear(): void {
    this.#numbers = undefined
  }
}
