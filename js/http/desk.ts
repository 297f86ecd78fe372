/** What all exchanges of one client share: the schedule, the cache, the flights under way, and the counts. */

import { AbortWatch } from '../abort-watch.ts'
import type { Clock } from '../clock.ts'
import { type Driver, driverOf } from '../core/driver.ts'
import { KeyLimits } from '../core/key-limits.ts'
import { ScheduleCore } from '../core/schedule-core.ts'
import type { ScheduledTask, Spent } from '../core/schedule-types.ts'
import { ClosedError, isShelflifeError } from '../errors.ts'
import { ClientEvents } from './events.ts'
import { Exchange } from './exchange.ts'
import { Hedging } from './hedging.ts'
import type { Hooks } from './hooks.ts'
import { givenUp } from './invalidation.ts'
import { ClientMetrics, type ClientTotals, type RetryReason } from './metrics.ts'
import type { ResolvedOptions } from './options.ts'
import { pauseOf } from './rate-headers.ts'
import type { Source, StoredResponse } from './record.ts'
import type { RedirectPolicy } from './redirect.ts'
import type { WireRequest } from './request.ts'
import type { Heuristic } from './rfc9111/freshness.ts'
import type { Keeping } from './rfc9111/storable.ts'
import { Streaming } from './streaming.ts'
import type { FetchStats, HostLimitChange, HostStats, ResponseCache, Transport } from './types.ts'
import type { Delivery } from './waiters.ts'

/** Something under way. */
export interface Live {
  readonly request: WireRequest
  /** What it brings is not to be kept. */
  outdate(): void
  /** Ends it from outside. */
  stop(error: unknown): void
}

/** See the top of this file. */
export class Desk {
  readonly cache: ResponseCache | undefined
  readonly transport: Transport
  readonly maxCompressionRatio: number
  readonly maxRequestSize: number
  readonly hooks: Hooks
  readonly clock: Clock
  readonly driver: Driver
  readonly schedule: ScheduleCore
  /** How many requests at once are good for each host, where that is found out. */
  readonly keyLimits: KeyLimits | undefined
  readonly maxQueue: number
  readonly hedging: Hedging | undefined
  readonly name: string
  readonly events = new ClientEvents()
  readonly aborts = new AbortWatch()
  readonly counts = {
    requests: 0,
    sent: 0,
    hits: 0,
    stale: 0,
    revalidated: 0,
    changed: 0,
    answered: 0,
    misses: 0,
    coalesced: 0,
    retries: 0,
    bytes: 0,
    cacheFailures: 0,
  }
  readonly #options: ResolvedOptions
  #keeping: (Omit<Keeping, 'partitioned'> & { readonly heuristic: Heuristic }) | undefined
  readonly #retries = { network: 0, timeout: 0, status: 0 }
  readonly #metrics: ClientMetrics | undefined
  readonly #failures = new Map<string, number>()
  /** Requests that others may join, by flight key. */
  readonly #flights = new Map<string, Exchange>()
  readonly #live = new Set<Live>()
  /** Requests that nobody waits for, by what they are known by. */
  readonly #refreshing = new Set<string>()
  #closed = false

