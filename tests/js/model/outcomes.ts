/** Outcomes that a schedule does not stop for: how many are still to come, and the first that was none it expected. */

/** See the top of this file. */
export class Outcomes {
  #failure: unknown
  #due = 0

  /** Whether somebody still waits. */
  get areDue(): boolean {
    return this.#due > 0
  }

  expect(outcome: Promise<void>): void {
    this.#due += 1
    const settled = () => {
      this.#due -= 1
    }
    outcome.then(settled, error => {
      this.#failure ??= error
      settled()
    })
  }

  /** Throws the first failure, or that somebody waits still. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#due > 0) throw new Error('somebody waits for ever')
  }
}
