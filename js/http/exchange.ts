/**
 * One request on its way: looked up in the cache, queued, attempted, kept, and answered to everyone who waits for it.
 *
 * It ends exactly once. A caller who gives up leaves the others alone; when the last one leaves, the attempt is aborted.
 */

import { Alarm } from '../core/driver.ts'
import type { Deadline, Ending, ScheduledTask, Settled, Spent } from '../core/schedule-core.ts'
import { type CoreTrappedError, QueueFullError } from '../errors.ts'
import { RateLimitedError } from '../limits/errors.ts'
import { BodyTooLarge, performAttempt } from './attempt.ts'
import { isStorable, maxAgeMs } from './caching.ts'
import type { Desk } from './desk.ts'
import { isTransient, NetworkError, RequestTimeoutError, ResponseTooLargeError, traceOf } from './errors.ts'
import { isStoredResponse, type Source, type StoredResponse } from './record.ts'
import type { WireRequest } from './request.ts'
import { retryAfterMs } from './retry.ts'
import type { ResponseCache } from './types.ts'
import { type Delivery, Waiters } from './waiters.ts'

/** A request wants its own answer, or one that is fresh; it loads at once, and for itself. */
const ITSELF = { staleWhileRevalidate: 0, staleIfError: 0, refreshAhead: 1, softTimeout: Number.POSITIVE_INFINITY, negativeTtl: 0 }

/** See the top of this file. */
export class Exchange implements ScheduledTask {
  readonly request: WireRequest
  readonly key: string
  token = -1
  readonly #desk: Desk
  readonly #waiters: Waiters
  readonly #began: number
  #ended = false
  #isOutdated = false
  #attempt = 0
  #controller: AbortController | undefined
  /** What came over the wire, once it has. */
  #answer: { readonly record: StoredResponse; readonly ending: Ending } | undefined
  /** Tells the cache what to keep, while it waits for that. */
  #load: ((record: StoredResponse | undefined) => void) | undefined
  /** The cache reads the time to live when it stores: only the response says it. */
  readonly #keep: typeof ITSELF & { ttl?: number }
  /** Rings when the cache takes longer than the whole request may. */
  #patience: Alarm | undefined

  constructor(request: WireRequest, desk: Desk) {
    this.request = request
    this.key = request.host
    this.#desk = desk
    this.#began = desk.driver.now()
    this.#waiters = new Waiters(desk, () => this.#desert())
    const { ttl } = request.limits
    this.#keep = ttl === undefined ? { ...ITSELF } : { ...ITSELF, ttl }
  }

  /** One more caller waits for the answer. The signal must not be aborted yet. */
  join(signal: AbortSignal | undefined): Promise<Delivery> {
    return this.#waiters.join(signal)
  }

