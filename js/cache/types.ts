/** The public types of the caches. */

import type { Clock } from '../clock.ts'
import type { EvictionPolicy } from '../core/cache-core.ts'
import type { Registry } from '../metrics/registry.ts'
import type { Duration, Size } from '../options.ts'
import type { Bus } from '../stores/bus.ts'
import type { Persist, Store, TierStats } from '../stores/tier.ts'
import type { CircuitState } from './circuit.ts'
import type { GetOrSetOptions, LoadingOptions, StaleOptions } from './loading-types.ts'
import type { TierMode, TierOptions } from './tier-options.ts'

/** Why an entry left: its place was needed, it was overwritten, deleted, too old, given up, or larger than the cache may hold. */
export type DisposeReason = 'evict' | 'set' | 'delete' | 'expire' | 'invalidate' | 'oversize'

/**
 * Why a read found nothing: the key was never there, or so long ago that it is forgotten (`cold`); its time was over; its place was
 * needed; it was given up by tag, pattern, predicate or source; or it was deleted.
 */
export type MissReason = 'cold' | 'expired' | 'evicted' | 'invalidated' | 'deleted'

/** Options of {@link createMemoryCache}. */
export interface MemoryCacheOptions<K, V> {
  /** Most entries. Default: 10 000, or no limit of its own where `maxSize` is given. Never above 16 776 192, about what a `Map` holds. */
  max?: number
  /**
   * Which entry leaves when the room is needed: the one not used for longest (`'lru'`); by S3-FIFO (`'s3fifo'`); by W-TinyLFU with
   * a window that moves by itself (`'tinylfu'`); or by whichever of LRU and several kinds of W-TinyLFU has the most hits for
   * what this cache is used for (`'auto'`), at a few nanoseconds a use. Default: `'lru'`.
   */
  policy?: EvictionPolicy
  /** Fixes what the policy leaves to chance, a whole number, so that a run can be repeated; who knows it can aim at the policy. Default: secret. */
  seed?: number
  /** Most bytes of all entries together, or most units of `sizeCalculation`. Default: no limit. */
  maxSize?: Size
  /**
   * The size of an entry: a whole number, zero or more, in whatever unit `maxSize` means. Default with `maxSize`: an
   * estimate in bytes (two per string unit, `byteLength` of buffers, objects walked up to 1000 nodes).
   */
  sizeCalculation?: (value: V, key: K) => number
  /** The largest single entry, in the unit of `maxSize`; a larger one is refused. Default: `maxSize`. */
  maxEntrySize?: Size
  /**
   * How long an entry lives. Default: for ever. A reading of the machine's clock serves for many calls of one macrotask: code that goes
   * on for long without a pause, and reads seldom, may be given an entry whose time ended since its macrotask began.
   */
  ttl?: Duration
  /** No entry lives longer, whatever its own `ttl` says. Default: no limit. */
  maxTtl?: Duration
  /** An entry nobody reads for so long is past its time, even before its `ttl`. Default: never. */
  idleTtl?: Duration
  /** Shortens every life by a random part of this, so that what came in together does not end together. Default: 0. */
  jitter?: Duration
  /** How often, at most, expired entries that nobody asks for are cleared away. A read never serves them. Default: 1 s. */
  cleanupInterval?: Duration
  /** Numbers from 0 up to 1 for `jitter`. Default: `Math.random`. */
  random?: () => number
  /**
   * Asked before a fresh entry is given to a reader (`get`, `peek`, `has`), for sources that change without saying so:
   * `validate: ({ key, version }) => statSync(key).mtimeMs === version`. False gives the entry up, and the read is a
   * miss; a throw reaches the reader, and the entry stays. Default: nothing is asked.
   */
  validate?(entry: ValidatedEntry<K, V>): boolean
  /** For so long an entry that was found right is not asked about again. Default: 0, every read asks. */
  validateInterval?: Duration
  /**
   * Called after an entry has left, once the cache is consistent again; it may use the cache. What it throws, the call that made the
   * entry leave throws, after all have been told. Where a timer did, and always in a cache of `createCache`, whose calls have more to
   * do, it is reported: `process.on('warning')`, in browsers an `error` event.
   */
  dispose?: (value: V, key: K, reason: DisposeReason) => void
  /** The source of time. Default: the machine's. */
  clock?: Clock
  /** The name under which it reports; caches of one name add up. Default: `'memory'`. */
  name?: string
  /** Where to report hits, misses, entries and evictions. */
  metrics?: Registry
}

