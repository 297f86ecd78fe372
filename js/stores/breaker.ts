/**
 * Decides whether a server that has failed again and again may be called (circuit breaker: Nygard, "Release It!", 2007). It goes by the times it
 * is told, has no timer, and leaves the one trial call, after {@link Breaker.retryAt}, to its owner.
 */

/** How a {@link Breaker} decides; times in milliseconds. */
export interface BreakerOptions {
  /** So many failures in a row open it. */
  readonly failures: number
  /** How long it stays open at first; each trial that fails doubles that, up to `maxOpenMs`. */
  readonly openMs: number
  readonly maxOpenMs: number
  /** Numbers from 0 up to 1: a wait is shortened by up to a half, so that not all clients come back at once. */
  readonly random: () => number
}

/** See the top of this file. */
export class Breaker {
  readonly #options: BreakerOptions
  #failures = 0
  /** How often in a row it has opened. */
  #openings = 0
  #retryAt = Number.NEGATIVE_INFINITY

  constructor(options: BreakerOptions) {
    this.#options = options
  }

  /** Whether only a trial may be called. */
  get isOpen(): boolean {
    return this.#openings > 0
  }

  /** When the next trial is due. */
  get retryAt(): number {
    return this.#retryAt
  }

  /** A call, or the trial, has succeeded. */
  succeeded(): void {
    this.#failures = 0
    this.#openings = 0
  }

  /** A call has failed. True when that opens it. */
  failed(now: number): boolean {
    if (this.isOpen) return false
    this.#failures += 1
    if (this.#failures < this.#options.failures) return false
    this.open(now)
    return true
  }

  /** Opens, or stays open for longer: the trial has failed. */
  open(now: number): void {
    const { openMs, maxOpenMs, random } = this.#options
    const wait = Math.min(openMs * 2 ** Math.min(this.#openings, 30), maxOpenMs)
    this.#openings += 1
    this.#failures = 0
    this.#retryAt = now + wait * (1 - random() / 2)
  }
}
