/**
 * Getting a value that is not there: which callers share a load, who takes something stale meanwhile, and whether what
 * was loaded may still be kept when it comes.
 */

import { ClosedError, InvalidArgumentError } from '../errors.ts'
import { durationOrZeroMs, optionsObject } from '../options.ts'
import type { GivenUp, GiveUpMode } from '../stores/barriers.ts'
import { Arrivals } from './arrivals.ts'
import { Claims } from './claims.ts'
import { Flight, type FlightHost, NOTHING_STALE } from './flight.ts'
import { mayServe, type StaleUse } from './former.ts'
import { checkValidation } from './guards.ts'
import type { Lease } from './leases.ts'
import { type LoadPolicy, readLoadPolicy } from './load-policy.ts'
import { type LoadingHost, LoadRun, type Order } from './load-run.ts'
import { LoadTally } from './load-tally.ts'
import type { GetOrSetOptions, Loader } from './loading-types.ts'
import { readMarks } from './marks.ts'

/** How many loaders are remembered for `refresh(key)`. More would hold on to all that the callers' functions hold on to. */
const REMEMBERED = 1000

/** See the top of this file. */
export class Loading<V> implements FlightHost<V> {
  readonly claims = new Claims()
  readonly tally = new LoadTally<V>()
  readonly arrivals: Arrivals<V>
  readonly #host: LoadingHost<V>
  readonly #run: LoadRun<V>
  /** The flight that a caller of the key joins. */
  readonly #flights = new Map<string, Flight<V>>()
  /** Those, and others that were overtaken by something newer and have waiters still. */
  readonly #airborne = new Set<Flight<V>>()
  /** The loaders that were called last, the latest at the end. */
  readonly #recent = new Map<string, Loader<V>>()
  #closed = false

  constructor(host: LoadingHost<V>) {
    const { claims, tally } = this
    this.#host = host
    this.arrivals = new Arrivals(host, claims, tally)
    this.#run = new LoadRun({ host, claims, tally, arrivals: this.arrivals, landed: flight => this.#landed(flight) })
  }

  get driver() {
    return this.#host.shelf.driver
  }

  /** How many loads are under way. */
  get size(): number {
    return this.#airborne.size
  }