/** Options of a namespace of a memory cache. What is left out is as in the cache around it, but for the limits, of which it then has none of its own. */
export interface NamespaceOptions<K, V>
  extends Pick<
    MemoryCacheOptions<K, V>,
    'max' | 'maxSize' | 'maxEntrySize' | 'ttl' | 'maxTtl' | 'idleTtl' | 'jitter' | 'policy' | 'dispose' | 'validate' | 'validateInterval'
  > {}

/** Options of a single `set`. */
export interface SetOptions<K = string> {
  /** How long this entry lives. Default: the `ttl` of the cache. */
  ttl?: Duration
  /** How long after its `ttl` the entry may still be taken with `allowStale`. Default: 0. */
  staleFor?: Duration
  /** Names under which `invalidateTags` finds the entry. Default: none. */
  tags?: readonly string[] | undefined
  /**
   * Keys that the value was made from: when one of them is set, deleted or invalidated, the entry goes, too; when one
   * loses its place or its time is over, it stays. Default: none.
   */
  dependsOn?: readonly K[] | undefined
  /** The size of this entry, instead of what `sizeCalculation` says. */
  size?: number
  /** What tells this version of the value from others, such as the time its file was changed. It is given to `validate`. Default: none. */
  version?: Version | undefined
  /** The `validate` of this entry. Default: that of the cache. */
  validate?(entry: ValidatedEntry<K, unknown>): boolean
}

/** What tells one version of a value from another: a time, a count, an etag. */
export type Version = string | number

/** An entry about which `validate` is asked. */
export interface ValidatedEntry<K, V> {
  readonly key: K
  readonly value: V
  /** What it was set with. */
  readonly version: Version | undefined
}

/** Options of a single read of a memory cache. */
export interface GetOptions {
  /** Takes an entry past its time to live, within the `staleFor` it was set with. Default: false. */
  allowStale?: boolean
}

/** What is known of an entry; times are milliseconds from now. */
export interface EntryInfo<V> {
  value: V
  /** Whether its time to live is over. */
  stale: boolean
  /** How long it is fresh; `Infinity` for ever, 0 when it is stale. */
  ttl: number
  /** How long it may be taken stale, after that or from now on. */
  staleFor: number
  size: number
}

/** What a memory cache can say of itself. All counts are since creation. */
export interface MemoryCacheStats {
  entries: number
  /** The sum of sizes; 0 where sizes are not counted. */
  size: number
  max: number
  maxSize: number
  policy: EvictionPolicy
  /** How sizes come about: not at all, as an estimate in bytes, or by `sizeCalculation`. */
  sizeUnit: 'none' | 'estimated bytes' | 'calculated'
  hits: number
  /** Those of the hits that were past their time to live. */
  staleHits: number
  misses: number
  /**
   * The misses, why each. They add up. Exact for the first 1024 entries that leave; of later ones a few are remembered, in the end one in
   * 128, and count for all. Of keys that are objects, or have more than 256 characters, nothing is remembered: their misses are `cold`.
   */
  missesByReason: Record<MissReason, number>
  /** Hits as a share of all reads, 0 to 1; 0 before the first read. */
  hitRate: number
  sets: number
  deletes: number
  /** Entries whose place was needed. */
  evictions: number
  /**
   * Those that left for want of room by number (`max`), by size while there was room by number (`size`), for the limits that
   * a cache and its namespaces share or have of their own (`quota`), and because `trim` or a governor wanted memory back (`memory`).
   */
  evictionsByReason: { max: number; size: number; quota: number; memory: number }
  /** Entries whose time was over. */
  expirations: number
  /** Entries that left by tag, pattern, predicate or for what they depend on. */
  invalidations: number
  /** Entries refused because they are larger than `maxEntrySize` or `maxSize`. */
  oversized: number
  /** How often a trap in the core emptied this cache. */
  traps: number
}

