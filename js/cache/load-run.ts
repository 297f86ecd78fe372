/** The steps of a load: a look at the tiers, a turn among those who share them, the loader, and what is kept of its answer. */

import { ClosedError, TimeoutError } from '../errors.ts'
import { durationOrZeroMs } from '../options.ts'
import { GONE, type Marked } from '../stores/barriers.ts'
import type { Persist, TierEntry } from '../stores/tier.ts'
import type { Arrivals, ArrivalsHost } from './arrivals.ts'
import type { Claims } from './claims.ts'
import type { Flight } from './flight.ts'
import type { Former } from './former.ts'
import { NONE } from './kept.ts'
import type { Lease } from './leases.ts'
import { LoadContext } from './load-context.ts'
import type { LoadPolicy } from './load-policy.ts'
import type { LoadTally } from './load-tally.ts'
import type { GetOrSetOptions, LoadedOptions, Loader } from './loading-types.ts'
import { joined } from './marks.ts'
import type { MissCode } from './miss-counts.ts'
import { SAME_MS } from './shelf.ts'

/** What loading needs of the cache. */
export interface LoadingHost<V> extends ArrivalsHost<V> {
  readonly policy: LoadPolicy
  /** What the tiers have, or `undefined` at once where there are none. */
  readBelow(key: string): Promise<TierEntry | undefined> | undefined
  /** The right to load `key` for all who share the tiers; see `Tier.lock`. `undefined` at once where nobody needs it. */
  lock?(key: string, signal: () => AbortSignal): Promise<(() => void) | undefined> | undefined
  /** Without an entry, what is there goes. With `'memory'`, nobody waits for it. */
  writeBelow(key: string, entry: TierEntry | undefined, persist: Persist): Promise<unknown> | undefined
  /** Why memory did not have what was asked for last. */
  lastMiss(): MissCode
  /** Throws where it cannot be meant. */
  persistOf(options: { persist?: Persist } | undefined): Persist
}

/** One way to load one key. */
export interface Order<V> {
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

/** What a run reports to. */
interface Parts<V> {
  readonly host: LoadingHost<V>
  readonly claims: Claims
  readonly tally: LoadTally<V>
  readonly arrivals: Arrivals<V>
  /** It is over, whatever came of it. */
  landed(flight: Flight<V>): void
}

/** See the top of this file. */
export class LoadRun<V> {
  readonly #parts: Parts<V>
  readonly #host: LoadingHost<V>
  readonly #claims: Claims
  readonly #tally: LoadTally<V>
  #closed = false

  constructor(parts: Parts<V>) {
    this.#parts = parts
    this.#host = parts.host
    this.#claims = parts.claims
    this.#tally = parts.tally
  }