  /** The value of `key`, which memory does not have fresh, or which must be loaded in any case. */
  obtain(key: string, loader: Loader<V>, options: GetOrSetOptions | undefined, spare?: () => void): Promise<V | undefined> {
    try {
      if (this.#closed) throw new ClosedError('the cache')
      if (typeof loader !== 'function') throw new InvalidArgumentError('loader', 'a function', loader)
      const policy = this.#policyOf(options)
      if (options?.signal?.aborted === true) throw options.signal.reason
      const former = options?.skipMemoryRead === true ? undefined : this.#host.shelf.former(key)
      const order = { key, loader, options, policy, former, spare }
      return options?.forceFresh === true ? this.#force(order) : this.#join(order)
    } catch (error) {
      spare?.()
      return Promise.reject(error)
    }
  }

  /** The loader that `key` was loaded with, if that was not long ago. */
  loaderOf(key: string): Loader<V> | undefined {
    return this.#recent.get(key)
  }

  /** Refreshes `key` in the background when it is near its end, unless that is being done. */
  ahead(key: string, loader: Loader<V>, options: GetOrSetOptions | undefined, spare?: () => void): void {
    const policy = this.#policyOf(options)
    if (this.#closed || typeof loader !== 'function' || !this.#run.isDue(key, policy) || this.#host.shelf.backsOff(key)) spare?.()
    else this.#refresh({ key, loader, options, policy, former: this.#host.shelf.former(key), spare })
  }

  /** The right to put into memory what is on its way for `key`. */
  take(key: string, why = this.#host.lastMiss()): Lease {
    return this.claims.take(key, why)
  }

  /** What is under way and meant may not be kept, and who comes from now on does not wait for that. */
  giveUp(meant: GivenUp, mode: GiveUpMode): void {
    this.claims.giveUp(meant, mode)
  }

  /** Something newer happened to `key`: what is under way may not be kept, and who comes now does not wait for that. */
  overtake(key: string): void {
    this.claims.overtake(key)
    const flight = this.#flights.get(key)
    if (flight === undefined) return
    this.#flights.delete(key)
    flight.detach()
  }

  /** Something newer happened to every key. */
  overtakeAll(): void {
    this.claims.leases.revokeAll()
    const flights = [...this.#flights.values()]
    this.#flights.clear()
    for (const flight of flights) flight.detach()
  }

  /** Rejects everybody with `ERR_CLOSED`. */
  close(): void {
    this.#closed = true
    this.arrivals.close()
    this.#run.close()
    for (const flight of this.#airborne) flight.stop(new ClosedError('the cache'))
    this.#flights.clear()
    this.#airborne.clear()
    this.#recent.clear()
    this.claims.leases.revokeAll()
  }

  abandoned(flight: Flight<V>): void {
    this.#landed(flight)
  }

  servedStale(key: string, value: V, use: StaleUse): void {
    this.tally.servedStale(key, value, use)
  }

  #join(order: Order<V>): Promise<V | undefined> {
    const { key, options, policy, former } = order
    if (former !== undefined) {
      const now = this.driver.now()
      const backsOff = this.#host.shelf.backsOff(key)
      if (mayServe(former, 'revalidate', policy, now) || (backsOff && mayServe(former, 'error', policy, now))) {
        this.tally.servedStale(key, former.value, 'revalidate')
        if (backsOff) {
          this.tally.counts.backedOff += 1
          order.spare?.()
        } else this.#refresh(order)
        return Promise.resolve(former.value)
      }
    }
    const under = this.#underWay(key)
    if (under === undefined) return this.#start(order, { isForced: false, inBackground: false }).join(policy, options?.signal)
    this.tally.counts.coalesced += 1
    order.spare?.()
    const era = this.claims.era
    const result = under.join(policy, options?.signal)
    if (era === under.era) return result
    // Which tags the value has may show when it is loaded; whoever came after one of them was given up needs a later one.
    return result.then(value => (under.outdated && era > under.era ? this.obtain(key, order.loader, options) : value))
  }

  /** The load of `key` that a caller may join: one that has not been given up since it began, as far as is known. */
  #underWay(key: string): Flight<V> | undefined {
    const flight = this.#flights.get(key)
    if (flight === undefined || !this.claims.isGivenUp(flight.era, key, flight.marks)) return flight
    this.#flights.delete(key)
    flight.detach()
    return undefined
  }

  #force(order: Order<V>): Promise<V | undefined> {
    const before = this.#flights.get(order.key)
    const flight = this.#start(order, { isForced: true, inBackground: false })
    const result = flight.join(NOTHING_STALE, order.options?.signal)
    before?.detach()
    return result
  }

  #refresh(order: Order<V>): void {
    if (this.#underWay(order.key) !== undefined) {
      order.spare?.()
      return
    }
    this.tally.counts.refreshes += 1
    this.#start(order, { isForced: false, inBackground: true })
  }

  #start(order: Order<V>, { isForced, inBackground }: { isForced: boolean; inBackground: boolean }): Flight<V> {
    const flight = new Flight<V>(order.key, this, { inBackground })
    this.#remember(order.key, order.loader)
    this.#flights.set(order.key, flight)
    this.#airborne.add(flight)
    flight.run(this.#run.fly(flight, order, isForced))
    return flight
  }

  #remember(key: string, loader: Loader<V>): void {
    this.#recent.delete(key)
    this.#recent.set(key, loader)
    if (this.#recent.size > REMEMBERED) this.#recent.delete(this.#recent.keys().next().value as string)
  }

  #landed(flight: Flight<V>): void {
    this.#airborne.delete(flight)
    if (this.#flights.get(flight.key) === flight) this.#flights.delete(flight.key)
  }

  #policyOf(options: GetOrSetOptions | undefined): LoadPolicy {
    if (options === undefined) return this.#host.policy
    optionsObject(options, 'options')
    this.#host.persistOf(options)
    if (options.ttl !== undefined) durationOrZeroMs(options.ttl, 'ttl')
    readMarks(options)
    checkValidation(options)
    return readLoadPolicy(options, this.#host.policy)
  }
}
