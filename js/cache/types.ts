/** The public types of the caches with tiers and loaders. */

import type { Duration } from '../options.ts'
import type { Bus } from '../stores/bus.ts'
import type { Persist, Store, TierStats } from '../stores/tier.ts'
import type { CircuitState } from './circuit.ts'
import type { GetOrSetOptions, LoadingOptions, StaleOptions } from './loading-types.ts'
import type {
  EntryEvents,
  MemoryCacheOptions,
  MemoryCacheStats,
  MissReason,
  NamespaceOptions,
  SetOptions,
  ValidatedEntry,
} from './memory-types.ts'
import type { TierMode, TierOptions } from './tier-options.ts'

/** Options of {@link createCache}: those of its memory, and where else it keeps values. */
export interface CacheOptions<V> extends Omit<MemoryCacheOptions<string, V>, 'validate'>, LoadingOptions {
  /**
   * Asked before a fresh entry is given to a reader, from memory or a tier, for sources that change without saying so:
   * `validate: async ({ key, version }) => (await stat(key)).mtimeMs === version`. False gives the entry up, there and in
   * the tiers, and the read goes on without it; a throw rejects the read, and the entry stays. `cache.memory`, which cannot
   * wait, has such an entry only within `validateInterval` of an answer. Default: nothing is asked.
   */
  validate?(entry: ValidatedEntry<string, V>): boolean | Promise<boolean>
  /**
   * How long memory keeps an entry whose time is not over yet: after that the tiers are asked, and what they have comes up again. For a store that others write
   * to without saying so. In a cache without a store it is a shorter `ttl`. Default: as long as the entry lives.
   */
  memoryTtl?: Duration
  /** A store below memory, such as `indexedDB({ name: 'app' })`; the same as `tiers: [store]`. */
  store?: Store | TierOptions
  /**
   * Stores below memory, the nearest first: `tiers: [indexedDB({ name: 'app' }), { store: shared, ttl: '1h', mode: 'write-behind' }]`.
   * What is found below is given to those above, with the time that is left of it.
   */
  tiers?: readonly (Store | TierOptions)[]
  /**
   * Tells other processes what changes here, and forgets here what they have changed: `redisBus({ url })`. Of `tiers` the last
   * one is shared with them, those above it forget, too. Default: none.
   */
  bus?: Bus
  /**
   * When a write counts as done: in memory and queued, taken by the store, or synced. With several tiers, `'stored'` and `'durable'`
   * wait for all that are written through, or for the nearest where none is; deletions and invalidations wait for all. They
   * reject when one of these cannot; `'memory'` does not, for a tier's sake. Default: `'memory'`.
   */
  persist?: Persist
  /**
   * The version of what is stored, such as that of your program: `buster: 'v2'`. A stored value of another version, or of none, is a
   * miss, and is deleted. Default: none.
   */
  buster?: string | number
  /**
   * With `'eager'`, what was stored last is brought up into memory at the start, as far as there is room, see `cache.hydrate`; for the
   * stores in IndexedDB and files. With `'lazy'` only the directory of keys is read, and a value when it is asked for. Default: `'lazy'`.
   */
  hydrate?: 'lazy' | 'eager'
  /**
   * Keeps what is in the cache apart from what its users hold: `'clone'` copies a value on its way in and out (as
   * `structuredClone` does), `'freeze'` freezes it, with all it holds in properties, on its way in. Default: false.
   */
  isolate?: false | 'clone' | 'freeze'
  /** The name under which it reports; caches of one name add up. Default: `'cache'`. */
  name?: string
}

/** Options of a namespace of a cache. What is left out is as in the cache around it, but for the limits, of which it then has none of its own. */
export interface CacheNamespaceOptions<V>
  extends Omit<NamespaceOptions<string, V>, 'validate'>,
    LoadingOptions,
    Pick<CacheOptions<V>, 'persist' | 'isolate' | 'memoryTtl' | 'validate'> {}

/**
 * Options of a single write to a cache with tiers. `tags` and `dependsOn` are kept in the tiers, too. An entry also goes
 * with the tags of what it depends on, as far as that is in memory when it is set.
 */
export interface CacheSetOptions extends Pick<SetOptions, 'ttl' | 'size' | 'tags' | 'dependsOn' | 'version'>, StaleOptions {
  /**
   * The `validate` of this entry while it is in memory, and in `getOrSet` also of what a tier has. Without a `version`
   * it is told the etag that the loader gave. Default: that of the cache.
   */
  validate?(entry: ValidatedEntry<string, unknown>): boolean | Promise<boolean>
  /** When this write counts as done. Default: the `persist` of the cache. */
  persist?: Persist
  /** Does not keep the value in memory, for one that is large and seldom read; an older one there goes. Default: false. */
  skipMemoryWrite?: boolean
  /** Does not keep the value in the tiers; an older one there is deleted, so that it cannot come back. Default: false. */
  skipTierWrite?: boolean
}

/** Options of a deletion. */
export interface DeleteOptions {
  /** When it counts as done. Default: the `persist` of the cache. */
  persist?: Persist
  /** Leaves the tiers as they are: the key is gone from memory, and the next read brings up what they have. Default: false. */
  skipTierWrite?: boolean
}

/** What a read passes by. */
export interface SkipReadOptions {
  /** Looks as if memory had nothing, not even something stale. What a tier has comes up all the same. Default: false. */
  skipMemoryRead?: boolean
  /** Does not look below memory. Default: false. */
  skipTierRead?: boolean
}

