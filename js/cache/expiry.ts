/** When a cache looks for what has expired. */

import { Alarm, type Driver } from '../core/driver.ts'

const NEVER = Number.POSITIVE_INFINITY

/** Wakes its owner when something may have expired, and no more often than every `intervalMs`. Keeps nothing alive. */
export class ExpiryAlarm {
  readonly #driver: Driver
  readonly #intervalMs: number
  readonly #alarm: Alarm
  #notBefore = 0
  #next = NEVER

  constructor(driver: Driver, intervalMs: number, owner: { sweep(): void }) {
    this.#driver = driver
    this.#intervalMs = intervalMs
    // A set alarm must not keep a cache in memory that nobody else holds.
    const weak = new WeakRef(owner)
    this.#alarm = new Alarm(() => weak.deref()?.sweep())
  }

  /** Nothing expires before this time; the earliest time may be later. */
  get next(): number {
    return this.#next
  }

  /** Something will expire at `at`. */
  expect(at: number): void {
    if (at >= this.#next) return
    this.#next = at
    this.#driver.set(this.#alarm, Math.max(at, this.#notBefore))
  }

  /** A slice of what had expired is cleared away; what is left begins to expire at `next`. */
  cleared(next: number): void {
    this.#next = next
  }

  /** The owner has swept at `now`: rings again for the rest, at once when there is `more`, else after the interval. */
  swept(now: number, more: boolean): void {
    if (more) this.#next = Math.min(this.#next, now)
    this.#notBefore = this.#next <= now ? now + 1 : now + this.#intervalMs
    if (this.#next !== NEVER) this.#driver.set(this.#alarm, Math.max(this.#next, this.#notBefore))
  }

  /** Nothing is left to expire. */
  clear(): void {
    this.#next = NEVER
    this.#driver.set(this.#alarm, NEVER)
  }
}
