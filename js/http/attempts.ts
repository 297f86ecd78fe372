/** The attempts of one exchange: one at a time, each broken off when its time is over, its origin silent, or nobody waits any more. */

import { Alarm } from '../core/driver.ts'
import { type AttemptRequest, AttemptWatch, performAttempt, telling } from './attempt.ts'
import type { Desk } from './desk.ts'
import { isTransient } from './errors.ts'
import { Hangup } from './hangup.ts'
import { type Hedges, hedgesOf } from './hedging.ts'
import { ask, rewired, shown } from './hooks.ts'
import { type StoredResponse, toRecord } from './record.ts'
import type { WireRequest } from './request.ts'
import type { Times } from './rfc9111/freshness.ts'
import { conditionsOf } from './rfc9111/validation.ts'
import type { DownloadProgress } from './types.ts'

/** What attempts tell their exchange. Of one that was broken off it hears nothing more. */
export interface AttemptsHost {
  /** What the origin may be asked about. */
  former(): StoredResponse | undefined
  /** An answer came; `asked` is what the request asked about. */
  answered(attempt: number, record: StoredResponse, times: Times, asked: StoredResponse | undefined): void
  failed(attempt: number, error: unknown): void
  /** One beside it was told to wait; it is of no use otherwise. */
  heed(record: StoredResponse): void
  /** Nothing came any more, and the attempt was broken off. */
  fellSilent(attempt: number): void
  /** A hook does not want the request to be tried again. */
  refused(attempt: number, error: unknown): void
}

/** See the top of this file. */
export class Attempts {
  /** Told of what comes. */
  readonly watchers = new Set<(progress: DownloadProgress) => void>()
  /** Milliseconds in each part of all attempts. */
  readonly laps = { connect: 0, firstByte: 0, body: 0 }
  readonly #desk: Desk
  readonly #host: AttemptsHost
  readonly #idleTimeout: number
  readonly #maxBytes: number
  /** What goes over the wire, as hooks left it. */
  #wire: AttemptRequest
  #attempt = 0
  /** Of the attempt that is under way. */
  #hangup: Hangup | undefined
  #watch: AttemptWatch | undefined
  /** Attempts beside it, where such are wanted and do no harm. */
  readonly #hedges: Hedges | undefined
  /** Rings when nothing comes any more. */
  #idle: Alarm | undefined
  /** How the last attempt ended. */
  #last: { readonly error: unknown; readonly status: number | undefined } = { error: undefined, status: undefined }

  constructor(request: WireRequest, desk: Desk, host: AttemptsHost) {
    this.#wire = request
    this.#desk = desk
    this.#host = host
    this.#idleTimeout = request.limits.idleTimeout
    this.#maxBytes = request.limits.maxResponseSize
    this.#hedges = hedgesOf(desk.hedging, request, request.host, hangup => this.#besides(hangup))
  }

  get wire(): AttemptRequest {
    return this.#wire
  }

  /** A hook has changed the request. */
  rewire(request: Request): void {
    this.#wire = rewired(this.#wire, request)
  }

  start(attempt: number): void {
    const hangup = new Hangup()
    this.#attempt = attempt
    this.#hangup = hangup
    this.#watch = this.#watchOf(attempt)
    // First, for an abort from within the transport ends them, too.
    this.#hedges?.begin()
    void this.#run(attempt, hangup, this.#watch)
  }

  /** How it ended, for those who are asked before the next. */
  ended(error: unknown, status: number | undefined): void {
    this.#last = { error, status }
  }

  /** Breaks off the attempt under way, if there is one. */
  breakOff(why: string): void {
    this.#settled()?.abort(new DOMException(why, 'AbortError'))
  }

  /** The same, for it has taken too long. */
  giveUp(why: string): void {
    this.ended(new DOMException(why, 'TimeoutError'), undefined)
    this.breakOff(why)
  }

