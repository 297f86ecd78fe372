/** The attempts of one exchange: one at a time, each broken off when its time is over, its origin silent, or nobody waits any more. */

import { Alarm } from '../core/driver.ts'
import { type AttemptLaps, type AttemptRequest, AttemptWatch, performAttempt, telling } from './attempt.ts'
import { CurrentAttempt } from './current-attempt.ts'
import type { Desk } from './desk.ts'
import { isTransient } from './errors.ts'
import { Hangup } from './hangup.ts'
import { hedgesOf } from './hedging.ts'
import { type StoredResponse, toRecord } from './record.ts'
import type { WireRequest } from './request.ts'
import type { Times } from './rfc9111/freshness.ts'
import { conditionsOf } from './rfc9111/validation.ts'
import type { DownloadProgress } from './types.ts'
import { Wire } from './wire.ts'

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
  readonly #desk: Desk
  readonly #host: AttemptsHost
  readonly #idleTimeout: number
  readonly #maxBytes: number
  readonly #wire: Wire
  readonly #current: CurrentAttempt
  #attempt = 0
  /** Rings when nothing comes any more. */
  #idle: Alarm | undefined

  constructor(request: WireRequest, desk: Desk, host: AttemptsHost) {
    this.#wire = new Wire(request, desk.hooks)
    this.#desk = desk
    this.#host = host
    this.#idleTimeout = request.limits.idleTimeout
    this.#maxBytes = request.limits.maxResponseSize
    this.#current = new CurrentAttempt(hedgesOf(desk.hedging, request, request.host, hangup => this.#besides(hangup)))
  }

  /** What goes over the wire, as hooks left it. */
  get wire(): AttemptRequest {
    return this.#wire.request
  }

  /** Milliseconds in each part of all attempts. */
  get laps(): AttemptLaps {
    return this.#current.laps
  }

  /** A hook has changed the request. */
  rewire(request: Request): void {
    this.#wire.rewire(request)
  }

  start(attempt: number): void {
    const hangup = new Hangup()
    const watch = this.#watchOf(hangup)
    this.#attempt = attempt
    this.#current.begin(hangup, watch)
    void this.#run(attempt, hangup, watch)
  }

  /** How it ended, for those who are asked before the next. */
  ended(error: unknown, status: number | undefined): void {
    this.#wire.ended(error, status)
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
    if (this.#wire.isAsked(attempt)) {
      const answer = await this.#asked(attempt, hangup)
      if (!this.#current.is(hangup)) return
      if (answer !== undefined) {
        this.#settled()
        this.#host.answered(attempt, answer, watch.times, undefined)
        return
      }
    }
    const conditional = this.#conditional()
    let record: StoredResponse
    try {
      record = await performAttempt(this.#desk.transport, conditional ?? this.#wire.request, hangup, watch, this.#desk.redirects)
    } catch (error) {
      if (!this.#current.is(hangup)) return
      this.#settled()
      this.#host.failed(attempt, error)
      return
    }
    if (!this.#current.is(hangup)) return
    if (!isTransient(record.status)) this.#current.answered()
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
      const record = await performAttempt(transport, conditional ?? this.#wire.request, hangup, watch, redirects)
      // It is aborted with the attempt that it was to be faster than.
      if (hangup.aborted) return
      if (isTransient(record.status)) {
        this.#host.heed(record)
        return
      }
      this.#current.replace(hangup)
      this.#settled()
      this.#host.answered(attempt, record, watch.times, conditional?.former)
    } catch {
      // Whatever it is, the attempt beside it goes on.
    }
  }

  /** Lets hooks change the attempt; one may answer it. */
  async #asked(attempt: number, hangup: Hangup): Promise<StoredResponse | undefined> {
    try {
      const response = await this.#wire.ask(attempt, () => this.#current.is(hangup))
      return response && (await toRecord(response, this.#wire.request.url))
    } catch (error) {
      if (!this.#current.is(hangup)) return undefined
      this.#settled()
      this.#host.refused(attempt, error)
    }
    return undefined
  }

  /** The request as it asks whether what the cache has is still right; `undefined` where it has nothing to ask about. */
  #conditional(): (AttemptRequest & { readonly former: StoredResponse }) | undefined {
    const { url, method, init } = this.#wire.request
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

  #watchOf(hangup: Hangup): AttemptWatch {
    const tell = telling(this.watchers)
    const isTimed = this.#idleTimeout !== Number.POSITIVE_INFINITY
    const moved = (progress: DownloadProgress) => {
      if (isTimed) this.#listen(hangup)
      if (this.watchers.size > 0) tell(progress)
    }
    const started = isTimed ? () => this.#listen(hangup) : undefined
    return new AttemptWatch(this.#desk, { maxBytes: this.#maxBytes, maxRatio: this.#desk.maxCompressionRatio, moved, started })
  }

  /** From now on, something is to come within the idle timeout. */
  #listen(hangup: Hangup): void {
    if (!this.#current.is(hangup)) return
    const { driver } = this.#desk
    // It is taken back when the attempt is over.
    this.#idle ??= new Alarm(() => this.#fellSilent(), { holds: true })
    driver.set(this.#idle, driver.now() + this.#idleTimeout)
  }

  #fellSilent(): void {
    this.giveUp('nothing came any more')
    this.#host.fellSilent(this.#attempt)
  }

  /** None is under way any more. */
  #settled(): Hangup | undefined {
    const hangup = this.#current.end()
    if (this.#idle !== undefined) this.#desk.driver.set(this.#idle, Number.POSITIVE_INFINITY)
    return hangup
  }
}
