/** An origin on a clock of its own making: connects, answers and breaks off as chance will, and knows how many are there at once. */

import type { Transport, TransportProgress } from '../../../js/http/types.ts'
import type { ManualClock } from '../../../js/testing/manual-clock.ts'
import type { Seeded } from './random.ts'

/** Where an attempt is. */
export type Stage = 'connect' | 'head' | 'body' | 'over'

/** One call of the transport. */
export class Attempt {
  readonly url: string
  readonly host: string
  stage: Stage = 'connect'
  /** Its client does not want it any more. */
  isAborted = false
  /** "Not now" is known at the head; what a stream gets of it is handed over without a place where no time is left for another attempt. */
  isRefused = false

  constructor(url: string) {
    this.url = url
    this.host = new URL(url).host
  }

  get isLive(): boolean {
    return this.stage !== 'over' && !this.isAborted
  }
}

/** See the top of this file. */
export class FakeOrigin {
  readonly attempts = new Set<Attempt>()
  /** Of one host and of all, at most so many at once; more is a place that was given twice. */
  limits = { all: 0, perHost: 0 }
  /** What should not have been. Thrown, it would be a failure of an attempt. */
  readonly wrong: string[] = []
  /** Called as soon as an attempt begins, within the call of the transport. */
  begun: (attempt: Attempt) => void = () => undefined
  /** While so, every attempt waits for {@link FakeOrigin.release}. */
  isHolding = false
  #held: (() => void)[] = []
  readonly #clock: ManualClock
  readonly #random: Seeded

  constructor(clock: ManualClock, random: Seeded) {
    this.#clock = clock
    this.#random = random
  }

  readonly transport: Transport = (url, init, progress) => {
    const attempt = new Attempt(url)
    this.attempts.add(attempt)
    this.#count(attempt)
    const signal = init.signal as AbortSignal
    if (signal.aborted) this.wrong.push('an attempt began that was aborted already')
    signal.addEventListener('abort', () => {
      attempt.isAborted = true
    })
    this.begun(attempt)
    if (signal.aborted) {
      this.attempts.delete(attempt)
      return Promise.reject(signal.reason)
    }
    return this.#answer(attempt, signal, progress)
  }

  live(url?: string): Attempt[] {
    return [...this.attempts].filter(attempt => attempt.isLive && (url === undefined || attempt.url === url))
  }

  release(): void {
    this.isHolding = false
    for (const go of this.#held.splice(0)) go()
  }

  #count({ host }: Attempt): void {
    const live = this.live().filter(({ isRefused }) => !isRefused)
    const there = live.filter(other => other.host === host)
    if (live.length > this.limits.all || there.length > this.limits.perHost)
      this.wrong.push(`${live.length} attempts at once, ${there.length} of them at ${host}`)
  }

  #answer(attempt: Attempt, signal: AbortSignal, progress: TransportProgress): Promise<Response> {
    // Some transports take no notice of a signal, and answer whom nobody waits for.
    const isDeaf = this.#random.below(10) === 0
    return new Promise((resolve, reject) => {
      let breakOff = reject
      const over = () => {
        attempt.stage = 'over'
        this.attempts.delete(attempt)
      }
      const lead = (sink: (reason: unknown) => void) => {
        breakOff = sink
      }
      signal.addEventListener('abort', () => {
        if (isDeaf) return
        over()
        breakOff(signal.reason)
      })
      const fail = () => {
        over()
        breakOff(new TypeError('reset'))
      }
      const body = () => this.#body(attempt, lead, over, fail)
      const head = () => this.#step(attempt, 'body', () => (this.#random.below(8) === 0 ? fail() : resolve(this.#response(attempt, body))))
      this.#step(attempt, 'head', () => {
        progress.connected()
        if (this.#random.below(10) === 0) fail()
        else head()
      })
    })
  }

  /** Later, unless it is over by then. */
  #step(attempt: Attempt, stage: Stage, then: () => void): void {
    const step = () =>
      this.#clock.timer(this.#clock.monotonic() + this.#random.below(12), () => {
        if (attempt.stage === 'over') return
        attempt.stage = stage
        then()
      })
    if (this.isHolding) this.#held.push(step)
    else step()
  }

  #response(attempt: Attempt, body: () => ReadableStream<Uint8Array>): Response {
    attempt.isRefused = this.#random.below(6) === 0
    const status = attempt.isRefused ? 503 : this.#random.below(12) === 0 ? 204 : 200
    const headers = { 'cache-control': this.#random.below(3) === 0 ? 'no-store' : 'max-age=1' }
    if (status === 204) body().cancel()
    return new Response(status === 204 ? null : body(), { status, headers })
  }

  #body(attempt: Attempt, lead: (sink: (reason: unknown) => void) => void, over: () => void, fail: () => void): ReadableStream<Uint8Array> {
    let pieces = this.#random.below(4)
    const start = (controller: ReadableStreamDefaultController<Uint8Array>) => {
      lead(reason => controller.error(reason))
      const more = () =>
        this.#step(attempt, 'body', () => {
          pieces -= 1
          if (pieces >= 0) {
            controller.enqueue(new Uint8Array(10))
            more()
          } else if (this.#random.below(6) === 0) fail()
          else {
            over()
            controller.close()
          }
        })
      more()
    }
    return new ReadableStream({ start, cancel: over })
  }
}