  /** Sets out, once the first caller has joined. */
  begin(): void {
    const { cache } = this.request
    if (cache?.read === true && this.#desk.cache !== undefined) void this.#throughCache(this.#desk.cache, cache.key)
    else this.#queue()
  }

  start(attempt: number): void {
    this.#attempt = attempt
    this.#desk.counts.sent += 1
    if (attempt > 1) this.#desk.counts.retries += 1
    this.#controller = new AbortController()
    void this.#run(attempt, this.#controller)
  }

  abort(_attempt: number): void {
    this.#breakOff('the attempt took too long')
    this.#desk.retrying('timeout')
  }

  expire(deadline: Deadline, spent: Spent): void {
    const { timeout, totalTimeout } = this.request.limits
    this.#desk.spent(spent)
    this.#fail(new RequestTimeoutError(deadline, deadline === 'attempt' ? timeout : totalTimeout, traceOf(this.request, spent)))
  }

  lose(error: CoreTrappedError): void {
    this.#fail(error)
  }

  /** What it brings is not to be kept. */
  outdate(): void {
    this.#isOutdated = true
  }

  /** Ends it from outside, for everyone who waits. */
  stop(error: unknown): void {
    this.#fail(error)
  }

  /** Goes over the wire as the cache's loader: whoever deletes the key meanwhile is not overruled by an older answer. */
  async #throughCache(cache: ResponseCache, key: string): Promise<void> {
    let found: unknown
    try {
      const finding = cache.getOrSet(key, context => this.#loaded(context?.skip) as Promise<never>, this.#keep)
      if (this.#load === undefined) this.#waitForCache(true)
      found = await finding
    } catch {
      if (!this.#ended) this.#desk.counts.cacheFailures += 1
    }
    if (this.#ended || this.#deliverAnswer()) return
    if (isStoredResponse(found)) this.#deliver(found, 'hit', 'final')
    // The cache gave its load up, having a deadline of its own or being closed. The request is on the wire all the same.
    else if (this.#load !== undefined) this.#load = () => this.#deliverAnswer()
    else this.#queue()
  }

  /**
   * The loader. The cache may take its time to call it: by then nobody may wait any more. What must not be kept says
   * nothing about what the cache has, so it is skipped.
   */
  #loaded(skip?: () => undefined): Promise<StoredResponse | undefined> {
    if (this.#ended) return Promise.resolve(skip?.())
    this.#waitForCache(false)
    return new Promise(resolve => {
      this.#load = record => resolve(record ?? skip?.())
      this.#queue()
    })
  }

  /** Answers with what came over the wire, if it has come. */
  #deliverAnswer(): boolean {
    if (this.#answer === undefined) return false
    this.#deliver(this.#answer.record, 'miss', this.#answer.ending)
    return true
  }

  /** Lends the total deadline to the cache while the request is in its hands and not in the schedule's. */
  #waitForCache(on: boolean): void {
    const { driver } = this.#desk
    if (on) this.#patience ??= new Alarm(() => this.#cacheIsLate(), { holds: true })
    if (this.#patience !== undefined)
      driver.set(this.#patience, on ? this.#began + this.request.limits.totalTimeout : Number.POSITIVE_INFINITY)
  }

  #cacheIsLate(): void {
    if (this.#answer !== undefined) {
      this.#desk.counts.cacheFailures += 1
      this.#deliver(this.#answer.record, 'miss', this.#answer.ending)
      return
    }
    const nothing = { attempts: 0, queue: 0, rate: 0, running: 0, backoff: 0 }
    this.#fail(new RequestTimeoutError('store', this.request.limits.totalTimeout, traceOf(this.request, nothing)))
  }

  #queue(): void {
    const { schedule, maxQueue, name, driver } = this.#desk
    const { limits } = this.request
    const elapsed = driver.now() - this.#began
    const left = elapsed < 1 ? limits : { ...limits, totalTimeout: Math.max(1, limits.totalTimeout - elapsed) }
    const submitted = schedule.submit(this, left)
    if (submitted === 'queue-full') this.#fail(new QueueFullError(maxQueue))
    else if (submitted !== 'in') this.#fail(new RateLimitedError(name, 'wait', submitted.retryAfterMs))
  }

  async #run(attempt: number, controller: AbortController): Promise<void> {
    let record: StoredResponse
    try {
      record = await performAttempt(this.#desk.transport, this.request, this.request.limits.maxResponseSize, controller)
    } catch (error) {
      this.#failed(attempt, error)
      return
    }
    if (this.#isCurrent(attempt)) await this.#answered(attempt, record)
  }

  /** An attempt that was broken off has nothing to say any more. */
  #isCurrent(attempt: number): boolean {
    return !this.#ended && this.#controller !== undefined && this.#attempt === attempt
  }

  async #answered(attempt: number, record: StoredResponse): Promise<void> {
    this.#controller = undefined
    this.#desk.counts.bytes += record.body.byteLength
    const transient = isTransient(record.status)
    const pause = transient ? retryAfterMs(record, this.#desk.clock.wall()) : undefined
    const settled = this.#settle(attempt, transient, pause)
    if (settled === 'backoff') this.#desk.retrying('status')
    if (typeof settled !== 'object') return
    const { ending } = settled
    this.#answer = { record, ending }
    const kept = this.#mayKeep(record) ? record : undefined
    if (this.#load !== undefined) {
      this.#waitForCache(true)
      this.#load(kept)
    } else {
      if (kept !== undefined) await this.#store(kept)
      this.#deliver(record, 'miss', ending)
    }
  }

  #failed(attempt: number, error: unknown): void {
    if (!this.#isCurrent(attempt)) return
    this.#controller = undefined
    const tooLarge = error instanceof BodyTooLarge
    const settled = this.#settle(attempt, !tooLarge, undefined)
    if (settled === 'backoff') this.#desk.retrying('network')
    if (typeof settled !== 'object') return
    const trace = traceOf(this.request, settled.spent)
    const { maxResponseSize } = this.request.limits
    this.#fail(
      tooLarge ? new ResponseTooLargeError(maxResponseSize, error.received, trace) : new NetworkError(trace, settled.ending, error),
    )
  }

  #settle(attempt: number, retryable: boolean, pause: number | undefined): Settled {
    const settled = this.#desk.schedule.settle(this, attempt, retryable, pause)
    if (typeof settled === 'object') this.#desk.spent(settled.spent)
    return settled
  }

  #mayKeep(record: StoredResponse): boolean {
    if (this.#isOutdated || this.request.cache === undefined || !isStorable(record)) return false
    const ttl = this.#keep.ttl ?? maxAgeMs(record)
    if (ttl !== undefined) this.#keep.ttl = ttl
    return ttl !== 0
  }

  async #store(record: StoredResponse): Promise<void> {
    const { cache } = this.request
    if (cache === undefined) return
    try {
      await this.#desk.cache?.set(cache.key, record as never, this.#keep)
    } catch {
      this.#desk.counts.cacheFailures += 1
    }
  }

  /** The last caller has given up. */
  #desert(): void {
    if (!this.#ended) this.#end()
  }

  #deliver(record: StoredResponse, source: Source, ending: Ending): void {
    if (this.#ended) return
    this.#end()
    this.#waiters.deliver(record, source, ending)
  }

  #fail(error: unknown): void {
    if (this.#ended) return
    this.#end()
    this.#waiters.fail(error)
  }

  #end(): void {
    this.#ended = true
    const spent = this.#desk.schedule.cancel(this)
    if (spent !== undefined) this.#desk.spent(spent)
    this.#breakOff('nobody waits for the answer any more')
    this.#load?.(undefined)
    this.#waitForCache(false)
    this.#desk.ended(this)
  }

  #breakOff(why: string): void {
    const controller = this.#controller
    this.#controller = undefined
    controller?.abort(new DOMException(why, 'AbortError'))
  }
}