/** Options of an invalidation. */
export interface InvalidateOptions {
  /**
   * What becomes of the entries: with `'expire'` they are stale, for those who take them so (`staleWhileRevalidate`,
   * `staleIfError`), and what depends on them is gone. Default: `'delete'`.
   */
  mode?: 'delete' | 'expire'
  /** When it counts as done. It holds at once in any case; this is about restarts. Default: the `persist` of the cache. */
  persist?: Persist
}

/** Options of a single read. */
export interface CacheGetOptions {
  /** Gives up waiting; others who wait for the same key are not disturbed. */
  signal?: AbortSignal | undefined
}

/** Options of a single `get`. */
export interface CacheReadOptions extends CacheGetOptions, SkipReadOptions {
  /** Does not bring up into memory what a tier has. Default: false. */
  skipMemoryWrite?: boolean
  /** Takes an entry past its time to live, as long as the cache keeps it for `staleWhileRevalidate` or `staleIfError`. Default: false. */
  allowStale?: boolean
}

/** How arguments become a key. */
export interface WrapOptions<A extends readonly unknown[]> extends Omit<GetOrSetOptions, 'signal'> {
  /** Default: the function's name and its arguments as JSON. */
  key?: (...args: A) => string
}

/** What `on` of a cache tells of. Entries come and leave in memory; what tiers do by themselves is not told. */
export interface CacheEvents<V> extends EntryEvents<string, V> {
  /** A read was answered at once, by memory or by a tier. While somebody listens, reads cost more. */
  hit: { key: string; value: V }
  /** Neither had it. */
  miss: { key: string; reason: MissReason }
  /** A caller was given a value past its time: while it is loaded anew, because that failed, or because it takes too long. */
  stale: { key: string; value: V; reason: 'revalidate' | 'error' | 'timeout' }
  /** A loader is called. */
  loadStart: { key: string; inBackground: boolean }
  /** It answered, after so many milliseconds; `undefined` when there is nothing. */
  loadEnd: { key: string; ms: number; value: V | undefined }
  /** It failed, or its time was up. */
  loadError: { key: string; ms: number; error: unknown }
  /** A tier has not taken a value, or the removal of one, and no caller hears of it. What tiers count is in `stats().tiers`. */
  tierError: { key: string; error: unknown }
  /** A tier is left alone from now on: after failures and timeouts in a row, see {@link TierOptions.circuitBreaker}, or since its medium cannot be used. */
  tierDown: { tier: string; error: unknown }
  /** It is back, and has been told of so many changes, keys and invalidations, that it had missed; others may follow. */
  tierUp: { tier: string; repaired: number }
  /**
   * The cache is closed, and a tier could not be told of so many changes, keys and invalidations: it may have something older of them. With `isKept` they lie in a
   * nearer tier, and it is told when a cache with these tiers is made again; else it serves that up to its time to live there.
   */
  tierUntold: { tier: string; missed: number; isKept: boolean }
}

/** How long something took: milliseconds, percentiles within 6 %. */
export interface LatencySummary {
  count: number
  mean: number
  p50: number
  p95: number
  p99: number
  max: number
}

/** What a cache can say of itself. All counts are since creation. */
export interface CacheStats {
  /** Reads answered at once by memory or by a tier, with something fresh, or with something stale that was good enough. */
  hits: number
  /** Reads answered by neither. */
  misses: number
  /** The same, by what memory knew of why it did not have the key; see there. */
  missesByReason: Record<MissReason, number>
  /** Hits as a share of all reads, 0 to 1; 0 before the first read. */
  hitRate: number
  /** Those of the hits that were stale. */
  staleHits: number
  /** Those of the hits that said that there is nothing, see `negativeTtl`. */
  negativeHits: number
  /** Reads that were given something stale after their load had failed. */
  staleAfterError: number
  /** Reads that were given something stale after their `softTimeout`. */
  staleAfterTimeout: number
  /** Loaders that were called. */
  loads: number
  /** Those of the loads that nobody waited for. */
  refreshes: number
  /** Those of the loads that failed. */
  loadErrors: number
  /** Those of the failures that were by `hardTimeout`. */
  timeouts: number
  /** How long a value past its `ttl` may be given while it is loaded anew, in milliseconds, unless a call says otherwise. */
  staleWhileRevalidate: number
  /** Whether values that are read are loaded anew before their time is over, unless a call says otherwise. */
  refreshesAhead: boolean
  /** How long loaders took, those that failed included. */
  loadLatency: LatencySummary
  /** Loads that were not begun because one of the key had failed within `errorBackoff`. */
  backedOff: number
  /** Calls of `getOrSet` that waited for the load of another call. */
  coalesced: number
  /** Loaded values that were not kept, because the key was set or deleted meanwhile. */
  discarded: number
  /** What memory alone can say of itself. */
  memory: MemoryCacheStats
  /** The tiers, nearest first. */
  tiers: CacheTierStats[]
}

/** What a cache can say of one of its tiers: what the tier counts, and how it gets on with it. */
export interface CacheTierStats extends TierStats {
  readonly mode: TierMode
  /** Whether the tier is left alone: `'open'`; or tried again: `'half-open'`. */
  readonly circuit: CircuitState
  /** Keys that were not read from it, and changes that it was not told of, because it was left alone or had to be told of changes first. */
  readonly bypassed: number
  /** Keys of reads and writes that took longer than `timeout`. */
  readonly timeouts: number
  /** Calls that failed or timed out for reasons of the tier. */
  readonly failures: number
  /** Changes that it has not been told of yet; what it holds of them is not read. */
  readonly missed: number
  /** Changes that it was told of later. */
  readonly repaired: number
  /** Entries that were none, since they have another `buster`. */
  readonly outdated: number
}
