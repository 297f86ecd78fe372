/**
 * Getting a value that is not there: which callers share a load, who takes something stale meanwhile, and whether what
 * was loaded may still be kept when it comes.
 */

import { ClosedError, InvalidArgumentError, TimeoutError } from '../errors.ts'
import type { TimerSeries } from '../metrics/instruments.ts'
import { durationOrZeroMs, optionsObject } from '../options.ts'
import { Barriers, type GivenUp, type GiveUpMode, GONE, type Marked } from '../stores/barriers.ts'
import type { Persist, TierEntry } from '../stores/tier.ts'
import { Flight, type FlightHost, NOTHING_STALE } from './flight.ts'
import { type Former, mayServe, type StaleUse } from './former.ts'
import { checkValidation } from './guards.ts'
import { Latencies } from './latencies.ts'
import { type Lease, Leases } from './leases.ts'
import type { Listeners } from './listeners.ts'
import { LoadContext } from './load-context.ts'
import { type LoadPolicy, readLoadPolicy } from './load-policy.ts'
import type { GetOrSetOptions, LoadedOptions, Loader } from './loading-types.ts'
import { joined, readMarks } from './marks.ts'
import { type MissCode, MissCounts, reasonOf } from './miss-counts.ts'
import { NONE, SAME_MS, type Shelf } from './shelf.ts'
import type { CacheEvents, CacheReadOptions } from './types.ts'

/** How many loaders are remembered for `refresh(key)`. More would hold on to all that the callers' functions hold on to. */
const REMEMBERED = 1000

/** What loading needs of the cache. */
export interface LoadingHost<V> {
  readonly shelf: Shelf<V>
  readonly policy: LoadPolicy
  /** What the tiers have, or `undefined` at once where there are none. */
  readBelow(key: string): Promise<TierEntry | undefined> | undefined
  /** The right to load `key` for all who share the tiers; see `Tier.lock`. `undefined` at once where nobody needs it. */
  lock?(key: string, signal: () => AbortSignal): Promise<(() => void) | undefined> | undefined
  /** Without an entry, what is there goes. With `'memory'`, nobody waits for it. */
  writeBelow(key: string, entry: TierEntry | undefined, persist: Persist): Promise<unknown> | undefined
  /** Removes a key from memory and the tiers. */
  remove(key: string): void
  /** Why memory did not have what was asked for last. */
  lastMiss(): MissCode
  /** Throws where it cannot be meant. */
  persistOf(options: { persist?: Persist } | undefined): Persist
}

/** One way to load one key. */
interface Order<V> {
  readonly key: string
  readonly loader: Loader<V>
  readonly options: GetOrSetOptions | undefined
  readonly policy: LoadPolicy
  readonly former: Former<V> | undefined
  /** The loader will not be called for this order, or not any more. May be told more than once. */
  readonly spare?: (() => void) | undefined
}

/** What the tiers have: an answer, or the best there is that is stale. */
type Seen<V> = { readonly found: V | undefined } | { readonly former: Former<V> | undefined }

/** See the top of this file. */
export class Loading<V> implements FlightHost<V> {
  readonly leases = new Leases()
  readonly counts = {
    tierHits: 0,
    misses: 0,
    loads: 0,
    loadErrors: 0,
    coalesced: 0,
    discarded: 0,
    staleHits: 0,
    staleAfterError: 0,
    staleAfterTimeout: 0,
    negativeHits: 0,
    refreshes: 0,
    timeouts: 0,
    backedOff: 0,
  }
  readonly misses = new MissCounts()
  readonly latencies = new Latencies()
  timer: TimerSeries | undefined
  listeners: Listeners<CacheEvents<V>> | undefined
  readonly #host: LoadingHost<V>
  /** The flight that a caller of the key joins. */
  readonly #flights = new Map<string, Flight<V>>()
  /** Those, and others that were overtaken by something newer and have waiters still. */
  readonly #airborne = new Set<Flight<V>>()
  /** What was given up, and which keys were changed, while something was under way; apart, for changes are many. */
  readonly #givenUp = new Barriers({ hasPaths: false })
  readonly #changes = new Barriers({ hasPaths: false })
  #era = 0
  /** The loaders that were called last, the latest at the end. */
  readonly #recent = new Map<string, Loader<V>>()
  #closed = false

