/** The public types of loading: what callers ask for, and what loaders are told. */

import type { Duration } from '../options.ts'
import type { CacheGetOptions, CacheSetOptions, SkipReadOptions } from './types.ts'

/** For how long an entry is of use after its time to live. */
export interface StaleOptions {
  /** For so long a stale value is given at once, while one load refreshes it in the background. Default: 0. */
  staleWhileRevalidate?: Duration
  /** Another name for `staleWhileRevalidate`. */
  swr?: Duration
  /** For so long a stale value is given when loading a new one fails. Default: 0. */
  staleIfError?: Duration
  /** Sets both `staleWhileRevalidate` and `staleIfError`, where they are not given themselves. */
  grace?: Duration
}

/** How a cache goes about loading. Each may be given for the cache and for a call. */
export interface LoadingOptions extends StaleOptions {
  /**
   * After a failed load, and as long as the stale value may be given, no other load of the key is begun for so long: the
   * stale value answers. Where nothing stale is there, every call tries again, since an error is never kept. Default: 10 s.
   */
  errorBackoff?: Duration
  /**
   * A read refreshes a fresh entry in the background when this share of its life is over (a number up to 1, such as
   * 0.8), or when only this duration is left. Default: 1, which is never.
   */
  refreshAhead?: Duration
  /** After so long a caller takes the stale value, if there is one, and else waits on. The load goes on. Default: never. */
  softTimeout?: Duration
  /** After so long a load fails with `ERR_TIMEOUT` (phase `'loader'`), and the signal of the loader aborts. Default: never. */
  hardTimeout?: Duration
  /** For so long the cache remembers that a loader found nothing: `undefined`. Default: not at all. */
  negativeTtl?: Duration
}

/** Options of a single `getOrSet`. */
export interface GetOrSetOptions extends CacheSetOptions, CacheGetOptions, SkipReadOptions, LoadingOptions {
  /**
   * Calls the loader, whatever the cache has, and takes nothing stale. Such a call waits for no load that began
   * earlier, which may have read something older; later calls share it. Default: false.
   */
  forceFresh?: boolean
}

/** What a loader may change about what becomes of its value; each wins over what the caller gave. */
export interface LoadedOptions extends CacheSetOptions, Pick<LoadingOptions, 'negativeTtl'> {}

/** What a loader is told, and what it can say beside its value. */
export interface LoaderContext<V = unknown> {
  readonly key: string
  /** Aborts when nobody waits for the value any more, and at the hard timeout. */
  readonly signal: AbortSignal
  /** The value that the cache still has: a stale one, or what is refreshed ahead of its time. */
  readonly stale: V | undefined
  /** What {@link LoaderContext.modified} said of that value. */
  readonly etag: string | undefined
  readonly lastModified: string | undefined
  /** Changes how the value is kept: `ctx.setOptions({ ttl: '1m' })`. Later calls add to earlier ones. */
  readonly setOptions: (options: LoadedOptions) => void
  /** Adds tags to those that the caller gave: `ctx.setTags([`team:${user.team}`])`. */
  readonly setTags: (tags: readonly string[]) => void
  /** Keeps nothing, and leaves what the cache has: `return ctx.skip()`. The callers get `undefined`. */
  readonly skip: () => undefined
  /** Fails the load, as a throw does: `return ctx.fail('no answer')`. A text becomes an `Error`. */
  readonly fail: (error: unknown) => never
  /** The stale value is still right, and begins a new life: `return ctx.notModified()`. Throws where nothing is stale. */
  readonly notModified: () => V
  /** The new value and what to compare it by the next time: `return ctx.modified(user, { etag })`. */
  readonly modified: (value: V, validators?: Validators) => V
}

/** What tells one version of a value from another. */
export interface Validators {
  /** As the header `ETag` has it, quotes included. */
  etag?: string | undefined
  /** As the header `Last-Modified` has it. */
  lastModified?: string | undefined
}

/** Makes the value of a key that is not in the cache. `undefined` means that there is none; what was there is removed then. */
export type Loader<V> = (context: LoaderContext<V>) => V | undefined | Promise<V | undefined>

/** A {@link Loader} that always finds something. */
export type SureLoader<V> = (context: LoaderContext<V>) => V | Promise<V>

/** What a loader of many keys is told. */
export interface LoadManyContext<V = unknown> {
  /** Aborts when nobody waits for any of the values any more, and at the hard timeout. */
  readonly signal: AbortSignal
  /** The stale values that the cache still has, by key. */
  readonly stale: ReadonlyMap<string, V>
}

/**
 * What a loader of many keys answers: a `Map` by key, an array in the order of the keys, or an object with own
 * properties. A missing value or `undefined` means that there is none; an `Error` means that this key failed.
 */
export type LoadedMany<V> =
  | ReadonlyMap<string, V | Error | undefined>
  | readonly (V | Error | undefined)[]
  | Readonly<Record<string, V | Error | undefined>>

/** Makes the values of many keys in one call. A throw means that all of them failed. */
export type ManyLoader<V> = (keys: string[], context: LoadManyContext<V>) => LoadedMany<V> | Promise<LoadedMany<V>>

/** Options of `prefetch`. */
export interface PrefetchOptions extends Omit<GetOrSetOptions, 'forceFresh'> {
  /** How many loads run at the same time. Default: 4. */
  concurrency?: number
}

/** What became of a `prefetch`. */
export interface PrefetchResult {
  /** Keys that have a value now, those included that had one before. */
  readonly ready: number
  /** Keys for which the loader found nothing. */
  readonly empty: number
  /** Why the others failed. */
  readonly failed: ReadonlyMap<string, unknown>
}
