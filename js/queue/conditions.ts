/** Those who wait for something to be so. */

interface Condition {
  holds(): boolean
  resolve(): void
}

/** See the top of this file. */
export class Conditions {
  #waiting: Condition[] = []

  /** Resolves when it holds: at once, or at the review that finds it so. */
  when(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve()
    return new Promise(resolve => void this.#waiting.push({ holds, resolve }))
  }

  /** Something has changed. */
  review(): void {
    if (this.#waiting.length === 0) return
    const met: Condition[] = []
    const others: Condition[] = []
    for (const condition of this.#waiting) (condition.holds() ? met : others).push(condition)
    if (met.length === 0) return
    this.#waiting = others
    for (const { resolve } of met) resolve()
  }
}
