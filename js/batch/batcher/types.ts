/** The public types of batchers. */

import type { Clock } from '../../clock.ts'
import type { Registry } from '../../metrics/registry.ts'
import type { Duration, Size } from '../../options.ts'

/** What the function that loads is told beside the keys. */
export interface LoadContext {
  /** Aborted when nobody waits for any of these keys any more, when they take longer than `timeout`, and by `close()`. */
  readonly signal: AbortSignal
}

/**
 * Loads many keys at once: returns, for each key in order, its value, or an `Error` where that key failed. A `Map` by key will do too; a key that
 * is not in it is `undefined`.
 */
export type LoadMany<K, V> = (keys: K[], context: LoadContext) => Loaded<K, V> | PromiseLike<Loaded<K, V>>

/** See {@link LoadMany}. */
export type Loaded<K, V> = readonly (V | Error)[] | ReadonlyMap<K, V | Error>

/** What a batcher remembers of values that were loaded. */
export interface BatcherCacheOptions {
  /** Values at most; the oldest go first. Default: 10 000. */
  max?: number
  /** How long a value serves. Default: as long as it is kept. */
  ttl?: Duration
}

/** Options of {@link createBatcher}. */
export interface BatcherOptions<K, I = K> {
  /** Keys in a batch. Default: 100. `Infinity`: no limit. */
  maxBatchSize?: number
  /** Bytes of keys in a batch, by `sizeOf`; a key above it goes alone. Default: no limit. */
  maxBytes?: Size
  /** The bytes of a key. Default: two for each unit of a string, `byteLength` of binary data, else those of its JSON text. */
  sizeOf?: (key: K) => number
  /**
   * How long the first key of a batch waits for others. Default: 0, which is until the promises that are settled by now, and those they
   * settle, have had their turn: what is asked for in one go is loaded in one go.
   */
  maxWait?: Duration
  /** Batches under way at once; keys that come meanwhile gather. Default: no limit. */
  concurrency?: number
  /** Keys that may wait; more are refused with `ERR_QUEUE_FULL`. Default: 100 000. */
  maxQueue?: number
  /** How long a batch may take; then its keys are rejected with `ERR_TIMEOUT`. Default: no limit. */
  timeout?: Duration
  /**
   * Whether a batch that throws is cut in two until the keys that break it stand alone. A service that is down is asked up to twice for each
   * key then. Default: false: all keys of a batch that throws are rejected.
   */
  isolate?: boolean
  /** What is remembered of values; failures are not. `false`: nothing, only who asks while a key is under way shares it. Default: `{ max: 10_000 }`. */
  cache?: boolean | BatcherCacheOptions
  /** What makes two keys the same. Default: the key itself, as in a `Map`. */
  keyOf?: (key: K) => I
  /** The label `batch` in metrics. Default: `'default'`. */
  name?: string
  /** Where it reports: `batch_items_total{batch,outcome}`, `batch_size`, `batch_duration_seconds`. Default: nowhere. */
  metrics?: Registry
  /** What tells the time. Default: the system's. */
  clock?: Clock
}

/** Counts of a batcher since it was made; a copy. */
export interface BatcherStats {
  /** Keys that were asked for, however often. */
  loads: number
  /** Of these, answered by what was remembered. */
  hits: number
  /** Of these, that shared a load under way. */
  coalesced: number
  /** Calls of the function. */
  batches: number
  /** Keys whose load failed. */
  failed: number
  /** Keys that wait for their batch. */
  waiting: number
  /** Batches under way. */
  running: number
  /** Values that are remembered. */
  cached: number
}

/** A batcher made by {@link createBatcher}. */
export interface Batcher<K, V> {
  /**
   * The value of `key`. Rejects with the `Error` that the function returned in its place, `ERR_HANDLER` (with what it threw as `cause`),
   * `ERR_BATCH_RESULT`, `ERR_TIMEOUT`, `ERR_QUEUE_FULL`, `ERR_CLOSED`, and with `signal.reason`; an abort leaves others who want the key alone.
   */
  load(key: K, options?: { signal?: AbortSignal | undefined }): Promise<V>
  /** The values of `keys`, in order, and an `Error` where one failed. Rejects with `signal.reason` and `ERR_INVALID_ARGUMENT` only. */
  loadMany(keys: readonly K[], options?: { signal?: AbortSignal | undefined }): Promise<(V | Error)[]>
  /** Remembers a value that came from elsewhere, unless the key is remembered or under way. */
  prime(key: K, value: V): this
  /** Forgets a key: who asks next loads it. Those who wait for it are answered. */
  clear(key: K): this
  /** Forgets everything. */
  clearAll(): this
  /** Keys in a batch; may be changed, for batches that are not sent yet. */
  maxBatchSize: number
  /** Sends what waits, and resolves when nothing is under way. Never rejects. */
  flush(): Promise<void>
  /** A snapshot of counts. */
  stats(): BatcherStats
  /** Rejects everything that waits or is under way with `ERR_CLOSED`, and refuses new loads. Idempotent. */
  close(): void
  [Symbol.dispose](): void
}
