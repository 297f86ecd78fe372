/**
 * One request whose answer is handed over at its head, while the body is still to come.
 *
 * It has its slot until the body has ended, or nobody wants the rest, or a deadline passes. After the head nothing is tried again, and of attempts
 * side by side only the one whose head came first goes on. What was read to its end is kept, as far as it is no larger than what is kept of others.
 */

import type { Verdict as Health } from '../core/breaker-core.ts'
import { Alarm } from '../core/driver.ts'
import type { Deadline, ScheduledTask, Spent } from '../core/schedule-types.ts'
import type { CoreTrappedError } from '../errors.ts'
import { AttemptWatch, BodyTooLarge, type Head, headOf, letGo, performHead, telling } from './attempt.ts'
import { CurrentAttempt } from './current-attempt.ts'
import type { Desk, Live } from './desk.ts'
import { isTransient, NetworkError, RequestTimeoutError, type RequestTrace, ResponseTooLargeError, traceOf } from './errors.ts'
import { Hangup } from './hangup.ts'
import { hedgesOf } from './hedging.ts'
import { differs } from './hooks.ts'
import { Passage } from './passage.ts'
import { toStreamed } from './record.ts'
import { hasNullBody } from './recorded-response.ts'
import { RefusedRedirect } from './redirect.ts'
import { leftAlone, loadOf, phaseOf, refusalOf, verdictOn } from './refusal.ts'
import type { WireRequest } from './request.ts'
import { retryAfterMs } from './retry.ts'
import type { Times } from './rfc9111/freshness.ts'
import { isUnsafe, outdatedBy } from './rfc9111/unsafe.ts'
import { type BodyHost, StreamedBody } from './streamed-body.ts'
import { Wire } from './wire.ts'

/** See the top of this file. */
export class Streaming implements ScheduledTask, Live, BodyHost {
  readonly request: WireRequest
  readonly key: string
  token = -1
  readonly #desk: Desk
  /** For this body, which nobody holds. */
  readonly #maxBytes: number
  readonly #began: number
  /** The total deadline of what has no slot any more. */
  readonly #last: Alarm
  #promised: { readonly resolve: (response: Response) => void; readonly reject: (error: unknown) => void } | undefined
  /** What was handed over. */
  #answer: { readonly head: Head; readonly times: Times } | undefined
  #body: StreamedBody | undefined
  #attempt = 0
  readonly #wire: Wire
  /** With those beside it until a head has come. */
  readonly #current: CurrentAttempt
  #isOver = false
  #isOutdated = false

  constructor(request: WireRequest, desk: Desk, maxBytes: number) {
    this.request = request
    this.key = request.host
    this.#wire = new Wire(request, desk.hooks)
    this.#desk = desk
    this.#maxBytes = maxBytes
    this.#began = desk.driver.now()
    this.#last = new Alarm(() => this.#isLate(), { holds: true })
    this.#current = new CurrentAttempt(hedgesOf(desk.hedging, request, `${request.host} heads`, hangup => this.#besides(hangup)))
  }