/** An entry as `dump` gives it and `load` takes it; plain data, as far as key and value are. Those of lru-cache can be loaded, too. */
export interface DumpedEntry<K, V> {
  value: V
  /** How long it was fresh from `start` on, in milliseconds; below zero, it was stale for so long. Left out: for ever. */
  ttl?: number
  /** When that was, in milliseconds since 1970. What passes until it is loaded counts. Default: now. */
  start?: number
  staleFor?: number
  /** Left out where sizes are not counted. */
  size?: number
  tags?: readonly string[]
  dependsOn?: readonly K[]
  /** What it was set with, where `validate` is asked about it. The hook of a single entry cannot be dumped. */
  version?: Version
}

/** What caches tell of entries that come and leave. The value of an entry that has left is the one that it had. */
export interface EntryEvents<K, V> {
  /** A value was stored, perhaps in place of another. */
  set: { key: K; value: V }
  delete: { key: K; value: V }
  evict: { key: K; value: V }
  expire: { key: K; value: V }
  invalidate: { key: K; value: V }
  /** A value was refused because it is larger than the cache may hold; what its key had before is gone. */
  oversize: { key: K; value: V }
}

/** What `on` of a memory cache tells of. */
export interface MemoryCacheEvents<K, V> extends EntryEvents<K, V> {
  /** A read was answered. While somebody listens, reads cost more. */
  hit: { key: K; value: V }
  /** A read was not answered. The reason is `'cold'` too where the key left and is not remembered, see `missesByReason`. */
  miss: { key: K; reason: MissReason }
}

/** What hit rates to expect of other limits. */
export interface MissRatioCurve {
  /** Reads since watching began, or since the last `resize`. With a few thousand the curve says something. */
  reads: number
  /** The share of them that this cache answered, 0 to 1. */
  hitRate: number
  /**
   * From a quarter to four times the limits; none before the first read. They are those of LRU; for another policy its
   * misses are put in proportion to those that this cache has.
   */
  points: MissRatioPoint[]
}

/** One point of a {@link MissRatioCurve}. */
export interface MissRatioPoint {
  /** What part of the limits, 0.25 to 4. */
  scale: number
  max: number
  /** Infinite where `maxSize` is not set. */
  maxSize: number
  /** The share of reads that would be answered, 0 to 1. */
  hitRate: number
}

/** The synchronous, read-only front of a cache. */
export interface ReadonlyMemoryCache<K, V> {
  /** The number of entries, those included that have expired and not yet been cleared away. */
  readonly size: number
  get(key: K, options?: GetOptions): V | undefined
  peek(key: K, options?: GetOptions): V | undefined
  has(key: K): boolean
  /** What is known of the entry of `key`, stale or not; `undefined` when there is none. Does not count as use. */
  info(key: K): EntryInfo<V> | undefined
  /** Up to `n` keys, 10 by default, those first that would stay longest. */
  hottest(n?: number): K[]
  /** Up to `n` keys, 10 by default, those first that would leave first. */
  coldest(n?: number): K[]
  /** The hit rates to expect of other limits. Watching begins with the first call. */
  missRatioCurve(): MissRatioCurve
  stats(): MemoryCacheStats
}

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
  /** A tier is left alone from now on, after failures and timeouts in a row, see {@link TierOptions.circuitBreaker}. */
  tierDown: { tier: string; error: unknown }
  /** It is back, and has been told of so many changes, keys and invalidations, that it had missed; others may follow. */
  tierUp: { tier: string; repaired: number }
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
  hitRate: number
  /** Those of the hits that were stale. */
  staleHits: number
  /** Those of the hits that said that there is nothing, see `negativeTtl`. */
  negativeHits: number
  /** Reads that were given something stale after their load had failed, and after their `softTimeout`. */
  staleAfterError: number
  staleAfterTimeout: number
  /** Loaders that were called, those of them in the background, those that failed, and those of them by `hardTimeout`. */
  loads: number
  refreshes: number
  loadErrors: number
  timeouts: number
  /** How long loaders took, those that failed included. */
  loadLatency: LatencySummary
  /** Loads that were not begun because one of the key had failed within `errorBackoff`. */
  backedOff: number
  /** Calls of `getOrSet` that waited for the load of another call. */
  coalesced: number
  /** Loaded values that were not kept, because the key was set or deleted meanwhile. */
  discarded: number
  memory: MemoryCacheStats
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
