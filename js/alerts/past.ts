/** What a total was, back to the length of one window: a hundred points and a few, whatever the length. */

const POINTS = 100

/** See the top of this file. */
export class Past {
  readonly #windowMs: number
  readonly #times: number[] = []
  readonly #totals: number[] = []
  #latest: number | undefined
  /** The total since the first reading, as if it had never begun anew. */
  #total = 0

  constructor(windowMs: number) {
    this.#windowMs = windowMs
  }

  /** How many points there are. */
  get size(): number {
    return this.#times.length
  }

  /** Takes in what the total is now. One that is less than before began anew. */
  add(now: number, reading: number): void {
    if (this.#latest !== undefined) this.#total += reading < this.#latest ? reading : reading - this.#latest
    this.#latest = reading
    const last = this.#times.at(-1)
    if (last === undefined || now - last >= this.#windowMs / POINTS) {
      this.#times.push(now)
      this.#totals.push(this.#total)
    }
    // The first point is the last one that is at least as old as the window.
    while ((this.#times[1] ?? Number.POSITIVE_INFINITY) <= now - this.#windowMs) {
      this.#times.shift()
      this.#totals.shift()
    }
  }

  /** By how much it rose within the window, and in how many milliseconds: those of the window, or what is known of it. */
  increase(now: number): { increase: number; spanMs: number } {
    return { increase: this.#total - (this.#totals[0] ?? this.#total), spanMs: now - (this.#times[0] ?? now) }
  }
}
