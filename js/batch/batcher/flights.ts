/** Batches that are under way: each is loaded by one call, and settled once, by its answer, its failure, its deadline or the end of the batcher. */

import { Alarm, type Driver } from '../../core/driver.ts'
import { type ShelflifeError, thrownBy } from '../../errors.ts'
import { LateSignal } from '../../late-signal.ts'
import type { BatchMeters } from '../meters.ts'
import type { Load, Sent } from './load.ts'
import type { Loaded, LoadMany } from './types.ts'

/** One of them. */
export interface Flight<K, V, I> extends Sent {
  readonly loads: readonly Load<K, V, I>[]
  readonly late: LateSignal
  readonly begunAt: number
  readonly alarm: Alarm | undefined
}

/** What is told of a flight, which has yet to {@link Flights.land}. */
export interface FlightsHost<K, V, I> {
  answered(flight: Flight<K, V, I>, loaded: Loaded<K, V>): void
  threw(flight: Flight<K, V, I>, error: ShelflifeError): void
  expired(flight: Flight<K, V, I>): void
}

/** See the top of this file. */
export class Flights<K, V, I> {
  readonly #loadMany: LoadMany<K, V>
  readonly #settings: { readonly timeout: number; readonly meters: BatchMeters | undefined; readonly driver: Driver }
  readonly #host: FlightsHost<K, V, I>
  readonly #flights = new Set<Flight<K, V, I>>()

  constructor(
    loadMany: LoadMany<K, V>,
    settings: { readonly timeout: number; readonly meters: BatchMeters | undefined; readonly driver: Driver },
    host: FlightsHost<K, V, I>,
  ) {
    this.#loadMany = loadMany
    this.#settings = settings
    this.#host = host
  }

  get size(): number {
    return this.#flights.size
  }

  all(): Flight<K, V, I>[] {
    return [...this.#flights]
  }

  /** Calls the function for these keys. It may have answered within. */
  send(loads: Load<K, V, I>[]): void {
    const { timeout, meters, driver } = this.#settings
    const late = new LateSignal()
    const timed = timeout !== Number.POSITIVE_INFINITY
    const begunAt = timed || meters !== undefined ? driver.now() : 0
    const alarm = timed ? new Alarm(() => this.#host.expired(flight), { holds: true }) : undefined
    const flight: Flight<K, V, I> = { loads, late, begunAt, alarm, wanted: loads.length }
    this.#flights.add(flight)
    if (alarm !== undefined) driver.set(alarm, begunAt + timeout)
    const keys = new Array<K>(loads.length)
    for (let at = 0; at < loads.length; at += 1) {
      const load = loads[at] as Load<K, V, I>
      load.sentWith = flight
      keys[at] = load.key
    }
    let answer: Loaded<K, V> | PromiseLike<Loaded<K, V>>
    try {
      answer = this.#loadMany(keys, late)
      // Here, too, since what looks like a promise may be anything.
      if (typeof (answer as PromiseLike<unknown> | undefined)?.then === 'function') {
        Promise.resolve(answer).then(
          loaded => this.#host.answered(flight, loaded),
          error => this.#host.threw(flight, thrownBy('the function of the batcher', error)),
        )
        return
      }
    } catch (error) {
      this.#host.threw(flight, thrownBy('the function of the batcher', error))
      return
    }
    this.#host.answered(flight, answer as Loaded<K, V>)
  }

  /** A caller of one of its keys has given up: when it was the last, the call is told so. */
  left(flight: Flight<K, V, I>): void {
    flight.wanted -= 1
    if (flight.wanted === 0 && this.#flights.has(flight))
      flight.late.abort(new DOMException('nobody waits for these keys any more', 'AbortError'))
  }

  /** Takes a flight off the list. False when it was settled before: its time had passed, or the batcher is closed. */
  land(flight: Flight<K, V, I>): boolean {
    if (!this.#flights.delete(flight)) return false
    const { meters, driver } = this.#settings
    if (flight.alarm !== undefined) driver.set(flight.alarm, Number.POSITIVE_INFINITY)
    meters?.call(flight.loads.length, (driver.now() - flight.begunAt) / 1000)
    return true
  }
}
