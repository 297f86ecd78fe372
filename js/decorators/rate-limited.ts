/** How often calls run. */

import { InvalidArgumentError } from '../errors.ts'
import { LimiterPerKey } from '../limits/per-key.ts'
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
  /** What calls share a limit of their own, such as the name of a host. Default: all share one. */
  key?: (...args: never) => string
}

/** Options of {@link rateLimited}: a limiter of yours. */
export interface SharedLimiterOptions extends CallOptions {
  limiter: Pick<RateLimiter, 'acquire'>
  key?: undefined
}

/**
 * Runs the calls of a method, or, as a plain wrapper, of a function no more often than the rate allows; the others wait in the
 * order in which they came. A call that would wait longer than `maxWait` is refused with `ERR_RATE_LIMITED`. All objects of a
 * class share the limit, which is one of its own, one for each `key`, or `limiter`.
 *
 * ```ts
 * class Api {
 *   \@rateLimited({ tokensPerInterval: 50, interval: '1s', burst: 10 }) async load(id: number) { … }
 * }
 * const send = rateLimited({ limiter, cost: (mails: Mail[]) => mails.length })(sendAll)
 * const get = rateLimited({ tokensPerInterval: 5, interval: '1s', key: (url: string) => new URL(url).host })(download)
 * ```
 */
export function rateLimited(options: OwnLimiterOptions | SharedLimiterOptions) {
  const { cost, signal, key, limiter = createRateLimiter(options as OwnLimiterOptions) } = options ?? ({} as SharedLimiterOptions)
  for (const [name, value] of Object.entries({ cost, signal, key }))
    if (value !== undefined && typeof value !== 'function') throw new InvalidArgumentError(name, 'a function', value)
  if (typeof limiter?.acquire !== 'function') throw new InvalidArgumentError('limiter', 'a limiter of createRateLimiter', limiter)
  if (key !== undefined && options.limiter !== undefined) throw new InvalidArgumentError('key', 'absent where limiter is given', key)
  const perKey = key === undefined ? undefined : new LimiterPerKey(options as OwnLimiterOptions)
  return <This, A extends unknown[], T>(
    fn: Method<This, A, T | Promise<T>>,
    context?: ClassMethodDecoratorContext,
  ): Method<This, A, Promise<T>> => {
    nameOf(fn, context)
    const costOf = cost as ((...args: A) => number) | undefined
    const signalOf = signal as ((...args: A) => AbortSignal | undefined) | undefined
    const keyOf = key as ((...args: A) => string) | undefined
    return async function (...args) {
      const own = keyOf === undefined ? limiter : perKey?.of(checkedKey(keyOf(...args)))
      await own?.acquire(costOf?.(...args), { signal: signalOf?.(...args) })
      return fn.apply(this, args)
    }
  }
}

/** Two objects are never the same key, so that each would have a limit of its own: none at all. */
function checkedKey(key: unknown): string {
  if (typeof key !== 'string') throw new InvalidArgumentError('key', 'a function that gives a string', key)
  return key
}
