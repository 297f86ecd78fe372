/** A value that is being fetched: it takes the place of the stale value in the cache until it has arrived. */

import type { Fetcher, FetcherFetchOptions } from './types.ts'

/** The cache, as a fetch sees it. */
export interface Airport<K, V, FC> {
  readonly fetchMethod: Fetcher<K, V, FC> | undefined
  /** Whether the flight still has its place. */
  holds(flight: Flight<K, V, FC>): boolean
  /** Whether nothing is in the place that the flight had. */
  isVacant(flight: Flight<K, V, FC>): boolean
  /** Stores what arrived. */
  land(flight: Flight<K, V, FC>, value: V): void
  /** Puts the stale value back in its place. */
  turnBack(flight: Flight<K, V, FC>): void
  /** Deletes the key. */
  drop(flight: Flight<K, V, FC>): void
}

/** Options of a fetch, and the signal of who asked. */
export type FlightOptions<K, V, FC> = FetcherFetchOptions<K, V, FC> & { signal?: AbortSignal | undefined }

/** See the top of this file. */
export class Flight<K, V, FC> {
  readonly key: K
  /** The value that this one is to replace. */
  readonly stale: V | undefined
  readonly options: FlightOptions<K, V, FC>
  /** Settles when the value has arrived or will not. */
  readonly promise: Promise<V | undefined>
  /** Its place in the cache; -1 when it has none. */
  slot = -1
  /** Whether somebody waits for it and has to learn of a failure. */
  awaited = false
  readonly #airport: Airport<K, V, FC>
  readonly #controller = new AbortController()

  constructor(airport: Airport<K, V, FC>, key: K, stale: V | undefined, options: FlightOptions<K, V, FC>, context: unknown) {
    this.key = key
    this.stale = stale
    this.options = options
    this.#airport = airport
    const { signal, status } = options
    signal?.addEventListener('abort', () => this.#controller.abort(signal.reason), { signal: this.#controller.signal })
    if (status !== undefined) status.fetchDispatched = true
    this.promise = new Promise<V | undefined>((resolve, reject) => this.#depart(context as FC, resolve, reject)).then(
      value => this.#arrive(value, false),
      error => this.#crash(error),
    )
  }

  /** Calls the fetch off. */
  abort(reason: string): void {
    this.#controller.abort(new Error(reason))
  }

  #depart(context: FC, resolve: (value: V | undefined) => void, reject: (error: unknown) => void): void {
    const { options } = this
    const { signal } = this.#controller
    const given = this.#airport.fetchMethod?.(this.key, this.stale, { signal, options, context })
    let late = false
    // Asked only when it happens: fetchMethod may change the options until then.
    signal.addEventListener('abort', () => {
      if (options.ignoreFetchAbort && !options.allowStaleOnFetchAbort) return
      resolve(undefined)
      late = options.allowStaleOnFetchAbort === true
    })
    if (given instanceof Promise) {
      given.then(
        value => (late ? this.#arrive(value as V | undefined, true) : resolve(value as V | undefined)),
        error => (late ? this.#giveUp() : reject(error)),
      )
    } else resolve(given as V | undefined)
  }

  /** `late`: the flight was aborted, those who waited have the stale value, and now the value has come nevertheless. */
  #arrive(value: V | undefined, late: boolean): V | undefined {
    const { signal } = this.#controller
    const { ignoreFetchAbort, allowStaleOnFetchAbort, status } = this.options
    const aborted = signal.aborted && !late
    const kept = ignoreFetchAbort === true && value !== undefined
    if (status !== undefined) {
      if (!aborted) status.fetchResolved = true
      else {
        status.fetchAborted = true
        status.fetchError = signal.reason
        if (kept) status.fetchAbortIgnored = true
      }
    }
    if (aborted && !kept) {
      return this.#fail(signal.reason, ignoreFetchAbort === true || (allowStaleOnFetchAbort === true && value !== undefined))
    }
    if (this.#airport.holds(this) || (late && kept && this.#airport.isVacant(this))) {
      if (value === undefined) this.#giveUp()
      else {
        if (status !== undefined) status.fetchUpdated = true
        this.#airport.land(this, value)
      }
    }
    return value
  }

  #crash(error: unknown): V | undefined {
    const { status } = this.options
    if (status !== undefined) {
      status.fetchRejected = true
      status.fetchError = error as Error
    }
    return this.#fail(error, false)
  }

  /** `pending`: the place may be kept even without a stale value, since a value may still come. */
  #fail(error: unknown, pending: boolean): V | undefined {
    const { allowStaleOnFetchAbort, allowStaleOnFetchRejection, noDeleteOnFetchRejection, status } = this.options
    const waits = this.#controller.signal.aborted && allowStaleOnFetchAbort === true
    const staleServes = waits || allowStaleOnFetchRejection === true
    if (this.#airport.holds(this)) {
      const stays = (staleServes || noDeleteOnFetchRejection === true) && (pending || this.stale !== undefined)
      if (!stays) this.#airport.drop(this)
      else if (!waits) this.#airport.turnBack(this)
    }
    if (staleServes) {
      if (status !== undefined && this.stale !== undefined) status.returnedStale = true
      return this.stale
    }
    if (this.awaited) throw error
    return undefined
  }

  /** No value will come any more, and nobody is told. */
  #giveUp(): void {
    if (!this.#airport.holds(this)) return
    if (this.stale === undefined) this.#airport.drop(this)
    else this.#airport.turnBack(this)
  }
}
