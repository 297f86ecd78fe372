/**
 * One request on its way: looked up in the cache, queued, attempted, kept, and answered to everyone who waits for it.
 *
 * It ends exactly once. A caller who gives up leaves the others alone; when the last one leaves, the attempt is aborted.
 */

import type { Verdict as Health } from '../core/breaker-core.ts'
import { Alarm } from '../core/driver.ts'
import type { Deadline, Ending, Load, ScheduledTask, Settled, Spent } from '../core/schedule-types.ts'
import type { CoreTrappedError } from '../errors.ts'
import { BodyTooLarge } from './attempt.ts'
import { Attempts, type AttemptsHost } from './attempts.ts'
import type { Desk } from './desk.ts'
import {
  isTransient,
  NetworkError,
  RequestTimeoutError,
  RequestTooLargeError,
  type RequestTrace,
  ResponseTooLargeError,
  traceOf,
} from './errors.ts'
import { differs, shown } from './hooks.ts'
import { Passage, type PassageHost } from './passage.ts'
import { type Source, type StoredResponse, sharing, withoutBody } from './record.ts'
import { RefusedRedirect } from './redirect.ts'
import { leftAlone, loadOf, phaseOf, refusalOf, verdictOn } from './refusal.ts'
import type { WireRequest } from './request.ts'
import { isTooLarge } from './request-body.ts'
import { retryAfterMs } from './retry.ts'
import { Review } from './review.ts'
import type { Times } from './rfc9111/freshness.ts'
import type { Verdict } from './rfc9111/reuse.ts'
import { isServerFailure } from './rfc9111/statuses.ts'
import { isUnsafe, outdatedBy } from './rfc9111/unsafe.ts'
import { compareHead, confirms, updated } from './rfc9111/validation.ts'
import type { DownloadProgress } from './types.ts'
import { type Delivery, Waiters } from './waiters.ts'

const NOTHING_SPENT: Spent = { attempts: 0, queue: 0, rate: 0, running: 0, backoff: 0 }

/** What came over the wire. */
interface Answer {
  readonly record: StoredResponse
  readonly source: Source
  readonly ending: Ending
  readonly trace: RequestTrace
}

/** See the top of this file. */
export class Exchange implements ScheduledTask, PassageHost, AttemptsHost {
  readonly request: WireRequest
  readonly key: string
  /** By what the desk knows what is refreshed, where nobody waits for it. */
  readonly refreshes: string | undefined
  token = -1
  readonly #desk: Desk
  readonly #waiters: Waiters
  readonly #passage: Passage | undefined
  readonly #attempts: Attempts
  /** Where there are hooks that want to see what comes. */
  readonly #review: Review | undefined
  readonly #began: number
  #ended = false
  #isOutdated = false
  #answer: Answer | undefined
  /** Rings when the cache takes longer than the whole request may. */
  #patience: Alarm | undefined

  constructor(request: WireRequest, desk: Desk, refreshes?: string) {
    this.refreshes = refreshes
    this.request = request
    this.key = request.host
    this.#desk = desk
    this.#began = desk.driver.now()
    this.#attempts = new Attempts(request, desk, this)
    if (desk.hooks.afterResponse.length > 0) this.#review = new Review(desk.hooks.afterResponse)
    this.#waiters = new Waiters(desk, () => this.#desert())
    const { cache: use, limits } = request
    if (use !== undefined && desk.cache !== undefined) this.#passage = new Passage(use, desk.cache, desk, limits, this)
  }

  get ended(): boolean {
    return this.#ended
  }

  /** One more caller waits for the answer. The signal must not be aborted yet. */
  join(signal: AbortSignal | undefined, onProgress?: (progress: DownloadProgress) => void): Promise<Delivery> {
    if (onProgress !== undefined) this.#attempts.watchers.add(onProgress)
    return this.#waiters.join(signal)
  }

