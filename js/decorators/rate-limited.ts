/** How often calls run. */

import { InvalidArgumentError } from '../errors.ts'
import { createRateLimiter } from '../limits/rate-limiter.ts'
import type { RateLimiter, RateLimiterOptions } from '../limits/types.ts'
import { type Method, nameOf } from './method.ts'

/** What both forms of options of {@link rateLimited} have. */
interface CallOptions {
  /** What a call costs, in tokens. Default: 1. */
  cost?: (...args: never) => number
  /** What ends the wait of a call: often one of its arguments. Default: nothing. */
  signal?: (...args: never) => AbortSignal | undefined
}

/** Options of {@link rateLimited}: those of a limiter of its own. */
export interface OwnLimiterOptions extends RateLimiterOptions, CallOptions {
  limiter?: undefined
}

/** Options of {@link rateLimited}: a limiter of yours. */
export interface SharedLimiterOptions extends CallOptions {
  limiter: Pick<RateLimiter, 'acquire'>
}

/**
 * Runs the calls of a method, or, as a plain wrapper, of a function no more often than the rate allows; the others wait in the
 * order in which they came. A call that would wait longer than `maxWait` is refused with `ERR_RATE_LIMITED`. All objects of a
 * class share the limit, which is one of its own, or `limiter`.
 *
 * ```ts
 * class Api {
 *   \@rateLimited({ tokensPerInterval: 50, interval: '1s', burst: 10 }) async load(id: number) { … }
 * }
 * const send = rateLimited({ limiter, cost: (mails: Mail[]) => mails.length })(sendAll)
 * ```
 */
export function rateLimited(options: OwnLimiterOptions | SharedLimiterOptions) {
  const { cost, signal, limiter = createRateLimiter(options as OwnLimiterOptions) } = options ?? ({} as SharedLimiterOptions)
  for (const [name, value] of Object.entries({ cost, signal }))
    if (value !== undefined && typeof value !== 'function') throw new InvalidArgumentError(name, 'a function', value)
  if (typeof limiter.acquire !== 'function') throw new InvalidArgumentError('limiter', 'a limiter of createRateLimiter', limiter)
  return <This, A extends unknown[], T>(
    fn: Method<This, A, T | Promise<T>>,
    context?: ClassMethodDecoratorContext,
  ): Method<This, A, Promise<T>> => {
    nameOf(fn, context)
    const costOf = cost as ((...args: A) => number) | undefined
    const signalOf = signal as ((...args: A) => AbortSignal | undefined) | undefined
    return async function (...args) {
      await limiter.acquire(costOf?.(...args), { signal: signalOf?.(...args) })
      return fn.apply(this, args)
    }
  }
}
