/** `createRateLimiter`: so many calls in so much time. */

import { type Abortable, AbortWatch } from '../abort-watch.ts'
import { type Driver, driverOf } from '../core/driver.ts'
import { type CallInLine, type LimiterConfig, LimiterCore } from '../core/limiter-core.ts'
import { ClosedError, InvalidArgumentError } from '../errors.ts'
import { clockOption, metricsOption, optionsObject, wholeNumber } from '../options.ts'
import { RateLimitedError } from './errors.ts'
import { LimiterReport } from './metrics.ts'
import { readRate } from './rate.ts'
import type { RateLimiter, RateLimiterOptions, RateLimiterStats } from './types.ts'

/** What the core can count. */
const MOST_CALLS = 2 ** 32 - 1

/**
 * A token bucket: it holds up to `burst` tokens and gets `tokensPerInterval` in each `interval`, evenly. A call takes
 * tokens, or waits for them in line. In any span of time `t` it lets through at most `burst + tokensPerInterval · t / interval`.
 *
 * ```ts
 * const limiter = createRateLimiter({ tokensPerInterval: 50, interval: '1s', burst: 10, maxWait: '5s' })
 * await limiter.acquire()
 * const answer = await fetch(url)
 * if (answer.status === 429) limiter.holdUntil(Date.now() + 1000 * (Number(answer.headers.get('retry-after')) || 1))
 * ```
 */
export function createRateLimiter(options: RateLimiterOptions): RateLimiter {
  return new BucketLimiter(options)
}

class BucketLimiter implements RateLimiter {
  readonly #config: LimiterConfig
  readonly #driver: Driver
  readonly #name: string
  readonly #counts = { admitted: 0, refused: 0, aborted: 0 }
  readonly #aborts = new AbortWatch()
  readonly #report: LimiterReport | undefined
  #made: LimiterCore | undefined
  #closed = false

  constructor(options: RateLimiterOptions) {
    const rate = readRate(options)
    const { name = 'default', maxQueue = 100_000, clock, metrics } = options
    if (typeof name !== 'string') throw new InvalidArgumentError('name', 'a string', name)
    this.#config = { ...rate, maxQueue: Math.min(wholeNumber(maxQueue, 'maxQueue', { min: 0, infinite: true }), MOST_CALLS) }
    this.#driver = driverOf(clockOption(clock))
    this.#name = name
    const registry = metricsOption(metrics)
    this.#report = registry && new LimiterReport(registry, name, () => this.stats())
  }

  async acquire(cost = 1, options?: { signal?: AbortSignal | undefined }): Promise<void> {
    const { signal } = optionsObject(options, 'options')
    this.#check(cost, signal)
    signal?.throwIfAborted()
    const since = this.#driver.now()
    const core = this.#core()
    return new Promise((resolve, reject) => {
      const call = new Call(signal, this.#aborts, {
        admitted: () => {
          this.#counts.admitted += 1
          this.#report?.waited(this.#driver.now() - since)
          resolve()
        },
        refused: (retryAfterMs, reason) => {
          this.#counts.refused += 1
          reject(new RateLimitedError(this.#name, reason, retryAfterMs))
        },
        left: reason => {
          core.cancel(call)
          this.#counts.aborted += 1
          reject(reason)
        },
      })
      const entry = core.admit(cost, call)
      if (entry === 'waiting') call.wait()
      else if (entry === 'admitted') call.admitted()
      else call.refused(entry.retryAfterMs, entry.reason)
    })
  }

  tryAcquire(cost = 1): boolean {
    this.#check(cost)
    const admitted = this.#core().take(cost) === 'admitted'
    this.#counts[admitted ? 'admitted' : 'refused'] += 1
    return admitted
  }

  holdUntil(at: number | Date): void {
    const wall = at instanceof Date ? at.getTime() : at
    if (typeof wall !== 'number' || Number.isNaN(wall)) throw new InvalidArgumentError('at', 'a date, or milliseconds since the epoch', at)
    if (this.#closed) throw new ClosedError('the rate limiter')
    this.#core().holdUntil(Math.max(0, wall - this.#driver.clock.wall() + this.#driver.now()))
  }

  stats(): RateLimiterStats {
    const { waiting = 0 } = this.#made ?? {}
    return { ...this.#counts, waiting, tokens: this.#closed ? 0 : this.#core().tokens() }
  }

  close(): void {
    if (this.#closed) return
    for (const call of this.#made?.close() ?? []) call.lost(new ClosedError('the rate limiter'))
    this.#closed = true
    this.#report?.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** Made at the first call: a decorator must not compile the core while modules are loaded. */
  #core(): LimiterCore {
    this.#made ??= new LimiterCore(this.#config, this.#driver)
    return this.#made
  }

  #check(cost: number, signal?: AbortSignal): void {
    const { burst } = this.#config
    if (this.#closed) throw new ClosedError('the rate limiter')
    if (!Number.isSafeInteger(cost) || cost < 1 || cost > burst)
      throw new InvalidArgumentError('cost', `a whole number from 1 to the burst of ${burst}`, cost)
    if (signal !== undefined && typeof signal?.throwIfAborted !== 'function')
      throw new InvalidArgumentError('signal', 'an AbortSignal', signal)
  }
}

interface Outcomes {
  admitted(): void
  refused(retryAfterMs: number, reason: RateLimitedError['reason']): void
  left(reason: unknown): void
}

/** One call, from the question to its one outcome. It listens to its signal while it waits. */
class Call implements CallInLine, Abortable {
  ticket = -1
  readonly #signal: AbortSignal | undefined
  readonly #aborts: AbortWatch
  readonly #outcomes: Outcomes

  constructor(signal: AbortSignal | undefined, aborts: AbortWatch, outcomes: Outcomes) {
    this.#signal = signal
    this.#aborts = aborts
    this.#outcomes = outcomes
  }

  wait(): void {
    if (this.#signal !== undefined) this.#aborts.add(this.#signal, this)
  }

  admitted(): void {
    this.#rest()
    this.#outcomes.admitted()
  }

  refused(retryAfterMs: number, reason: RateLimitedError['reason'] = 'wait'): void {
    this.#rest()
    this.#outcomes.refused(retryAfterMs, reason)
  }

  lost(error: Error): void {
    this.#rest()
    this.#outcomes.left(error)
  }

  aborted(reason: unknown): void {
    this.#rest()
    this.#outcomes.left(reason)
  }

  #rest(): void {
    if (this.#signal !== undefined) this.#aborts.remove(this.#signal, this)
  }
}