  /** Resolves at the head. The signal must not be aborted yet; it goes for the body, too. */
  open(): Promise<Response> {
    const { signal, limits } = this.request
    return new Promise((resolve, reject) => {
      this.#promised = { resolve, reject }
      if (signal !== undefined) this.#desk.aborts.add(signal, this)
      const submitted = this.#desk.schedule.submit(this, limits)
      if (submitted !== 'in') this.stop(refusalOf(submitted, this.key, this.#desk))
    })
  }

  start(attempt: number): void {
    this.#attempt = attempt
    this.#desk.counts.sent += 1
    if (attempt > 1) this.#desk.counts.retries += 1
    const hangup = new Hangup()
    const watch = this.#newWatch()
    this.#current.begin(hangup, watch)
    void this.#run(hangup, watch)
  }

  abort(_attempt: number): void {
    if (this.#promised !== undefined) {
      this.#wire.ended(new DOMException('the attempt took too long', 'TimeoutError'), undefined)
      this.#current.breakOff('the attempt took too long')
      this.#desk.retrying('timeout')
      return
    }
    // The schedule would try again; what was handed over cannot be taken back.
    this.#fail(new RequestTimeoutError('attempt', this.request.limits.timeout, this.#trace(this.#giveUp())))
  }

  expire(deadline: Deadline, spent: Spent): void {
    const { timeout, totalTimeout } = this.request.limits
    this.#desk.spent(spent)
    this.#current.addUp()
    this.#fail(new RequestTimeoutError(phaseOf(deadline), deadline === 'attempt' ? timeout : totalTimeout, this.#trace(spent)))
  }

  refuse(retryAt: number, spent: Spent): void {
    this.#desk.spent(spent)
    this.#fail(leftAlone(retryAt, this.key, this.#desk))
  }

  lose(error: CoreTrappedError): void {
    this.#fail(error)
  }

  /** Its caller has given up. */
  aborted(reason: unknown): void {
    this.#fail(reason)
  }

  outdate(): void {
    this.#isOutdated = true
  }

  stop(error: unknown): void {
    this.#fail(error)
  }

  async #run(hangup: Hangup, watch: AttemptWatch): Promise<void> {
    // One beside it may have been faster by the time that this is told.
    if (this.#wire.isAsked(this.#attempt) && !((await this.#isWanted(hangup, watch)) && this.#current.is(hangup))) return
    let head: Head
    try {
      head = await performHead(this.#desk.transport, this.#wire.request, hangup, watch, this.#desk.redirects)
    } catch (error) {
      if (this.#current.is(hangup)) this.#unanswered(error)
      return
    }
    if (!this.#current.is(hangup)) {
      letGo(head.response, hangup, 'nobody waits for the answer any more')
      return
    }
    if (!isTransient(head.record.status)) this.#current.answered()
    this.#current.goAlone()
    this.#answered(head, hangup, watch)
  }

  /** The same request again, beside the attempt that runs. Whose head comes first, and is a good one, is the attempt. */
  async #besides(hangup: Hangup): Promise<void> {
    const watch = this.#newWatch()
    this.#desk.counts.sent += 1
    let head: Head
    try {
      head = await performHead(this.#desk.transport, this.#wire.request, hangup, watch, this.#desk.redirects)
    } catch {
      // Whatever it is, the attempt beside it goes on.
      return
    }
    if (hangup.aborted || isTransient(head.record.status)) {
      if (!hangup.aborted) this.#desk.heed(this, head.record)
      letGo(head.response, hangup, 'another attempt goes on')
      return
    }
    this.#current.replace(hangup, watch)
    this.#answered(head, hangup, watch)
  }

  /** Lets hooks change the attempt. False where one of them answers it, or does not want it, or where nobody does any more. */
  async #isWanted(hangup: Hangup, watch: AttemptWatch): Promise<boolean> {
    try {
      const response = await this.#wire.ask(this.#attempt, () => this.#current.is(hangup))
      if (!this.#current.is(hangup)) return false
      if (response === undefined) return true
      this.#current.goAlone()
      const { url, method } = this.#wire.request
      this.#answered(headOf({ response, url, redirected: false, lasting: false }, method), hangup, watch)
    } catch (error) {
      if (this.#current.is(hangup)) this.#fail(error)
    }
    return false
  }

  /** A head has come, of the only attempt that is left. */
  #answered(head: Head, hangup: Hangup, watch: AttemptWatch): void {
    // Before the place of this one is another's.
    this.#desk.heed(this, head.record)
    if (!this.#isTriedAgain(head, hangup, watch) && !this.#isTooLarge(head, hangup)) this.#hand(head, watch)
  }

  #newWatch(): AttemptWatch {
    const { onDownloadProgress } = this.request
    const moved = onDownloadProgress === undefined ? () => undefined : telling(new Set([onDownloadProgress]))
    return new AttemptWatch(this.#desk, { maxBytes: this.#maxBytes, maxRatio: this.#desk.maxCompressionRatio, moved, started: undefined })
  }

  /** Whether the head promises more than may come; then nothing of it is read. */
  #isTooLarge({ announced = 0, response }: Head, hangup: Hangup): boolean {
    if (announced <= this.#maxBytes) return false
    letGo(response, hangup, 'the body is too large')
    const trace = this.#trace(this.#giveUp())
    this.#fail(new ResponseTooLargeError(this.#maxBytes, announced, trace))
    return true
  }

  #isTriedAgain({ record, response }: Head, hangup: Hangup, watch: AttemptWatch): boolean {
    const { status } = record
    if (!isTransient(status) || this.#attempt > this.request.limits.maxRetries) return false
    const { schedule, clock } = this.#desk
    this.#wire.ended(undefined, status)
    this.#current.release()
    const settled = schedule.settle(this, this.#attempt, true, retryAfterMs(record, clock.wall()), verdictOn(status), loadOf(status))
    if (typeof settled === 'object') {
      // No time is left for another: this is the answer, and its slot is gone.
      this.#desk.spent(settled.spent)
      this.#current.goOn(hangup, watch)
      this.#desk.driver.set(this.#last, this.#began + this.request.limits.totalTimeout)
      return false
    }
    this.#desk.retrying('status')
    watch.addTo(this.#current.laps)
    letGo(response, hangup, 'it is tried again')
    return true
  }

  #unanswered(error: unknown): void {
    this.#wire.ended(error, undefined)
    this.#current.end()
    const settled = this.#desk.schedule.settle(this, this.#attempt, !(error instanceof RefusedRedirect))
    if (settled === 'backoff') this.#desk.retrying('network')
    if (typeof settled !== 'object') return
    this.#desk.spent(settled.spent)
    this.#fail(new NetworkError(this.#trace(settled.spent), settled.ending, error))
  }

  /** Hands the answer over. */
  #hand(head: Head, { times }: AttemptWatch): void {
    const { response, record } = head
    const isEmpty = response.body === null || record.type !== undefined || hasNullBody(record.status) || this.request.method === 'HEAD'
    const { idleTimeout, maxResponseSize } = this.request.limits
    const mostGathered = this.request.cache === undefined ? undefined : maxResponseSize
    let handed: Response
    try {
      if (!isEmpty && response.body !== null)
        this.#body = new StreamedBody(response.body, this, { driver: this.#desk.driver, idleTimeout, mostGathered })
      handed = toStreamed(record, this.#body?.stream ?? null)
    } catch (error) {
      // A transport of a user's may answer with what somebody has read.
      this.bodyFailed(error)
      return
    }
    this.#answer = { head, times }
    this.#desk.delivered('miss', this.#began)
    this.#promised?.resolve(handed)
    this.#promised = undefined
    if (isUnsafe(this.request.method)) for (const url of outdatedBy(this.request.url, record)) this.#desk.giveUp(url)
    if (isEmpty) this.bodyEnded()
  }

  received(piece: number, bytes: number): void {
    this.#desk.counts.bytes += piece
    this.#current.received(bytes, this.#answer?.head.announced)
  }

  bodyEnded(): void {
    this.#end(this.#answer && verdictOn(this.#answer.head.record.status))
  }

  gathered(body: Uint8Array): void {
    const { cache: use, limits } = this.request
    const { cache } = this.#desk
    if (use === undefined || cache === undefined || this.#answer === undefined) return
    const { head, times } = this.#answer
    // What hooks have changed on the way may have another answer than what was asked for.
    const isOther = this.#wire.request !== this.request && differs(this.request, this.#wire.request, use.partitioned)
    const nobody = { ended: true, send() {}, deliverAnswer: () => false, found() {}, absent() {}, waitForCache() {} }
    void new Passage(use, cache, this.#desk, limits, nobody).keep({ ...head.record, body }, times, !this.#isOutdated && !isOther)
  }

  bodyFailed(error: unknown): void {
    const isLarge = error instanceof BodyTooLarge
    const trace = this.#trace(this.#giveUp(isLarge ? 'ignored' : 'failure'))
    this.#fail(isLarge ? new ResponseTooLargeError(this.#maxBytes, error.received, trace) : new NetworkError(trace, 'final', error))
  }

  bodyFellSilent(): void {
    this.#fail(new RequestTimeoutError('idle', this.request.limits.idleTimeout, this.#trace(this.#giveUp('failure'))))
  }

  cancelled(reason: unknown): void {
    this.#current.end()?.abort(reason)
    this.#end()
  }

  #isLate(): void {
    this.#fail(new RequestTimeoutError('total', this.request.limits.totalTimeout, this.#trace(this.#giveUp())))
  }

  /** Breaks the attempt off, and then gives its slot back: another has it within the same call. */
  #giveUp(verdict?: Health): Spent {
    this.#current.breakOff('the request has ended')
    return this.#leave(verdict)
  }

  /** Gives the slot back, and says how well the host was, where that is known. */
  #leave(verdict: Health = 'ignored'): Spent {
    this.#current.addUp()
    const { schedule } = this.#desk
    // How long it took is the reader's doing as well.
    const settled = verdict === 'ignored' ? undefined : schedule.settle(this, this.#attempt, false, undefined, verdict, 'ignored')
    const spent = typeof settled === 'object' ? settled.spent : schedule.cancel(this)
    if (spent !== undefined) this.#desk.spent(spent)
    return spent ?? { attempts: this.#attempt, queue: 0, rate: 0, running: 0, backoff: 0 }
  }

  #fail(error: unknown): void {
    if (this.#isOver) return
    this.#current.breakOff('the request has ended')
    this.#end()
    const { signal } = this.request
    // Whoever has just given up, and is not told yet, hears their own reason.
    const why = signal?.aborted === true ? signal.reason : error
    this.#desk.failed(why)
    this.#promised?.reject(why)
    this.#body?.fail(why)
  }

  #end(verdict?: Health): void {
    this.#isOver = true
    this.#leave(verdict)
    this.#current.release()
    this.#body?.stop()
    this.#desk.driver.set(this.#last, Number.POSITIVE_INFINITY)
    if (this.request.signal !== undefined) this.#desk.aborts.remove(this.request.signal, this)
    this.#desk.left(this)
  }

  #trace(spent: Spent): RequestTrace {
    return traceOf(this.request, spent, this.#current.laps)
  }
}
