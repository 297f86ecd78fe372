/** Fetches: who starts one, who joins it, and who is served the stale value meanwhile. */

import { type Entries, shown } from './entries.ts'
import { type Airport, Flight, type FlightOptions } from './flight.ts'
import type { LRUCache } from './lru-cache.ts'
import { read } from './reads.ts'
import type { Fetcher, FetchOptions, SizeCalculator, Status } from './types.ts'

/** See the top of this file. */
export class Fetches<K extends {}, V extends {}, FC> implements Airport<K, V, FC> {
  readonly fetchMethod: Fetcher<K, V, FC> | undefined
  readonly #cache: LRUCache<K, V, FC>
  readonly #entries: Entries<K, V, FC>

  constructor(cache: LRUCache<K, V, FC>, entries: Entries<K, V, FC>) {
    this.fetchMethod = cache.fetchMethod
    this.#cache = cache
    this.#entries = entries
  }

  holds(flight: Flight<K, V, FC>): boolean {
    return flight.slot >= 0 && this.#entries.residents.heldIn(flight.slot) === flight
  }

  isVacant(flight: Flight<K, V, FC>): boolean {
    return this.#entries.residents.heldIn(flight.slot) === undefined
  }

  land(flight: Flight<K, V, FC>, value: V): void {
    this.#entries.put(flight.key, value, flight.options, flight)
  }

  turnBack(flight: Flight<K, V, FC>): void {
    this.#entries.residents.hold(flight.slot, flight.stale)
  }

  drop(flight: Flight<K, V, FC>): void {
    this.#entries.remove(flight.key, 'fetch')
  }

  /** As `fetch`. */
  async fetch(key: K, given: FetchOptions<K, V, FC>, status: Status<K, V, FC> | undefined): Promise<V | undefined> {
    const { forceRefresh = false, context } = given
    if (status !== undefined) {
      status.op = 'fetch'
      status.key = key
      if (forceRefresh) status.forceRefresh = true
      status.cache = this.#cache
    }
    const options = this.#choices(given, status)
    if (this.fetchMethod === undefined) {
      if (status !== undefined) status.fetch = 'get'
      return read(this.#cache, this.#entries, key, options, status)
    }
    const { residents, ages } = this.#entries
    const slot = residents.slotOf(key)
    if (slot === undefined) {
      if (status !== undefined) status.fetch = 'miss'
      const flight = this.#depart(key, undefined, options, context)
      flight.awaited = true
      return flight.promise
    }
    const held = residents.heldIn(slot)
    if (held instanceof Flight) {
      const serves = options.allowStale === true && held.stale !== undefined
      if (status !== undefined) {
        status.fetch = 'inflight'
        if (serves) status.returnedStale = true
      }
      if (serves) return held.stale
      held.awaited = true
      return held.promise
    }
    const stale = this.#entries.isStale(slot)
    if (!stale && !forceRefresh) {
      if (status !== undefined) status.fetch = 'hit'
      residents.touch(slot)
      if (options.updateAgeOnGet) this.#entries.renew(slot)
      if (status !== undefined) ages?.describe(slot, status)
      return held
    }
    const flight = this.#depart(key, slot, options, context)
    const serves = options.allowStale === true && flight.stale !== undefined
    if (status !== undefined) {
      status.fetch = stale ? 'stale' : 'refresh'
      if (serves && stale) status.returnedStale = true
    }
    if (serves) return flight.stale
    flight.awaited = true
    return flight.promise
  }

  /** Begins a fetch and gives it a place: that of the stale value in `slot`, whose recency it keeps, or a new one. */
  #depart(key: K, slot: number | undefined, options: FlightOptions<K, V, FC>, context: FC | undefined): Flight<K, V, FC> {
    const { residents } = this.#entries
    const stale = slot === undefined ? undefined : shown(residents.heldIn(slot))
    const flight = new Flight<K, V, FC>(this, key, stale, options, context)
    if (slot === undefined) {
      const { status: _, ...choices } = options
      this.#entries.put(key, flight, choices)
      slot = residents.slotOf(key)
    } else if (residents.slotOf(key) === slot) residents.hold(slot, flight)
    if (slot !== undefined && residents.heldIn(slot) === flight) flight.slot = slot
    return flight
  }

  /** The choices of one fetch, all of them made. */
  #choices(given: FetchOptions<K, V, FC>, status: Status<K, V, FC> | undefined): FlightOptions<K, V, FC> {
    return {
      allowStale: given.allowStale ?? this.#cache.allowStale,
      updateAgeOnGet: given.updateAgeOnGet ?? this.#cache.updateAgeOnGet,
      noDeleteOnStaleGet: given.noDeleteOnStaleGet ?? this.#cache.noDeleteOnStaleGet,
      ttl: given.ttl ?? this.#cache.ttl,
      noDisposeOnSet: given.noDisposeOnSet ?? this.#cache.noDisposeOnSet,
      size: given.size ?? 0,
      sizeCalculation: (given.sizeCalculation ?? this.#cache.sizeCalculation) as SizeCalculator<K, V>,
      noUpdateTTL: given.noUpdateTTL ?? this.#cache.noUpdateTTL,
      noDeleteOnFetchRejection: given.noDeleteOnFetchRejection ?? this.#cache.noDeleteOnFetchRejection,
      allowStaleOnFetchRejection: given.allowStaleOnFetchRejection ?? this.#cache.allowStaleOnFetchRejection,
      allowStaleOnFetchAbort: given.allowStaleOnFetchAbort ?? this.#cache.allowStaleOnFetchAbort,
      ignoreFetchAbort: given.ignoreFetchAbort ?? this.#cache.ignoreFetchAbort,
      status: status as Status<K, V, FC>,
      signal: given.signal,
    }
  }
}