  constructor(host: LoadingHost<V>) {
    this.#host = host
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
    if (this.#closed || typeof loader !== 'function' || !this.#isDue(key, policy) || this.#host.shelf.backsOff(key)) spare?.()
    else this.#refresh({ key, loader, options, policy, former: this.#host.shelf.former(key), spare })
  }

  /** The right to put into memory what is on its way for `key`. */
  take(key: string, why = this.#host.lastMiss()): Lease {
    return this.leases.take(key, this.#era, why)
  }

  /** What is under way and meant may not be kept, and who comes from now on does not wait for that. */
  giveUp(meant: GivenUp, mode: GiveUpMode, among = this.#givenUp): void {
    if (this.leases.size === 0) return among.forget()
    this.#era += 1
    among.raise(meant, mode, this.#era)
  }

  /** Something newer happened to `key`: what is under way may not be kept, and who comes now does not wait for that. */
  overtake(key: string): void {
    this.leases.revoke(key)
    if (this.leases.size > 0) this.giveUp({ source: key }, 'delete', this.#changes)
    const flight = this.#flights.get(key)
    if (flight === undefined) return
    this.#flights.delete(key)
    flight.detach()
  }

  /** Something newer happened to every key. */
  overtakeAll(): void {
    this.leases.revokeAll()
    const flights = [...this.#flights.values()]
    this.#flights.clear()
    for (const flight of flights) flight.detach()
  }

  /** Rejects everybody with `ERR_CLOSED`. */
  close(): void {
    this.#closed = true
    for (const flight of this.#airborne) flight.stop(new ClosedError('the cache'))
    this.#flights.clear()
    this.#airborne.clear()
    this.#recent.clear()
    this.leases.revokeAll()
  }

  abandoned(flight: Flight<V>): void {
    this.#landed(flight)
  }

  servedStale(key: string, value: V, use: StaleUse): void {
    this.listeners?.emit('stale', { key, value, reason: use === 'slow' ? 'timeout' : use })
    if (use === 'error') this.counts.staleAfterError += 1
    else if (use === 'slow') this.counts.staleAfterTimeout += 1
    else this.counts.staleHits += 1
  }

  /** `entry` of a tier, if its source has not changed; else it is removed, unless something newer happened. */
  async confirm(lease: Lease, entry: TierEntry, validate?: GetOrSetOptions['validate']): Promise<TierEntry | undefined> {
    if (await this.#host.shelf.isRight(lease.key, entry, validate)) return entry
    if (!lease.revoked && !this.#closed) {
      this.giveUp({ source: lease.key }, 'delete', this.#changes)
      this.#host.remove(lease.key)
    }
    return undefined
  }

  /** What a tier has comes up into memory, though nobody has asked for it. Whether it is of use. */
  bringUp(lease: Lease, entry: TierEntry | undefined): boolean {
    if (lease.revoked || this.#closed || entry === undefined || this.#isGivenUp(lease.era, lease.key, entry.facts)) return false
    return this.#host.shelf.found(lease.key, entry, true) !== undefined
  }

  /** What a tier had for a read: `undefined` is a miss. Counts, and keeps it in memory unless something newer happened. */
  receive(lease: Lease, entry: TierEntry | undefined, options: CacheReadOptions | undefined): V | undefined {
    const allowStale = options?.allowStale === true
    const isRight = !lease.revoked && !this.#closed && entry !== undefined && !this.#isGivenUp(lease.era, lease.key, entry.facts)
    const mayKeep = isRight && options?.skipMemoryWrite !== true
    const found = this.#host.shelf.found(lease.key, entry, mayKeep)
    if (found !== undefined && 'former' in found && allowStale) {
      this.servedStale(lease.key, found.former.value, 'revalidate')
      return found.former.value
    }
    if (found === undefined || !('fresh' in found)) {
      this.#missed(lease)
      return undefined
    }
    return this.#fromTier(lease.key, found.fresh)
  }

  #join(order: Order<V>): Promise<V | undefined> {
    const { key, options, policy, former } = order
    if (former !== undefined) {
      const now = this.driver.now()
      const backsOff = this.#host.shelf.backsOff(key)
      if (mayServe(former, 'revalidate', policy, now) || (backsOff && mayServe(former, 'error', policy, now))) {
        this.servedStale(key, former.value, 'revalidate')
        if (backsOff) {
          this.counts.backedOff += 1
          order.spare?.()
        } else this.#refresh(order)
        return Promise.resolve(former.value)
      }
    }
    const under = this.#underWay(key)
    if (under === undefined) return this.#start(order, { isForced: false, inBackground: false }).join(policy, options?.signal)
    this.counts.coalesced += 1
    order.spare?.()
    const era = this.#era
    const result = under.join(policy, options?.signal)
    if (era === under.era) return result
    // Which tags the value has may show when it is loaded; whoever came after one of them was given up needs a later one.
    return result.then(value => (under.outdated && era > under.era ? this.obtain(key, order.loader, options) : value))
  }

  /** The load of `key` that a caller may join: one that has not been given up since it began, as far as is known. */
  #underWay(key: string): Flight<V> | undefined {
    const flight = this.#flights.get(key)
    if (flight === undefined || !this.#isGivenUp(flight.era, key, flight.marks)) return flight
    this.#flights.delete(key)
    flight.detach()
    return undefined
  }

  /** What a load's value would be given up with, as far as that is known when it begins. */
  #marksOf({ key, options }: Order<V>, former: Former<V> | undefined): Marked {
    return joined(options === undefined ? NO_MARKS : this.#host.shelf.closed(key, options), former ?? NO_MARKS)
  }

  #isGivenUp(era: number, key: string, marks: Marked | undefined): boolean {
    return this.#judge(era, key, marks) !== undefined
  }

  /** What has become of something of number `era`, see {@link Barriers.judge}. */
  #judge(era: number, key: string, marks: Marked = NO_MARKS): number | undefined {
    if (era === this.#era) return undefined
    const verdict = this.#givenUp.judge(era, key, marks)
    const changed = marks.dependsOn !== undefined && marks.dependsOn.length > 0 && this.#changes.judge(era, key, marks) !== undefined
    return changed ? GONE : verdict
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
    this.counts.refreshes += 1
    this.#start(order, { isForced: false, inBackground: true })
  }

  #start(order: Order<V>, { isForced, inBackground }: { isForced: boolean; inBackground: boolean }): Flight<V> {
    const flight = new Flight<V>(order.key, this, { inBackground })
    this.#remember(order.key, order.loader)
    this.#flights.set(order.key, flight)
    this.#airborne.add(flight)
    flight.run(this.#fly(flight, order, isForced))
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

  async #fly(flight: Flight<V>, order: Order<V>, isForced: boolean): Promise<V | undefined> {
    const { key } = order
    let lease = this.take(key)
    flight.era = lease.era
    flight.marks = this.#marksOf(order, order.former)
    let release: (() => void) | undefined
    try {
      const { skipTierRead, skipMemoryRead } = order.options ?? {}
      const read = () => (skipTierRead === true ? undefined : this.#host.readBelow(key))
      const reading = read()
      let seen: Seen<V> = reading === undefined ? order : await this.#look(flight, lease, order, order.former, reading, isForced)
      if ('found' in seen) return seen.found
      // Whoever asks for something newer than what is here is not answered with it.
      if (seen.former !== undefined && !isForced) flight.learn(seen.former)
      if (flight.ended) return undefined
      const turn = isForced ? undefined : this.#host.lock?.(key, () => flight.signal)
      if (turn !== undefined) {
        release = await this.#wait(flight, turn)
        // While it waited for the others, one of them may have loaded it. Nothing of that is older than what the loader will read.
        this.leases.release(lease)
        lease = this.take(key, lease.why)
        const again = read()
        if (again !== undefined) seen = await this.#look(flight, lease, order, seen.former, again, isForced)
        if ('found' in seen) return seen.found
        if (flight.ended) return undefined
      }
      if (!flight.inBackground && !isForced) this.#missed(lease)
      const context = new LoadContext(key, flight, seen.former)
      const value = await this.#call(flight, order, context)
      flight.forget()
      return await this.#keep(
        lease,
        flight,
        value,
        order,
        context,
        seen.former !== undefined || isForced || skipTierRead === true || skipMemoryRead === true,
      )
    } finally {
      order.spare?.()
      this.leases.release(lease)
      this.#landed(flight)
      release?.()
    }
  }

  /** What `reading` of the tiers comes to. */
  async #look(
    flight: Flight<V>,
    lease: Lease,
    order: Order<V>,
    known: Former<V> | undefined,
    reading: Promise<TierEntry | undefined>,
    isForced: boolean,
  ): Promise<Seen<V>> {
    const { key, policy, options } = order
    let former = known
    const validate = options?.validate
    let entry = await flight.race(reading)
    if (this.#host.shelf.mustAsk(entry, validate)) entry = await flight.race(this.confirm(lease, entry, validate))
    // Given up after it was read: the tier could not know. Others may wait by now who must not get it.
    const verdict = this.#judge(lease.era, key, entry?.facts)
    const isLate = verdict === GONE || (verdict !== undefined && entry?.expiredAt === undefined)
    // So may what memory had; it knows what is left of that.
    if (former !== undefined && this.#isGivenUp(lease.era, key, former)) former = this.#host.shelf.former(key)
    const mayKeep = !lease.revoked && order.options?.skipMemoryWrite !== true
    const found = this.#host.shelf.found(key, isLate ? undefined : entry, mayKeep, validate)
    if (found !== undefined && 'fresh' in found) {
      if (!isForced && (found.fresh === NONE || !this.#isDue(key, policy))) return { found: this.#fromTier(key, found.fresh) }
    } else if (found !== undefined && isNewer(found.former, former)) former = found.former
    // What the loader reads, it reads from now on.
    lease.era = this.#era
    flight.era = this.#era
    flight.marks = this.#marksOf(order, former)
    return { former }
  }

  /** A turn that comes when nobody waits any more is given back. */
  async #wait(flight: Flight<V>, turn: Promise<(() => void) | undefined>): Promise<(() => void) | undefined> {
    let isGone = false
    const kept = turn.then(
      release => {
        if (!isGone) return release
        release?.()
        return undefined
      },
      () => undefined,
    )
    try {
      return await flight.race(kept)
    } catch (error) {
      isGone = true
      throw error
    }
  }

  #isDue(key: string, policy: LoadPolicy): boolean {
    if (policy.aheadShare === 1 && policy.aheadMs === 0) return false
    const { left, life } = this.#host.shelf.lifeOf(key)
    return left <= Math.max(policy.aheadMs, life - life * policy.aheadShare)
  }

  /** A tier has not taken what nobody waits for. It counts that itself. */
  tierFailed(key: string, error: unknown): void {
    this.listeners?.emit('tierError', { key, error })
  }

  #missed({ key, why }: Lease): void {
    this.counts.misses += 1
    this.misses.add(why)
    this.listeners?.emit('miss', { key, reason: reasonOf(why) })
  }

  #fromTier(key: string, fresh: V | typeof NONE): V | undefined {
    this.counts.tierHits += 1
    if (fresh === NONE) {
      this.counts.negativeHits += 1
      return undefined
    }
    this.listeners?.emit('hit', { key, value: fresh })
    return fresh
  }

  async #call(flight: Flight<V>, { key, loader, policy }: Order<V>, context: LoadContext<V>): Promise<V | undefined> {
    this.counts.loads += 1
    this.listeners?.emit('loadStart', { key, inBackground: flight.inBackground })
    const end = this.timer?.start()
    const began = this.driver.now()
    const elapsed = () => this.driver.now() - began
    try {
      const value = await flight.raceFor(
        policy.hardMs,
        () => new TimeoutError('loader', policy.hardMs),
        () => loader(context),
      )
      this.listeners?.emit('loadEnd', { key, ms: elapsed(), value })
      return value
    } catch (error) {
      this.listeners?.emit('loadError', { key, ms: elapsed(), error })
      if (!flight.ended) {
        this.counts.loadErrors += 1
        if (error instanceof TimeoutError && error.phase === 'loader') this.counts.timeouts += 1
        this.#host.shelf.backOff(key, policy.backoffMs)
      }
      throw error
    } finally {
      this.latencies.add(elapsed())
      end?.()
    }
  }

  /** Stores what a loader made. Nobody waits for the tiers' queue, unless more than the queue was asked for. */
  async #keep(
    lease: Lease,
    flight: Flight<V>,
    value: V | undefined,
    { key, options, policy }: Order<V>,
    context: LoadContext<V>,
    mayBeThere: boolean,
  ): Promise<V | undefined> {
    if (this.#closed) throw new ClosedError('the cache')
    if (context.skipped) return undefined
    const marks = context.marks(options)
    flight.outdated = this.#isGivenUp(lease.era, key, joined(flight.marks, marks))
    if (lease.revoked || flight.outdated) {
      if (value !== undefined) this.counts.discarded += 1
      return value
    }
    const asked: LoadedOptions = { ...options, ...context.options, ...marks }
    const persist = this.#host.persistOf(asked)
    const { negativeTtl } = context.options
    const negativeMs = negativeTtl === undefined ? policy.negativeMs : durationOrZeroMs(negativeTtl, 'negativeTtl')
    this.giveUp({ source: key }, 'delete', this.#changes)
    if (value === undefined && (negativeMs === 0 || asked.skipMemoryWrite === true)) {
      if (mayBeThere) this.#host.remove(key)
      return undefined
    }
    const { shelf } = this.#host
    const entry = value === undefined ? shelf.putNone(key, negativeMs, marks) : shelf.put(key, value, asked, context.validators)
    this.leases.revoke(key)
    const written = this.#host.writeBelow(key, asked.skipTierWrite === true ? undefined : entry, persist)
    if (persist !== 'memory') await written
    return value
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

const NO_MARKS: Marked = {}

function isNewer(found: Former<unknown>, former: Former<unknown> | undefined): boolean {
  return former === undefined || found.freshUntil > former.freshUntil + SAME_MS
}
