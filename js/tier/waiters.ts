/** Those who wait until places in the line of a write queue have been stored. */

interface Waiter {
  readonly first: number
  readonly last: number
  readonly isDurable: boolean
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** See the top of this file. */
export class Waiters {
  #waiting: Waiter[] = []

  /** Resolves when the places from `first` to `last` are stored. */
  wait(first: number, last: number, isDurable = false): Promise<void> {
    return new Promise((resolve, reject) => this.#waiting.push({ first, last, isDurable, resolve, reject }))
  }

  /** Whether somebody waits for this place. */
  has(place: number): boolean {
    return this.#waiting.some(({ first, last }) => first <= place && place <= last)
  }

  /** All places before `oldest` are stored. */
  settle(oldest: number): void {
    for (const waiter of this.#remove(({ last }) => last < oldest)) waiter.resolve()
  }

  /** Places up to `last` will not be stored, or not yet. */
  reject(reason: unknown, last = Number.POSITIVE_INFINITY): void {
    for (const waiter of this.#remove(({ first }) => first <= last)) waiter.reject(reason)
  }

  /** Places before `oldest` are stored, and nobody knows that they are synced. */
  rejectDurable(reason: unknown, oldest: number): void {
    for (const waiter of this.#remove(({ isDurable, last }) => isDurable && last < oldest)) waiter.reject(reason)
  }

  #remove(isMeant: (waiter: Waiter) => boolean): Waiter[] {
    const meant = this.#waiting.filter(isMeant)
    if (meant.length > 0) this.#waiting = this.#waiting.filter(waiter => !isMeant(waiter))
    return meant
  }
}
