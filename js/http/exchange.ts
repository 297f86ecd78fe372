/**
 * One request on its way: looked up in the cache, queued, attempted, kept, and answered to everyone who waits for it.
 *
 * It ends exactly once. A caller who gives up leaves the others alone; when the last one leaves, the attempt is aborted.
 */

import type { Deadline, Ending, ScheduledTask, Settled, Spent } from '../core/schedule-core.ts'
import type { CoreTrappedError } from '../errors.ts'
import type { Abortable } from './abort-watch.ts'
import { BodyTooLarge, performAttempt } from './attempt.ts'
import { isStorable, maxAgeMs } from './caching.ts'
import type { Desk } from './desk.ts'
import { isTransient, NetworkError, QueueFullError, RequestTimeoutError, ResponseTooLargeError, traceOf } from './errors.ts'
import { isStoredResponse, type Source, type StoredResponse } from './record.ts'
import type { WireRequest } from './request.ts'
import { retryAfterMs } from './retry.ts'
import type { ResponseCache } from './types.ts'

/** What a caller gets. */
export interface Delivery {
  readonly record: StoredResponse
  readonly source: Source
  /** Why the attempt that brought it was the last. */
  readonly ending: Ending
}

/** One caller. */
class Waiter implements Abortable {
  readonly resolve: (delivery: Delivery) => void
  readonly reject: (error: unknown) => void
  readonly signal: AbortSignal | undefined
  /** On the driver's timeline. */
  readonly since: number
  readonly #exchange: Exchange

  constructor(exchange: Exchange, signal: AbortSignal | undefined, since: number, settle: Pick<Waiter, 'resolve' | 'reject'>) {
    this.#exchange = exchange
    this.signal = signal
    this.since = since
    this.resolve = settle.resolve
    this.reject = settle.reject
  }

  aborted(reason: unknown): void {
    this.#exchange.leave(this, reason)
  }
}

/** See the top of this file. */
export class Exchange implements ScheduledTask {
  readonly request: WireRequest
  readonly key: string
  token = -1
  readonly #desk: Desk
  readonly #waiters = new Set<Waiter>()
  #ended = false
  #attempt = 0
  #controller: AbortController | undefined
  /** What came over the wire, once it has. */
  #answer: { readonly record: StoredResponse; readonly ending: Ending } | undefined
  /** Tells the cache what to keep, while it waits for that. */
  #load: ((record: StoredResponse | undefined) => void) | undefined
  /** The cache reads the time to live when it stores: only the response says it. */
  readonly #keep: { ttl?: number }

  constructor(request: WireRequest, desk: Desk) {
    this.request = request
    this.key = request.host
    this.#desk = desk
    const { ttl } = request.limits
    this.#keep = ttl === undefined ? {} : { ttl }
  }

  /** One more caller waits for the answer. The signal must not be aborted yet. */
  join(signal: AbortSignal | undefined): Promise<Delivery> {
    return new Promise((resolve, reject) => {
      const waiter = new Waiter(this, signal, this.#desk.driver.now(), { resolve, reject })
      if (signal !== undefined) this.#desk.aborts.add(signal, waiter)
      this.#waiters.add(waiter)
    })
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

  /** A caller gives up. The last one takes the request along. */
  leave(waiter: Waiter, reason: unknown): void {
    if (!this.#dismiss(waiter)) return
    this.#desk.failed(undefined)
    waiter.reject(reason)
    if (this.#waiters.size > 0 || this.#ended) return
    const spent = this.#desk.schedule.cancel(this)
    if (spent !== undefined) this.#desk.spent(spent)
    this.#end()
  }

  /** Ends it from outside, for everyone who waits. */
  stop(error: unknown): void {
    this.#desk.schedule.cancel(this)
    this.#fail(error)
  }

  /** Goes over the wire as the cache's loader: whoever deletes the key meanwhile is not overruled by an older answer. */
  async #throughCache(cache: ResponseCache, key: string): Promise<void> {
    let found: unknown
    try {
      found = await cache.getOrSet(key, () => this.#loaded(), this.#keep)
    } catch {
      if (!this.#ended) this.#desk.counts.cacheFailures += 1
    }
    if (this.#ended) return
    if (this.#answer !== undefined) this.#deliver(this.#answer.record, 'miss', this.#answer.ending)
    else if (isStoredResponse(found)) this.#deliver(found, 'hit', 'final')
    else this.#queue()
  }

  #loaded(): Promise<StoredResponse | undefined> {
    return new Promise(resolve => {
      this.#load = resolve
      this.#queue()
    })
  }

  #queue(): void {
    const { schedule, maxQueue } = this.#desk
    if (!schedule.submit(this, this.request.limits)) this.#fail(new QueueFullError(maxQueue))
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
    if (this.#load !== undefined) this.#load(kept)
    else {
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
    if (this.request.cache === undefined || !isStorable(record)) return false
    const ttl = this.#keep.ttl ?? maxAgeMs(record)
    if (ttl !== undefined) this.#keep.ttl = ttl
    return ttl !== 0
  }

  async #store(record: StoredResponse): Promise<void> {
    const { cache } = this.request
    if (cache === undefined) return
    try {
      await this.#desk.cache?.set(cache.key, record, this.#keep)
    } catch {
      this.#desk.counts.cacheFailures += 1
    }
  }

  #deliver(record: StoredResponse, source: Source, ending: Ending): void {
    if (this.#ended) return
    this.#end()
    let own = source
    for (const waiter of this.#waiters) {
      this.#dismiss(waiter)
      this.#desk.delivered(own, waiter.since)
      waiter.resolve({ record, source: own, ending })
      if (own === 'miss') own = 'coalesced'
    }
  }

  #fail(error: unknown): void {
    if (this.#ended) return
    this.#end()
    for (const waiter of this.#waiters) {
      this.#dismiss(waiter)
      this.#desk.failed(error)
      waiter.reject(error)
    }
  }

  #dismiss(waiter: Waiter): boolean {
    if (waiter.signal !== undefined) this.#desk.aborts.remove(waiter.signal, waiter)
    return this.#waiters.delete(waiter)
  }

  #end(): void {
    this.#ended = true
    this.#breakOff('nobody waits for the answer any more')
    this.#load?.(undefined)
    this.#desk.ended(this)
  }

  #breakOff(why: string): void {
    const controller = this.#controller
    this.#controller = undefined
    controller?.abort(new DOMException(why, 'AbortError'))
  }
}