  /** Sets out, once the first caller has joined; in the background none does. */
  begin(): void {
    if (this.#passage === undefined || this.request.cache?.mode === 'reload') this.#queue()
    else void this.#passage.enter()
  }

  start(attempt: number): void {
    this.#desk.counts.sent += 1
    if (attempt > 1) this.#desk.counts.retries += 1
    this.#attempts.start(attempt)
  }

  abort(_attempt: number): void {
    this.#attempts.giveUp('the attempt took too long')
    this.#desk.retrying('timeout')
  }

  send(): void {
    if (globalThis.navigator?.onLine === false && this.#standIn('final')) return
    this.#queue()
  }

  found(record: StoredResponse, verdict: Exclude<Verdict, 'validate'>): void {
    if (verdict === 'while-revalidating') this.#desk.refresh(this.request)
    this.#deliver(record, verdict === 'fresh' ? 'hit' : 'stale', 'final')
  }

  absent(): void {
    const { url } = this.request
    const record = { status: 504, statusText: 'Gateway Timeout', headers: [], url, redirected: false, body: new Uint8Array() }
    this.#deliver(record, 'miss', 'final')
  }

  expire(deadline: Deadline, spent: Spent): void {
    const { timeout, totalTimeout } = this.request.limits
    this.#desk.spent(spent)
    this.#attempts.breakOff('the request took too long')
    this.#fallBack(new RequestTimeoutError(phaseOf(deadline), deadline === 'attempt' ? timeout : totalTimeout, this.#trace(spent)))
  }

  refuse(retryAt: number, spent: Spent): void {
    this.#desk.spent(spent)
    this.#fallBack(leftAlone(retryAt, this.key, this.#desk))
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

  /** Answers with what came over the wire, if it has come. */
  deliverAnswer(): boolean {
    if (this.#answer === undefined) return false
    const { record, source, ending, trace } = this.#answer
    this.#deliver(record, source, ending, trace)
    return true
  }

  /** Lends the total deadline to the cache while the request is in its hands and not in the schedule's. */
  waitForCache(on: boolean): void {
    const { driver } = this.#desk
    if (on) this.#patience ??= new Alarm(() => this.#cacheIsLate(), { holds: true })
    if (this.#patience !== undefined)
      driver.set(this.#patience, on ? this.#began + this.request.limits.totalTimeout : Number.POSITIVE_INFINITY)
  }

  #cacheIsLate(): void {
    if (this.#answer !== undefined) this.#desk.counts.cacheFailures += 1
    if (this.deliverAnswer()) return
    this.#fail(
      new RequestTimeoutError(this.#review?.isOn ? 'total' : 'store', this.request.limits.totalTimeout, this.#trace(NOTHING_SPENT)),
    )
  }

  #queue(): void {
    const { schedule, driver } = this.#desk
    const { limits } = this.request
    const elapsed = driver.now() - this.#began
    const left = elapsed < 1 ? limits : { ...limits, totalTimeout: Math.max(1, limits.totalTimeout - elapsed) }
    const submitted = schedule.submit(this, left)
    if (submitted !== 'in') this.#fallBack(refusalOf(submitted, this.key, this.#desk))
  }

  /** Lets hooks see what came; `undefined` when one of them has had the request sent once more, or has failed. */
  async #reviewed(review: Review, { record, source }: Answer, spent: Spent): Promise<StoredResponse | undefined> {
    const about = { record, source, spent, request: shown(this.#attempts.wire), now: this.#desk.clock.wall() }
    this.waitForCache(true)
    try {
      const left = await review.of(about, () => this.#ended)
      if (this.#ended) return undefined
      return left instanceof Request ? this.#resend(left) : left
    } catch (error) {
      this.#fail(error)
      return undefined
    } finally {
      if (!this.#ended) this.waitForCache(false)
    }
  }

  #resend(request: Request): undefined {
    this.#attempts.rewire(request)
    this.waitForCache(false)
    this.#queue()
  }

  former(): StoredResponse | undefined {
    return this.#passage?.former
  }

  refused(attempt: number, error: unknown): void {
    this.#settle(attempt, false, undefined, 'ignored')
    this.#fail(error)
  }

  fellSilent(attempt: number): void {
    const settled = this.#settle(attempt, true, undefined, 'failure', 'overload')
    if (settled === 'backoff') this.#desk.retrying('timeout')
    if (typeof settled !== 'object') return
    this.#fallBack(new RequestTimeoutError('idle', this.request.limits.idleTimeout, this.#trace(settled.spent)))
  }

  answered(attempt: number, came: StoredResponse, times: Times, asked: StoredResponse | undefined): void {
    this.#desk.counts.bytes += came.body.byteLength
    if (came.status === 304 && asked !== undefined && !confirms(came.headers, asked.headers)) {
      this.#passage?.forget()
      this.#unanswered(attempt, new TypeError('the origin confirms what nobody asked about'), true)
      return
    }
    const isConfirmed = came.status === 304 && asked !== undefined
    if (asked !== undefined && !isConfirmed) this.#desk.counts.changed += 1
    const record = isConfirmed ? confirmed(asked, came) : sharing(came, asked)
    const transient = isTransient(record.status)
    const pause = transient ? retryAfterMs(record, this.#desk.clock.wall()) : undefined
    this.#attempts.ended(undefined, record.status)
    // Before the place of this one is another's.
    this.heed(came)
    const settled = this.#settle(attempt, transient, pause, verdictOn(record.status), loadOf(record.status))
    if (settled === 'backoff') this.#desk.retrying('status')
    if (typeof settled !== 'object') return
    const { ending, spent } = settled
    if (isServerFailure(record.status) && this.#standIn(ending)) return
    const source = isConfirmed ? 'revalidated' : 'miss'
    const answer = { record, source, ending, trace: this.#trace(spent) } as const
    if (this.#review === undefined) void this.#bring(answer, times)
    else void this.#reviewAndBring(this.#review, answer, times, spent)
  }

  async #reviewAndBring(review: Review, answer: Answer, times: Times, spent: Spent): Promise<void> {
    const record = await this.#reviewed(review, answer, spent)
    if (record !== undefined && !this.#ended) await this.#bring({ ...answer, record }, times)
  }

  /** What came is final: keeps it, and gives it to everyone. */
  async #bring(answer: Answer, times: Times): Promise<void> {
    const { record } = answer
    // What hooks have changed on the way may have another answer than what was asked for.
    const { wire } = this.#attempts
    if (wire !== this.request && differs(this.request, wire, this.request.cache?.partitioned === true)) this.#isOutdated = true
    this.#answer = answer
    this.#spoil(record)
    if (this.#passage === undefined) {
      this.deliverAnswer()
      return
    }
    try {
      const isWaiting = this.#passage.keep(record, times, !this.#isOutdated)
      if (isWaiting === true || (await isWaiting)) return
    } catch {
      // A cache of a user's may throw in the place of a promise that rejects.
      this.#desk.counts.cacheFailures += 1
    }
    this.deliverAnswer()
  }

  /** What the answer makes out of date is given up. */
  #spoil(record: StoredResponse): void {
    const { method, url } = this.request
    const { former } = this.#passage ?? {}
    if (isUnsafe(method)) for (const outdated of outdatedBy(url, record, record.url)) this.#desk.giveUp(outdated)
    else if (method === 'HEAD' && former !== undefined && compareHead(record, former) === 'other') this.#desk.giveUp(url)
  }

  heed(record: StoredResponse): void {
    this.#desk.heed(this, record)
  }

  failed(attempt: number, error: unknown): void {
    const isFinal = error instanceof BodyTooLarge || error instanceof RefusedRedirect || isTooLarge(error)
    this.#unanswered(attempt, error, !isFinal)
  }

  #unanswered(attempt: number, error: unknown, retryable: boolean): void {
    this.#attempts.ended(error, undefined)
    const settled = this.#settle(attempt, retryable, undefined, retryable ? 'failure' : 'ignored')
    if (settled === 'backoff') this.#desk.retrying('network')
    if (typeof settled !== 'object') return
    const trace = this.#trace(settled.spent)
    const { maxResponseSize } = this.request.limits
    if (isTooLarge(error)) this.#fail(new RequestTooLargeError(trace.method, trace.url, this.#desk.maxRequestSize))
    else if (error instanceof BodyTooLarge) this.#fail(new ResponseTooLargeError(maxResponseSize, error.received, trace))
    else this.#fallBack(new NetworkError(trace, settled.ending, error))
  }

  #settle(attempt: number, retryable: boolean, pause: number | undefined, verdict: Health, load: Load = 'ignored'): Settled {
    const settled = this.#desk.schedule.settle(this, attempt, retryable, pause, verdict, load)
    if (typeof settled === 'object') this.#desk.spent(settled.spent)
    return settled
  }

  /** The last caller has given up. */
  #desert(): void {
    if (!this.#ended) this.#end()
  }

  #deliver(record: StoredResponse, source: Source, ending: Ending, trace?: RequestTrace): void {
    if (this.#ended) return
    this.#end()
    const { method } = this.request
    this.#waiters.deliver(method === 'HEAD' && record.body.byteLength > 0 ? withoutBody(record) : record, source, ending, trace)
  }

  /** A failure of the origin, or of the way to it: what the cache has may stand in. */
  #fallBack(error: unknown): void {
    if (!this.#standIn('exhausted')) this.#fail(error)
  }

  #standIn(ending: Ending): boolean {
    const kept = this.#passage?.standIn()
    if (kept !== undefined) this.#deliver(kept, 'stale', ending)
    return kept !== undefined
  }

  #fail(error: unknown): void {
    if (this.#ended) return
    this.#end()
    this.#waiters.fail(error)
  }

  #end(): void {
    this.#ended = true
    // First, for the place that is given back is taken within the same call.
    this.#attempts.breakOff('nobody waits for the answer any more')
    const spent = this.#desk.schedule.cancel(this)
    if (spent !== undefined) this.#desk.spent(spent)
    this.#passage?.end()
    this.waitForCache(false)
    this.#desk.ended(this)
  }

  #trace(spent: Spent): RequestTrace {
    return traceOf(this.request, this.#review?.total(spent) ?? spent, this.#attempts.laps)
  }
}

/** What the cache has, with what a 304 brings. */
function confirmed(kept: StoredResponse, notModified: StoredResponse): StoredResponse {
  const { freshness, ...rest } = kept
  return { ...rest, headers: updated(kept.headers, notModified.headers) }
}
