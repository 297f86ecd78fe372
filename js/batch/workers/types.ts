/** The public types of workers. */

import type { Clock } from '../../clock.ts'
import type { Duration } from '../../options.ts'
import type { BatchContext, BatchOptions } from '../types.ts'

/** A worker, as the platform makes it: a `Worker` of the web, or of `node:worker_threads`. */
export interface WorkerLike {
  postMessage(message: unknown, transfer?: readonly object[]): void
  terminate(): unknown
  on?(event: string, listener: (value: unknown) => void): unknown
  addEventListener?(event: string, listener: (event: WorkerEvent) => void): unknown
  ref?(): unknown
  unref?(): unknown
}

/** What is read of the events of a worker. */
export interface WorkerEvent {
  readonly data?: unknown
  readonly message?: string
  readonly error?: unknown
  preventDefault?(): void
}

/** What Node lets a thread use, in megabytes. One that wants more crashes, and is replaced. */
export interface ResourceLimits {
  maxOldGenerationSizeMb?: number
  maxYoungGenerationSizeMb?: number
  codeRangeSizeMb?: number
  stackSizeMb?: number
}

/** How workers are made and treated. */
export interface WorkerSettings {
  /**
   * The module whose export `default` or `handler` processes batches: `new URL('./handler.js', import.meta.url)`. A string is an absolute URL.
   * Where a bundler makes the workers, a function that makes one, whose module calls `serve` of `shelflife/worker`:
   * `() => new Worker(new URL('./handler.js', import.meta.url), { type: 'module' })`. So too with webpack, which for Node takes a `Worker` that is not imported. A worker that is not ready after 30 s counts as crashed.
   */
  module: URL | string | (() => WorkerLike)
  /** How many work at a time. They are started when they are first needed; the `timeout` of a batch runs meanwhile. Default: one fewer than the machine has cores, and at least one. */
  workers?: number
  /**
   * What moves to a worker instead of being copied. `true`: buffers (those that a view fills), ports and streams that are found in items, and
   * in results on their way back. A function: what it returns of the items of a batch. A batch of which something has moved cannot be tried again:
   * it is not retried and not cut in two. Default: `false`; results can move all the same, see `transfer` of `shelflife/worker`.
   */
  transfer?: boolean | ((items: readonly unknown[]) => readonly object[])
  /** How long a worker may take to end a batch that was aborted or took too long; then it is ended and replaced. Default: 100 ms. */
  abortGrace?: Duration
  /** Workers that crash in a row, without a batch that is answered in between, before all is given up. Default: 100. */
  maxRestarts?: number
  /** What each thread may use; only on Node. Default: Node's. */
  resourceLimits?: ResourceLimits
}

/** Options of `createWorkers`. */
export interface WorkersOptions extends WorkerSettings {
  /** The workers' names are this and a number. Default: `'shelflife'`. */
  name?: string
  /** What tells the time. Default: the system's. */
  clock?: Clock
}

/** Options of `processBatch` where workers process the batches. `concurrency` is by default their number. */
export interface WorkerBatchOptions<T = unknown> extends BatchOptions<T>, WorkerSettings {}

/** What workers did. */
export interface WorkerStats {
  /** Workers that are there. */
  workers: number
  /** Those of them that have a batch. */
  busy: number
  /** Batches that wait for a worker. */
  waiting: number
  /** Workers that were started. */
  started: number
  /** Workers that ended by themselves: they exited, threw where nobody caught it, or ran out of memory. */
  crashed: number
  /** Workers that were ended because they did not answer. */
  ended: number
  /** Batches that came back. */
  answered: number
}

/** Workers for several runs. Close them. */
export interface Workers<T = unknown, R = unknown> {
  /** How many work at a time: what `concurrency` is best set to. */
  readonly size: number
  /** Processes a batch in a worker: the handler for `processBatch`. */
  readonly handler: (items: T[], context: BatchContext) => Promise<(R | Error)[]>
  stats(): WorkerStats
  /** Ends all workers, those at work too: their batches reject with `ERR_CLOSED`. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