  constructor(options: ResolvedOptions) {
    this.cache = options.cache
    this.#options = options
    this.transport = options.transport
    this.maxCompressionRatio = options.maxCompressionRatio
    this.maxRequestSize = options.maxRequestSize
    this.hooks = options.hooks
    this.clock = options.clock
    this.driver = driverOf(options.clock)
    this.keyLimits = options.adaptive && new KeyLimits(options.adaptive, this.driver)
    if (options.onCircuitChange !== undefined) this.events.on('circuit', options.onCircuitChange)
    if (this.keyLimits !== undefined) this.keyLimits.onChange = (host, from, to, reason) => this.#limited({ host, from, to, reason })
    this.schedule = new ScheduleCore({ ...options.schedule, keyLimits: this.keyLimits }, this.driver)
    this.schedule.onCircuitChange = (key, from, to, cause) => this.events.tell('circuit', { key, from, to, cause })
    this.maxQueue = options.schedule.maxQueue
    this.hedging = options.hedge && new Hedging(options.hedge, this.schedule, this.driver)
    this.name = options.name
    this.#metrics =
      options.metrics && new ClientMetrics(options.metrics, options.name, options.schedule.rateLimit !== undefined, () => this.#totals())
  }

  /** For whom answers are kept. Found out when it is first asked for: it takes the platform's fetch, which Node loads late. */
  get keeping(): Omit<Keeping, 'partitioned'> & { readonly heuristic: Heuristic } {
    const { shared, heuristic } = this.#options
    this.#keeping ??= { shared, heuristic, hidesCookies: hidesCookies() }
    return this.#keeping
  }

  /** `undefined` where the platform follows redirects by itself. */
  get redirects(): RedirectPolicy | undefined {
    return this.keeping.hidesCookies ? undefined : this.#options.redirects
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Gets the answer to `request`, together with whoever wants the same. */
  send(request: WireRequest): Promise<Delivery> {
    const { flight, signal, onDownloadProgress } = request
    const shared = flight === undefined ? undefined : this.#flights.get(flight)
    if (shared !== undefined) return shared.join(signal, onDownloadProgress)
    const exchange = new Exchange(request, this)
    this.#live.add(exchange)
    if (flight !== undefined) this.#flights.set(flight, exchange)
    const delivery = exchange.join(signal, onDownloadProgress)
    exchange.begin()
    return delivery
  }

  /** Gets the answer to `request` for its caller alone, as soon as its head has come. Its body may have so many bytes. */
  stream(request: WireRequest, maxBytes: number): Promise<Response> {
    const streaming = new Streaming(request, this, maxBytes)
    this.#live.add(streaming)
    return streaming.open()
  }

  /** Whether a call with this key would join another. */
  isUnderWay(flight: string): boolean {
    return this.#flights.has(flight)
  }

  /** Something is over that nobody else could join. */
  left(live: Live): void {
    this.#live.delete(live)
  }

  /** Gets the answer to `request` anew, for whoever asks next, unless that is being done. */
  refresh(request: WireRequest): void {
    const { cache, flight, url } = request
    const known = flight ?? cache?.key ?? url
    if (cache === undefined || this.#closed || this.#refreshing.has(known)) return
    const anew = { ...request, cache: { ...cache, mode: 'no-cache' as const }, signal: undefined, flight: undefined }
    const exchange = new Exchange(anew, this, known)
    this.#live.add(exchange)
    this.#refreshing.add(known)
    exchange.begin()
  }

  /** What is kept of `url`, or under way, is out of date. Nobody waits for the tiers: who reads later does not find it. */
  giveUp(url: string): void {
    this.outdate(other => other === url)
    const { cache } = this
    if (cache?.delete === undefined || cache.invalidate === undefined || cache.invalidatePrefix === undefined) return
    this.spoiled(givenUp(new URL(url)).from(cache))
  }

  /** Counts it when the cache fails at what nobody waits for. */
  spoiled(done: Promise<unknown> | undefined): void {
    done?.catch(() => {
      this.counts.cacheFailures += 1
    })
  }

  /** An exchange is over. */
  ended(exchange: Exchange): void {
    this.#live.delete(exchange)
    if (exchange.refreshes !== undefined) this.#refreshing.delete(exchange.refreshes)
    this.#ground(exchange)
  }

  /** What is under way at these URLs is out of date: it is not kept, and nobody joins it any more. */
  outdate(matches: (url: string) => boolean): void {
    for (const exchange of this.#live) {
      if (!matches(exchange.request.url)) continue
      exchange.outdate()
      if (exchange instanceof Exchange) this.#ground(exchange)
    }
  }

  /** A caller who had waited since `since` was answered. */
  delivered(source: Source, since: number): void {
    if (source === 'hit') this.counts.hits += 1
    else if (source === 'miss') this.counts.misses += 1
    else this.counts[source] += 1
    this.#metrics?.answered(this.driver.now() - since)
  }

  /** A caller was rejected; whatever is not an error of ours is the reason of an abort. */
  failed(error: unknown): void {
    const code = isShelflifeError(error) ? error.code : 'ERR_ABORTED'
    this.#failures.set(code, (this.#failures.get(code) ?? 0) + 1)
  }

  /** An attempt failed and another follows. */
  retrying(reason: RetryReason): void {
    this.#retries[reason] += 1
  }

  /** Where a pause that a host asks for holds for all requests to it, it does. To be said before the attempt of `task` is settled. */
  heed(task: ScheduledTask, answer: Pick<StoredResponse, 'status' | 'headers'>): void {
    const { heedsLimits, schedule } = this.#options
    if (heedsLimits) this.schedule.hold(task, Math.min(pauseOf(answer, this.clock.wall()), schedule.maxRetryAfter))
  }

  /** An exchange left the schedule. */
  spent(spent: Spent): void {
    this.#metrics?.spent(spent)
  }

  /** See {@link FetchStats}. */
  stats(): FetchStats {
    const { running, queued, sleeping } = this.#load()
    const latency = this.#metrics?.latency()
    const { concurrency, perLane: perHost } = this.#options.schedule
    const load = { concurrency, perHost, queued, inflight: running, sleeping }
    const stats = { ...this.counts, failures: Object.fromEntries(this.#failures), ...load }
    const connections = this.transport.stats?.().hosts
    return { ...stats, ...(latency !== undefined && { latency }), ...(connections !== undefined && { connections }) }
  }

  /** See {@link HostStats}. */
  hosts(): HostStats[] {
    if (this.#closed) return []
    const toWall = this.clock.wall() - this.driver.now()
    return Array.from(this.schedule.byKey(), ([host, { running, queued, sleeping, circuit, retryAt = Number.POSITIVE_INFINITY }]) => {
      const stats = {
        host,
        inflight: running,
        queued,
        sleeping,
        circuit,
        ...(this.keyLimits !== undefined && { concurrency: this.keyLimits.of(host) }),
      }
      return Number.isFinite(retryAt) ? { ...stats, retryAt: retryAt + toWall } : stats
    })
  }

  /** Most attempts at once to a host. */
  concurrencyOf(host: string): number {
    return this.keyLimits?.of(host) ?? this.#options.schedule.perLane
  }

  /** Ends everything under way. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const exchange of [...this.#live]) exchange.stop(new ClosedError('the fetch client'))
    this.#metrics?.close()
    this.schedule.close()
  }

  #limited(change: HostLimitChange): void {
    this.#metrics?.limited(change)
    this.events.tell('concurrency', change)
  }

  /** Nobody finds it any more. */
  #ground(exchange: Exchange): void {
    const { flight } = exchange.request
    if (flight !== undefined && this.#flights.get(flight) === exchange) this.#flights.delete(flight)
  }

  #load(): { running: number; queued: number; sleeping: number } {
    return this.#closed ? { running: 0, queued: 0, sleeping: 0 } : this.schedule.counts()
  }

  #totals(): ClientTotals {
    const { hits, stale, revalidated, misses, coalesced, bytes } = this.counts
    const aborted = this.#failures.get('ERR_ABORTED') ?? 0
    let error = -aborted
    for (const count of this.#failures.values()) error += count
    const outcomes = { hit: hits, stale, revalidated, miss: misses, coalesced, error, aborted }
    return { outcomes, retries: this.#retries, bytes, inflight: this.#load().running, connections: this.transport.stats?.().hosts }
  }
}

/** Whether the platform adds cookies that nobody here sees, as browsers do: it does not let anybody say them. */
function hidesCookies(): boolean {
  return !new Request('http://localhost/', { headers: { cookie: 'a=b' } }).headers.has('cookie')
}
