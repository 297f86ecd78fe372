/** Results kept in a cache. */

import { createCache } from '../cache/cache.ts'
import type { GetOrSetOptions } from '../cache/loading-types.ts'
import type { CacheOptions } from '../cache/types.ts'
import { InvalidArgumentError } from '../errors.ts'
import { type Method, nameOf } from './method.ts'

/** The part of a `Cache`, of whatever values, that {@link cached} uses. */
export interface ResultCache {
  getOrSet(key: string, loader: () => Promise<never>, options?: Omit<GetOrSetOptions, 'signal'>): Promise<unknown>
}

/** Options of {@link cached}: those of a cache of its own. */
export interface OwnCacheOptions extends Omit<CacheOptions<unknown>, 'dispose' | 'sizeCalculation'> {
  cache?: undefined
  /** The key of a call. Default: the name, the arguments as JSON, and for methods which object it is. */
  key?: (...args: never) => string
}

/** Options of {@link cached}: a cache of yours, and how results are kept in it. */
export interface SharedCacheOptions extends Omit<GetOrSetOptions, 'signal' | 'size'> {
  cache: ResultCache
  /** The key of a call. */
  key: (...args: never) => string
}

/**
 * Answers calls of an asynchronous method, or, as a plain wrapper, of a function, from a cache; calls at the same time
 * share one. The cache is one of its own, made of these options, or `cache`, which needs a `key`. A result of `undefined`
 * is not kept, unless `negativeTtl` is set, and a failure never is.
 *
 * ```ts
 * class Users {
 *   \@cached({ ttl: '5m', swr: '1h' }) async load(id: number) { … }
 * }
 * const load = cached({ cache, key: (id: number) => `user:${id}`, ttl: '1m' })(fetchUser)
 * ```
 */
export function cached(options: OwnCacheOptions | SharedCacheOptions = {}) {
  const { cache, key, ...rest } = options
  if (key !== undefined && typeof key !== 'function') throw new InvalidArgumentError('key', 'a function', key)
  if (cache !== undefined && key === undefined) throw new InvalidArgumentError('key', 'given where cache is given', key)
  const results = cache ?? createCache<never>(rest as CacheOptions<never>)
  const load = cache === undefined ? undefined : (rest as Omit<GetOrSetOptions, 'signal'>)
  return <This, A extends unknown[], T>(
    fn: Method<This, A, Promise<T>>,
    context?: ClassMethodDecoratorContext,
  ): Method<This, A, Promise<T>> => {
    const name = nameOf(fn, context)
    const numbers = new ObjectNumbers()
    const keyOf = key as ((...args: A) => string) | undefined
    return function (...args) {
      const own = keyOf === undefined ? `${name}${numbers.of(this)}:${JSON.stringify(args)}` : keyOf(...args)
      return results.getOrSet(own, () => fn.apply(this, args) as Promise<never>, load) as Promise<T>
    }
  }
}

/** Which object a method was called on, in a word. */
class ObjectNumbers {
  readonly #numbers = new WeakMap<object, number>()
  #last = 0

  of(value: unknown): string {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return ''
    let number = this.#numbers.get(value)
    if (number === undefined) {
      this.#last += 1
      number = this.#last
      this.#numbers.set(value, number)
    }
    return `#${number}`
  }
}