  async #run(attempt: number, hangup: Hangup, watch: AttemptWatch): Promise<void> {
    if (attempt > 1 && this.#desk.hooks.beforeRetry.length > 0) {
      const answer = await this.#asked(attempt)
      if (!this.#isCurrent(attempt)) return
      if (answer !== undefined) {
        this.#settled()
        this.#host.answered(attempt, answer, watch.times, undefined)
        return
      }
    }
    const conditional = this.#conditional()
    let record: StoredResponse
    try {
      record = await performAttempt(this.#desk.transport, conditional ?? this.#wire, hangup, watch, this.#desk.redirects)
    } catch (error) {
      if (!this.#isCurrent(attempt)) return
      this.#settled()
      this.#host.failed(attempt, error)
      return
    }
    if (!this.#isCurrent(attempt)) return
    if (!isTransient(record.status)) this.#hedges?.answered()
    this.#settled()
    this.#host.answered(attempt, record, watch.times, conditional?.former)
  }

  /** The same request again, beside the attempt that runs. The first good answer of them is the answer. */
  async #besides(hangup: Hangup): Promise<void> {
    const attempt = this.#attempt
    const { transport, redirects, maxCompressionRatio: maxRatio, counts } = this.#desk
    const conditional = this.#conditional()
    const watch = new AttemptWatch(this.#desk, { maxBytes: this.#maxBytes, maxRatio, moved: () => undefined, started: undefined })
    counts.sent += 1
    try {
      const record = await performAttempt(transport, conditional ?? this.#wire, hangup, watch, redirects)
      if (!this.#isCurrent(attempt) || hangup.aborted) return
      if (isTransient(record.status)) {
        this.#host.heed(record)
        return
      }
      this.#hedges?.end(hangup)
      this.breakOff('another attempt was faster')
      this.#host.answered(attempt, record, watch.times, conditional?.former)
    } catch {
      // Whatever it is, the attempt beside it goes on.
    }
  }

  /** Lets hooks change the attempt; one may answer it. */
  async #asked(attempt: number): Promise<StoredResponse | undefined> {
    try {
      const changed = await ask(this.#desk.hooks.beforeRetry, shown(this.#wire), { attempt, ...this.#last })
      if (changed.response !== undefined) return await toRecord(changed.response, this.#wire.url)
      this.rewire(changed.request)
    } catch (error) {
      if (!this.#isCurrent(attempt)) return undefined
      this.#settled()
      this.#host.refused(attempt, error)
    }
    return undefined
  }

  /** The request as it asks whether what the cache has is still right; `undefined` where it has nothing to ask about. */
  #conditional(): (AttemptRequest & { readonly former: StoredResponse }) | undefined {
    const { url, method, init } = this.#wire
    const former = this.#host.former()
    if (former === undefined || method !== 'GET') return undefined
    // Across origins a condition of ours costs a request to ask for leave, and what to ask by is hidden. The platform, which keeps answers,
    // too, needs neither.
    if (this.#desk.keeping.hidesCookies) return { url, method, init: { ...init, cache: 'no-cache' }, former }
    const conditions = conditionsOf(former.headers)
    if (conditions.length === 0) return undefined
    const headers = new Headers(init.headers)
    for (const [name, value] of conditions) headers.set(name, value)
    return { url, method, init: { ...init, headers }, former }
  }

  #watchOf(attempt: number): AttemptWatch {
    const tell = telling(this.watchers)
    const isTimed = this.#idleTimeout !== Number.POSITIVE_INFINITY
    const moved = (progress: DownloadProgress) => {
      if (isTimed) this.#listen(attempt)
      if (this.watchers.size > 0) tell(progress)
    }
    const started = isTimed ? () => this.#listen(attempt) : undefined
    return new AttemptWatch(this.#desk, { maxBytes: this.#maxBytes, maxRatio: this.#desk.maxCompressionRatio, moved, started })
  }

  /** From now on, something is to come within the idle timeout. */
  #listen(attempt: number): void {
    if (!this.#isCurrent(attempt)) return
    const { driver } = this.#desk
    this.#idle ??= new Alarm(() => this.#fellSilent(), { holds: true })
    driver.set(this.#idle, driver.now() + this.#idleTimeout)
  }

  #fellSilent(): void {
    const attempt = this.#attempt
    if (!this.#isCurrent(attempt)) return
    this.giveUp('nothing came any more')
    this.#host.fellSilent(attempt)
  }

  #isCurrent(attempt: number): boolean {
    return this.#hangup !== undefined && this.#attempt === attempt
  }

  /** None is under way any more; what it took is added up. */
  #settled(): Hangup | undefined {
    const hangup = this.#hangup
    this.#hangup = undefined
    this.#hedges?.end()
    this.#watch?.addTo(this.laps)
    this.#watch = undefined
    if (this.#idle !== undefined) this.#desk.driver.set(this.#idle, Number.POSITIVE_INFINITY)
    return hangup
  }
}
