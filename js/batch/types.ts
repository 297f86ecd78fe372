/** The public types of batches. */

import type { Clock } from '../clock.ts'
import type { ShelflifeError } from '../errors.ts'
import type { Registry } from '../metrics/registry.ts'
import type { Duration } from '../options.ts'
import type { WorkerStats } from './workers/types.ts'

/** What a handler is told beside the items. */
export interface BatchContext {
  /** Aborted when the run is aborted or the batch takes longer than `timeout`. */
  readonly signal: AbortSignal
  /** The place of each item in the input. */
  readonly indexes: readonly number[]
  /** How often these items have been handed over, this time included. */
  readonly attempt: number
}

/**
 * Processes a batch: returns, for each item in order, its result, or an `Error` where that item failed. What it throws
 * fails no item yet: the batch is retried, then cut in two (see `maxRetries` and `isolate`).
 */
export type BatchHandler<T, R> = (items: T[], context: BatchContext) => readonly (R | Error)[] | PromiseLike<readonly (R | Error)[]>

/** What tells an item apart from all others. */
export type ItemKey = string | number

/**
 * What is done of the items, over all runs so far: plain data for `JSON.stringify`. By place in the input it is a few ranges, however many
 * items there are; by `key` it is a key for each.
 */
export interface ResumeToken {
  readonly shelflife: 'batch'
  readonly version: 1
  readonly by: 'index' | 'key'
  /** Items with a result or a failure: begin and end of each range of places, in turns, or keys. */
  readonly settled: readonly ItemKey[]
  /** Those of them that failed, in the same form. */
  readonly failed: readonly ItemKey[]
  /** How many settled items were forgotten to keep the token short; they are processed again. */
  readonly forgotten: number
}

/** Bounds of a batch size that is learned. */
export interface LearnedBatchSize {
  /** The size to begin with. Default: 1. */
  min?: number
  /** Default: 1000. */
  max?: number
  /** No size is used for long whose batches take longer. Default: no limit. */
  targetLatency?: Duration
}

/** Options of `processBatch`. */
export interface BatchOptions<T = unknown> {
  /**
   * Items in a batch; only the last may have fewer. `'auto'`, or an object of bounds: it is learned while the run goes which size gets most
   * done. Default: 100.
   */
  batchSize?: number | 'auto' | LearnedBatchSize
  /** Batches in the hands of the handler at the same time. Default: 4. */
  concurrency?: number
  /** Tries after the first of a batch that throws, and again of an item that stands alone after cutting. Default: 0. */
  maxRetries?: number
  /** The pause before the first retry; it doubles with each further one. Default: 100 ms. */
  initialDelay?: Duration
  /** The longest pause. Default: 10 s. */
  maxDelay?: Duration
  /** How long the handler may take for a batch; longer counts as a throw. Default: no limit. */
  timeout?: Duration
  /** Whether a batch that throws is cut in two until the items that break it stand alone. Default: true. */
  isolate?: boolean
  /**
   * What is kept of each item. `'all'`: its outcome in `results`, and each failure in `failed`. `'failures'`: only the first `maxFailures`
   * failures. `'none'`: nothing but counts. With the latter two, a run takes as much memory for a million items as for a thousand. Default: `'all'`.
   */
  results?: 'all' | 'failures' | 'none'
  /** Items in `failed` where `results` is `'failures'`; the others are counted. Default: 1000. */
  maxFailures?: number
  /** Called with each item that fails, when it is settled; not with those that an abort leaves unfinished. */
  onFailure?: (failure: FailedItem<T>) => void
  /** Goes on where another run over the same items ended: what the token says is settled is passed over. */
  resume?: ResumeToken | undefined
  /** Whether items that failed in an earlier run are processed again. Default: true. */
  retryFailed?: boolean
  /**
   * Tells items apart, for tokens that stay true when items come in another order or others come between. A token knows the last 100 000 keys.
   * Default: items are told apart by their place in the input.
   */
  key?: (item: T, index: number) => ItemKey
  /**
   * Called with a token when items were settled, at most once per `checkpointInterval`, and at the end. While what it returned is not settled
   * it is not called again, and the run does not end.
   */
  onCheckpoint?: (token: ResumeToken) => void | PromiseLike<void>
  /** The shortest time between two calls of `onCheckpoint`. Default: 1 s. */
  checkpointInterval?: Duration
  /** How many items an iterable will give, if that is known: for the time left in `onProgress`. */
  total?: number
  /** Ends the run: items not finished are rejected with `ERR_ABORTED`. */
  signal?: AbortSignal
  /** Called when counts have changed, at most once per `progressInterval`, and at the end. */
  onProgress?: (progress: BatchProgress) => void
  /** The shortest time between two calls of `onProgress`. Default: 100 ms. */
  progressInterval?: Duration
  /** The label `batch` in metrics; runs of one name add up. Default: `'default'`. */
  name?: string
  /** Where counts and durations are reported. Default: nowhere. */
  metrics?: Registry
  /** What tells the time. Default: the system's. */
  clock?: Clock
}

/** How far a run is. */
export interface BatchProgress {
  /** Items that succeeded. */
  done: number
  /** Items that failed. */
  failed: number
  /** Items that were passed over, since an earlier run has settled them. */
  skipped: number
  /** All items, as soon as their number is known. */
  total: number | undefined
  /** How often the handler has answered, retries and parts included. */
  batches: number
  /** Items in the next batch. */
  batchSize: number
  /** Items settled per second, over the whole run. */
  rate: number
  /** How long the rest will take at that rate; `undefined` while that cannot be said. */
  remainingMs: number | undefined
}

/** An item that failed, or was not finished because the run was aborted. */
export interface FailedItem<T> {
  /** Its place in the input. */
  index: number
  item: T
  /** What the handler returned for it, or why there is no answer; see `processBatch`. */
  error: unknown
}

/** The counts of a run. */
export interface BatchStats {
  /** Items that were given; of a source that goes on, those read so far. */
  total: number
  /** Items with a result. */
  done: number
  failed: number
  /** Items that were not finished when the run was aborted. */
  aborted: number
  /** Items that were passed over, since an earlier run has settled them. */
  skipped: number
  /** Calls of the handler. */
  calls: number
  /** Calls with the same items as a call before. */
  retries: number
  /** Batches that were cut in two. */
  splits: number
  /** Since the run began, in milliseconds. */
  durationMs: number
  /** Items with a result or a failure, over that time. */
  itemsPerSecond: number
  /** What the workers did, where there were any. */
  workers?: WorkerStats
}

/** What `processBatch` resolves with. */
export interface BatchResult<T, R> {
  /** `'ok'`: every item succeeded. `'failed'`: none did. `'partial'`: some did. `'aborted'`: the signal ended the run. */
  status: 'ok' | 'partial' | 'failed' | 'aborted'
  /** The outcome of each item that was not passed over, in input order; empty where the option `results` keeps none. */
  results: PromiseSettledResult<R>[]
  /** The rejected ones, in input order; see the options `results` and `maxFailures`. */
  failed: FailedItem<T>[]
  /** For the option `resume` of another run. Items that were not finished are not in it. */
  token: ResumeToken
  stats: BatchStats
  /** What went wrong beside the items: the source ended with an error, a callback threw, the core trapped. */
  errors: ShelflifeError[]
}
