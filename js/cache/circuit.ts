/** Whether a tier is to be asked at all: after some failures in a row it is left alone for a while, then tried once. */

/** `'open'`: nothing goes through. `'half-open'`: one call does, and decides. */
export type CircuitState = 'closed' | 'open' | 'half-open'

/** See the top of this file. It has no clock: its owner says when the while is over. */
export class Circuit {
  state: CircuitState = 'closed'
  /** Rises when it opens: what was begun before says nothing about what is now. */
  generation = 0
  readonly #limit: number
  #failures = 0
  #isProbing = false

  /** It opens after `limit` failures in a row; `Infinity`: never. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Asks to let one call through; its outcome must be told. */
  admits(): boolean {
    if (this.state === 'closed') return true
    if (this.state === 'open' || this.#isProbing) return false
    this.#isProbing = true
    return true
  }

  /** A call has come back. Whether that closes the circuit. */
  succeeded(generation: number): boolean {
    if (generation !== this.generation) return false
    this.#failures = 0
    const closes = this.state !== 'closed'
    this.state = 'closed'
    this.#isProbing = false
    return closes
  }

  /** A call has failed. Whether that opens the circuit. */
  failed(generation: number): boolean {
    if (generation !== this.generation) return false
    this.#failures += 1
    this.#isProbing = false
    if (this.state === 'closed' && this.#failures < this.#limit) return false
    this.state = 'open'
    this.generation += 1
    return true
  }

  /** A call ended for reasons of its caller. */
  undecided(generation: number): void {
    if (generation === this.generation) this.#isProbing = false
  }

  /** The while is over. */
  halfOpen(): void {
    if (this.state === 'open') this.state = 'half-open'
  }
}
