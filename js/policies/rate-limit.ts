/** `rateLimit`: a rate limiter as a policy. */

import { InvalidArgumentError } from '../errors.ts'
import { LimiterPerKey } from '../limits/per-key.ts'
import { createRateLimiter } from '../limits/rate-limiter.ts'
import type { RateLimiter, RateLimiterOptions } from '../limits/types.ts'
import { optionsObject } from '../options.ts'
import type { Context } from './context.ts'
import { type Hurdle, Layered, type Next } from './layer.ts'
import type { Policy } from './types.ts'

/** Options of {@link rateLimit}, where it makes its own limiter. */
export interface RateLimitOptions extends RateLimiterOptions {
  /** Whether each `key` of `execute` has a limit of its own. Default: false. */
  perKey?: boolean
}

/**
 * Makes a policy that lets calls through no more often than a limiter does: one of `createRateLimiter`, or one of its own. A call takes one token.
 *
 * ```ts
 * const call = pipeline(retry(), rateLimit({ tokensPerInterval: 50, interval: '1s', maxWait: '2s' }))
 * ```
 */
export function rateLimit(limiter: Pick<RateLimiter, 'acquire'> | RateLimitOptions): Policy {
  return new Limited(limiter)
}

class Limited extends Layered {
  override readonly policy: string = 'rateLimit'
  readonly #of: (key: string) => Pick<RateLimiter, 'acquire'>

  constructor(given: Pick<RateLimiter, 'acquire'> | RateLimitOptions) {
    const isLimiter = typeof (given as Partial<RateLimiter> | undefined)?.acquire === 'function'
    const options = isLimiter ? {} : (optionsObject(given, 'options') as Partial<RateLimitOptions>)
    super(options.clock)
    const { perKey = false } = options
    if (typeof perKey !== 'boolean') throw new InvalidArgumentError('perKey', 'a boolean', perKey)
    const limiter = isLimiter ? (given as RateLimiter) : createRateLimiter(given as RateLimiterOptions)
    const limiters = perKey ? new LimiterPerKey(given as RateLimiterOptions) : undefined
    this.#of = key => limiters?.of(key) ?? limiter
  }

  explain(key: string): Hurdle | undefined {
    const stats = (this.#of(key) as Partial<RateLimiter>).stats?.()
    if (stats === undefined || (stats.tokens >= 1 && stats.waiting === 0)) return undefined
    return { policy: this.policy, effect: 'wait', reason: `no tokens are left, and ${stats.waiting} calls wait` }
  }

  run<T>(context: Context, next: Next<T>): Promise<T> {
    const { ended } = context
    if (ended !== undefined) return Promise.reject(ended.reason)
    const turn = this.#of(context.key).acquire(1, { signal: context.canEnd ? context.signal : undefined })
    return turn.then(
      () => next(context),
      error => {
        // Whoever tries again would know of each one that was refused.
        context.leave()
        throw error
      },
    )
  }
}