  /** Loads. What comes of it, `flight` tells those who wait. */
  async fly(flight: Flight<V>, order: Order<V>, isForced: boolean): Promise<V | undefined> {
    const { key } = order
    let lease = this.#claims.take(key, this.#host.lastMiss())
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
        this.#claims.leases.release(lease)
        lease = this.#claims.take(key, lease.why)
        const again = read()
        if (again !== undefined) seen = await this.#look(flight, lease, order, seen.former, again, isForced)
        if ('found' in seen) return seen.found
        if (flight.ended) return undefined
      }
      if (!flight.inBackground && !isForced) this.#tally.missed(lease)
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
      this.#claims.leases.release(lease)
      this.#parts.landed(flight)
      release?.()
    }
  }

  /** Whether an entry in memory is so near its end that it is to be refreshed. */
  isDue(key: string, policy: LoadPolicy): boolean {
    if (policy.aheadShare === 1 && policy.aheadMs === 0) return false
    const { left, life } = this.#host.shelf.lifeOf(key)
    return left <= Math.max(policy.aheadMs, life - life * policy.aheadShare)
  }

  /** Nothing is kept any more. */
  close(): void {
    this.#closed = true
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
    if (this.#host.shelf.mustAsk(entry, validate)) entry = await flight.race(this.#parts.arrivals.confirm(lease, entry, validate))
    // Given up after it was read: the tier could not know. Others may wait by now who must not get it.
    const verdict = this.#claims.judge(lease.era, key, entry?.facts)
    const isLate = verdict === GONE || (verdict !== undefined && entry?.expiredAt === undefined)
    // So may what memory had; it knows what is left of that.
    if (former !== undefined && this.#claims.isGivenUp(lease.era, key, former)) former = this.#host.shelf.former(key)
    const mayKeep = !lease.revoked && order.options?.skipMemoryWrite !== true
    const found = this.#host.shelf.found(key, isLate ? undefined : entry, mayKeep, validate)
    if (found !== undefined && 'fresh' in found) {
      if (!isForced && (found.fresh === NONE || !this.isDue(key, policy))) return { found: this.#tally.fromTier(key, found.fresh) }
    } else if (found !== undefined && isNewer(found.former, former)) former = found.former
    // What the loader reads, it reads from now on.
    lease.era = this.#claims.era
    flight.era = this.#claims.era
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

  async #call(flight: Flight<V>, { key, loader, policy }: Order<V>, context: LoadContext<V>): Promise<V | undefined> {
    this.#tally.counts.loads += 1
    this.#tally.listeners?.emit('loadStart', { key, inBackground: flight.inBackground })
    const end = this.#tally.timer?.start()
    const began = this.#host.shelf.driver.now()
    const elapsed = () => this.#host.shelf.driver.now() - began
    try {
      const value = await flight.raceFor(
        policy.hardMs,
        () => new TimeoutError('loader', policy.hardMs),
        () => loader(context),
      )
      this.#tally.listeners?.emit('loadEnd', { key, ms: elapsed(), value })
      return value
    } catch (error) {
      this.#tally.listeners?.emit('loadError', { key, ms: elapsed(), error })
      if (!flight.ended) {
        this.#tally.counts.loadErrors += 1
        if (error instanceof TimeoutError && error.phase === 'loader') this.#tally.counts.timeouts += 1
        this.#host.shelf.backOff(key, policy.backoffMs)
      }
      throw error
    } finally {
      this.#tally.latencies.add(elapsed())
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
    flight.outdated = this.#claims.isGivenUp(lease.era, key, joined(flight.marks, marks))
    if (lease.revoked || flight.outdated) {
      if (value !== undefined) this.#tally.counts.discarded += 1
      return value
    }
    const asked: LoadedOptions = { ...options, ...context.options, ...marks }
    const persist = this.#host.persistOf(asked)
    const { negativeTtl } = context.options
    const negativeMs = negativeTtl === undefined ? policy.negativeMs : durationOrZeroMs(negativeTtl, 'negativeTtl')
    this.#claims.changed(key)
    if (value === undefined && (negativeMs === 0 || asked.skipMemoryWrite === true)) {
      if (mayBeThere) this.#host.remove(key)
      return undefined
    }
    const { shelf } = this.#host
    const entry = value === undefined ? shelf.putNone(key, negativeMs, marks) : shelf.put(key, value, asked, context.validators)
    this.#claims.leases.revoke(key)
    const written = this.#host.writeBelow(key, asked.skipTierWrite === true ? undefined : entry, persist)
    if (persist !== 'memory') await written
    return value
  }

  /** What a load's value would be given up with, as far as that is known when it begins. */
  #marksOf({ key, options }: Order<V>, former: Former<V> | undefined): Marked {
    return joined(options === undefined ? NO_MARKS : this.#host.shelf.closed(key, options), former ?? NO_MARKS)
  }
}

const NO_MARKS: Marked = {}

function isNewer(found: Former<unknown>, former: Former<unknown> | undefined): boolean {
  return former === undefined || found.freshUntil > former.freshUntil + SAME_MS
}
