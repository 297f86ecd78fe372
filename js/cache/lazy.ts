/** A value that is made when it is first asked for. */

import type { Clock } from '../clock.ts'
import { driverOf } from '../core/driver.ts'
import { InvalidArgumentError } from '../errors.ts'
import { clockOption, type Duration, durationMs } from '../options.ts'
import { Flight, NOTHING_STALE } from './flight.ts'

/** Options of {@link lazy}. */
export interface LazyOptions {
  /** After so long the value is made anew by whoever asks then. Default: never. */
  ttl?: Duration
  /** The source of time. Default: the machine's. */
  clock?: Clock
}

/** See {@link lazy}. */
export interface Lazy<T> {
  /** The value; made now, unless it is there or being made. An abort of `signal` rejects for this caller only. */
  get(options?: { signal?: AbortSignal | undefined }): Promise<T>
  /** The value if it is there. Makes nothing. */
  peek(): T | undefined
  /** Forgets the value. One that is being made goes to those who wait for it, and to nobody else. */
  reset(): void
}

interface Made<T> {
  readonly value: T
  readonly until: number
}

/**
 * A value that `loader` makes once, when it is first asked for; callers meanwhile share the work. A failure reaches them
 * and is not kept: the next call tries again. When all who wait have left, the loader's signal aborts.
 *
 * ```ts
 * const connection = lazy(({ signal }) => connect(url, { signal }))
 * await (await connection.get()).query('…')
 * connection.reset()
 * ```
 */
export function lazy<T>(
  loader: (context: { readonly signal: AbortSignal }) => T | Promise<T>,
  { ttl = Number.POSITIVE_INFINITY, clock }: LazyOptions = {},
): Lazy<T> {
  if (typeof loader !== 'function') throw new InvalidArgumentError('loader', 'a function', loader)
  return new LazyValue(loader, durationMs(ttl, 'ttl'), clockOption(clock))
}

class LazyValue<T> implements Lazy<T> {
  readonly driver
  readonly #loader: (context: { readonly signal: AbortSignal }) => T | Promise<T>
  readonly #ttlMs: number
  #made: Made<T> | undefined
  #flight: Flight<T> | undefined

  constructor(loader: (context: { readonly signal: AbortSignal }) => T | Promise<T>, ttlMs: number, clock: Clock) {
    this.driver = driverOf(clock)
    this.#loader = loader
    this.#ttlMs = ttlMs
  }

  get({ signal }: { signal?: AbortSignal | undefined } = {}): Promise<T> {
    const made = this.#current()
    if (made !== undefined) return Promise.resolve(made.value)
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    return (this.#flight ?? this.#start()).join(NOTHING_STALE, signal) as Promise<T>
  }

  peek(): T | undefined {
    return this.#current()?.value
  }

  reset(): void {
    this.#made = undefined
    this.#flight = undefined
  }

  abandoned(flight: Flight<T>): void {
    if (this.#flight === flight) this.#flight = undefined
  }

  servedStale(): void {}

  #current(): Made<T> | undefined {
    const made = this.#made
    return made === undefined || (made.until !== Number.POSITIVE_INFINITY && made.until <= this.driver.now()) ? undefined : made
  }

  #start(): Flight<T> {
    const flight = new Flight<T>('', this, { inBackground: false })
    this.#flight = flight
    flight.run(this.#make(flight))
    return flight
  }

  async #make(flight: Flight<T>): Promise<T> {
    try {
      const value = await flight.raceFor(
        Number.POSITIVE_INFINITY,
        () => undefined,
        () => this.#loader(flight),
      )
      if (this.#flight === flight) this.#made = { value, until: this.driver.now() + this.#ttlMs }
      return value
    } finally {
      this.abandoned(flight)
    }
  }
}
