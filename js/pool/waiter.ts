/** A caller who waits for a resource. */

import type { Abortable } from '../abort-watch.ts'
import { Alarm, type Driver } from '../core/driver.ts'

/** See the top of this file. */
export class Waiter<T> implements Abortable {
  readonly promise: Promise<T>
  resolve!: (value: T) => void
  reject!: (error: unknown) => void
  readonly signal: AbortSignal | undefined
  /** On the driver's timeline. */
  readonly since: number
  readonly #driver: Driver
  readonly #alarm: Alarm
  readonly #onAbort: (reason: unknown) => void

  constructor(signal: AbortSignal | undefined, driver: Driver, told: { expired: () => void; aborted: (reason: unknown) => void }) {
    this.signal = signal
    this.#driver = driver
    this.since = driver.now()
    this.#alarm = new Alarm(told.expired, { holds: true })
    this.#onAbort = told.aborted
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }

  /** Waits for so long at most. */
  wait(ms: number): void {
    this.#driver.set(this.#alarm, this.since + ms)
  }

  /** Waits no more. */
  rest(): void {
    this.#driver.set(this.#alarm, Number.POSITIVE_INFINITY)
  }

  aborted(reason: unknown): void {
    this.#onAbort(reason)
  }
}
