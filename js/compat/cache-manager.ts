/** cache-manager's names over a cache of ours, for programs written for cache-manager 7. */

import type { Cache } from '../cache/cache.ts'
import type { LoaderContext } from '../cache/loading-types.ts'
import type { Clock } from '../clock.ts'

/** What `fromCache` needs of a cache. */
export type CacheToManage<V> = Pick<
  Cache<V>,
  'get' | 'getMany' | 'set' | 'delete' | 'deleteMany' | 'clear' | 'getOrSet' | 'refresh' | 'memory'
>

/** A number, or what a value says. */
export type OfValue<T> = number | ((value: T) => number)

/** Options of {@link fromCache}. */
export interface ManagedOptions {
  /** How long values live, in ms, where a call does not say; 0 means for ever. Default: the `ttl` of the cache. */
  ttl?: number
  /** A value that lives no longer than this, in ms, is made anew in the background when `wrap` finds it. Default: never. */
  refreshThreshold?: OfValue<never>
  /** The clock of the cache, for the times of day that `ttl` tells. Default: `Date`. */
  clock?: Clock
}

/** Options of one `wrap`. */
export interface ManagedWrapOptions<T> {
  ttl?: OfValue<T>
  refreshThreshold?: OfValue<T>
}

/** A value and the time of day, in ms, at which it expires. */
export interface RawValue<T> {
  value: T
  expires?: number
}

/** An entry of `mset`. */
export interface ManagedEntry<T> {
  key: string
  value: T
  ttl?: number
}

/** A cache by the names of cache-manager. Every duration is in milliseconds; 0 means for ever. */
export interface ManagedCache {
  /** The value of `key`, or `undefined`. */
  get<T>(key: string): Promise<T | undefined>
  /** The values of `keys`, in their order. */
  mget<T>(keys: string[]): Promise<(T | undefined)[]>
  /** Stores a value and gives it back; `undefined` deletes. */
  set<T>(key: string, value: T, ttl?: number): Promise<T>
  /** Stores every entry and gives them back. */
  mset<T>(list: ManagedEntry<T>[]): Promise<ManagedEntry<T>[]>
  /** Removes `key`; true, also when it was not there. */
  del(key: string): Promise<boolean>
  /** Removes every key. */
  mdel(keys: string[]): Promise<boolean>
  /** Removes everything. */
  clear(): Promise<boolean>
  /** The time of day, in ms, at which `key` expires; `undefined` when it does not, or is not there. */
  ttl(key: string): Promise<number | undefined>
  /** The value of `key`, or what `fnc` makes, once for all who ask. */
  wrap<T>(key: string, fnc: () => T | Promise<T>, ttl?: OfValue<T>, refreshThreshold?: OfValue<T>): Promise<T>
  wrap<T>(key: string, fnc: () => T | Promise<T>, options: ManagedWrapOptions<T> & { raw: true }): Promise<RawValue<T>>
  wrap<T>(key: string, fnc: () => T | Promise<T>, options: ManagedWrapOptions<T>): Promise<T>
}

/**
 * `cache` by the names of cache-manager: `get set del mget mset mdel clear wrap ttl`.
 *
 * ```ts
 * const manager = fromCache(createCache({ max: 10_000 }), { ttl: 60_000, refreshThreshold: 3000 })
 * await manager.wrap('user:1', () => load(1), 5000)
 * ```
 *
 * Rejects as the cache does; `wrap` also with whatever `fnc` throws.
 */
export function fromCache<V>(given: CacheToManage<V>, options: ManagedOptions = {}): ManagedCache {
  // As with cache-manager, each call says what type its value has.
  const cache = given as unknown as CacheToManage<unknown>
  const lifeOf = (ttl: OfValue<never> | undefined, value: unknown) => {
    const ms = amountOf(ttl, value) ?? options.ttl
    return ms === undefined ? {} : { ttl: ms || Number.POSITIVE_INFINITY }
  }
  const left = (key: string) => cache.memory.info(key)?.ttl ?? Number.POSITIVE_INFINITY
  const expiry = (key: string) => {
    const ms = left(key)
    return ms < Number.POSITIVE_INFINITY ? Math.ceil((options.clock?.wall() ?? Date.now()) + ms) : undefined
  }
  const set = async (key: string, value: unknown, ttl?: number) => {
    if (value === undefined) await cache.delete(key)
    else await cache.set(key, value, lifeOf(ttl, value))
    return value
  }
  const wrap = async (key: string, fnc: () => unknown, choices?: unknown, threshold?: OfValue<never>) => {
    const call = (typeof choices === 'object' ? choices : { ttl: choices, refreshThreshold: threshold }) as ManagedWrapOptions<never> & {
      raw?: true
    }
    let made = false
    const make = async ({ setOptions }: LoaderContext) => {
      made = true
      const value = await fnc()
      setOptions(lifeOf(call.ttl, value))
      return value
    }
    const value = await cache.getOrSet(key, make)
    if (!made && value !== undefined) {
      const limit = amountOf(call.refreshThreshold ?? options.refreshThreshold, value) ?? 0
      // Whoever found the value has it; that it could not be made anew shows when its time is over.
      if (left(key) < limit) cache.refresh(key, make).catch(() => {})
    }
    if (call.raw !== true) return value
    const expires = expiry(key)
    return expires === undefined ? { value } : { value, expires }
  }
  return {
    get: key => cache.get(key),
    mget: keys => cache.getMany(keys),
    set,
    mset: async (list: ManagedEntry<unknown>[]) => {
      await Promise.all(list.map(({ key, value, ttl }) => set(key, value, ttl)))
      return list
    },
    del: async key => {
      await cache.delete(key)
      return true
    },
    mdel: async keys => {
      await cache.deleteMany(keys)
      return true
    },
    clear: async () => {
      await cache.clear()
      return true
    },
    ttl: async key => ((await cache.get(key)) === undefined ? undefined : expiry(key)),
    wrap,
  } as ManagedCache
}

function amountOf(amount: OfValue<never> | undefined, value: unknown): number | undefined {
  return typeof amount === 'function' ? amount(value as never) : amount
}
