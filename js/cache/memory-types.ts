/** The public types of the caches in memory. */

import type { Clock } from '../clock.ts'
import type { EvictionPolicy } from '../core/cache-core.ts'
import type { Registry } from '../metrics/registry.ts'
import type { Duration, Size } from '../options.ts'

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
  /** Where to report hits, misses, entries and evictions. Default: nowhere. */
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
  /** The largest single entry; `Infinity` where only `maxSize` limits it. */
  maxEntrySize: number
  /** How long entries live that are set without a `ttl` of their own, in milliseconds. */
  ttl: number
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
  /** Reads that were watched, since the last `resize`, or since the last rest. With a few thousand the curve says something. */
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
