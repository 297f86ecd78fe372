/** `processBatch`: many items through one handler. */

import type { BatchPlan } from '../core/batch-core.ts'
import { driverOf } from '../core/driver.ts'
import { InvalidArgumentError, ShelflifeError } from '../errors.ts'
import { clockOption, durationMs, durationOrZeroMs, metricsOption, optionalFunction, optionsObject, wholeNumber } from '../options.ts'
import { metersIn } from './meters.ts'
import { accomplishedBy, selectionBy } from './resume.ts'
import { BatchRun } from './run.ts'
import { sourceOf } from './source.ts'
import type { BatchHandler, BatchOptions, BatchResult, LearnedBatchSize } from './types.ts'
import type { WorkerBatchOptions } from './workers/types.ts'

/**
 * Processes items in batches, several at a time, and says of each item how it went, in input order.
 *
 * ```ts
 * const { status, results, failed } = await processBatch(ids, async (batch, { signal }) => {
 *   const rows = await loadMany(batch, signal)
 *   return batch.map(id => rows.get(id) ?? new Error(`no ${id}`))
 * }, { batchSize: 100, concurrency: 4, maxRetries: 2 })
 * ```
 *
 * `items` is an array, an iterable or an async iterable; iterables are read at most `concurrency * batchSize` items
 * ahead of what is settled. The promise rejects only when nothing begins: on invalid arguments
 * (`ERR_INVALID_ARGUMENT`), a token that does not fit (`ERR_RESUME_TOKEN`) or without WebAssembly (`ERR_WASM_UNAVAILABLE`). An item is rejected with
 * - the `Error` that the handler returned in its place;
 * - `ERR_HANDLER`, with what the handler threw as `cause`, when it threw with this item alone (an error of shelflife is
 *   passed on as it is); with `isolate: false`, when it threw with its batch;
 * - `ERR_TIMEOUT`, when it took too long; `ERR_BATCH_RESULT`, when the results were not as many as the items;
 * - `ERR_ABORTED`, when `signal` ended the run; its `started` says whether the handler had the item;
 * - `ERR_CORE_TRAPPED`, when the core failed in the middle of the run.
 *
 * What goes wrong beside the items is in `errors`: a source that throws (the items before it are processed), an
 * `onProgress` or `onFailure` that throws (it is not called again), an `onCheckpoint` that does.
 *
 * A run can go on where another ended: `result.token`, or what `onCheckpoint` was given last if the process died, is the option `resume` of
 * the next. What is settled is not processed again. What the handler had in its hands when the process died, or had finished since the last
 * checkpoint, is: a handler that others can see the work of should not mind being called twice.
 */
export function processBatch<T, R>(items: Items<T>, handler: BatchHandler<T, R>, options?: BatchOptions<T>): Promise<BatchResult<T, R>>
/**
 * The same in threads: Web Workers, or `node:worker_threads`. `module` exports the handler, as `default` or as `handler`; it gets the items as structured
 * clones of them and returns what can be cloned, errors with their name, code and causes.
 *
 * ```ts
 * await processBatch(images, { module: new URL('./resize.js', import.meta.url), workers: 4, batchSize: 10, timeout: '30s' })
 * ```
 *
 * A worker that crashes, or does not answer in time, costs only the batch it has, which is tried again and cut in two as any other that
 * throws (`ERR_WORKER_CRASHED`, `ERR_TIMEOUT`); a new one takes its place. The workers are started when they are needed and ended with the run;
 * `createWorkers` of `shelflife/workers` keeps them for several. Where there can be none, the run fails with `ERR_WORKER_UNAVAILABLE`.
 */
export function processBatch<T, R = unknown>(items: Items<T>, options: WorkerBatchOptions<T>): Promise<BatchResult<T, R>>
export function processBatch<T, R>(
  items: Items<T>,
  handler: BatchHandler<T, R> | WorkerBatchOptions<T>,
  options?: BatchOptions<T>,
): Promise<BatchResult<T, R>> {
  return typeof handler === 'object' && handler !== null ? inWorkers(items, handler) : process(items, handler, options)
}

async function inWorkers<T, R>(items: Items<T>, options: WorkerBatchOptions<T>): Promise<BatchResult<T, R>> {
  const { createWorkers } = await import('../workers.ts').catch(cause => {
    throw new ShelflifeError('ERR_WORKER_UNAVAILABLE', 'the part of shelflife that makes workers could not be loaded', { cause })
  })
  const workers = createWorkers<T, R>(options)
  try {
    const result = await process<T, R>(items, workers.handler, { ...options, concurrency: options.concurrency ?? workers.size })
    return { ...result, stats: { ...result.stats, workers: workers.stats() } }
  } finally {
    void workers.close()
  }
}

function process<T, R>(items: Items<T>, handler: unknown, options: BatchOptions<T> | undefined): Promise<BatchResult<T, R>> {
  return new Promise(resolve => {
    if (!isHandler<T, R>(handler)) throw new InvalidArgumentError('handler', 'a function', handler)
    const given = optionsObject(options, 'options') as BatchOptions<T>
    const { signal, onProgress, isolate = true, name = 'default' } = given
    const driver = driverOf(clockOption(given.clock))
    const plan = {
      ...readBatchSize(given.batchSize ?? 100),
      concurrency: wholeNumber(given.concurrency ?? 4, 'concurrency', { infinite: true }),
      maxRetries: wholeNumber(given.maxRetries ?? 0, 'maxRetries', { min: 0 }),
      initialDelay: durationOrZeroMs(given.initialDelay ?? 100, 'initialDelay'),
      maxDelay: durationOrZeroMs(given.maxDelay ?? 10_000, 'maxDelay'),
      timeout: durationMs(given.timeout ?? Number.POSITIVE_INFINITY, 'timeout'),
      isolate,
    }
    const progressInterval = durationOrZeroMs(given.progressInterval ?? 100, 'progressInterval')
    for (const name of ['onProgress', 'onFailure', 'onCheckpoint', 'key'] as const) optionalFunction(given[name], name)
    const { results = 'all', retryFailed = true } = given
    if (!RESULTS.includes(results)) throw new InvalidArgumentError('results', "'all', 'failures' or 'none'", results)
    for (const [name, value] of Object.entries({ isolate, retryFailed })) {
      if (typeof value !== 'boolean') throw new InvalidArgumentError(name, 'true or false', value)
    }
    if (typeof name !== 'string') throw new InvalidArgumentError('name', 'a string', name)
    if (signal !== undefined && !(signal instanceof AbortSignal)) throw new InvalidArgumentError('signal', 'an AbortSignal', signal)
    const meters = metersIn(metricsOption(given.metrics), name)
    const settled = { resume: given.resume, retryFailed, keyOf: given.key }
    const accomplished = accomplishedBy(settled, items)
    const settings = {
      plan,
      driver,
      signal,
      onProgress,
      progressInterval,
      onFailure: given.onFailure,
      onCheckpoint: given.onCheckpoint,
      checkpointInterval: durationOrZeroMs(given.checkpointInterval ?? 1000, 'checkpointInterval'),
      keepsResults: results === 'all',
      maxFailures: results === 'all' ? Number.POSITIVE_INFINITY : results === 'none' ? 0 : readMaxFailures(given.maxFailures),
      total: given.total === undefined ? undefined : wholeNumber(given.total, 'total', { min: 0 }),
      tellsFailures: given.onFailure !== undefined,
      accomplished,
      meters,
    }
    const source = sourceOf<T>(items, plan.largest, selectionBy(settled, accomplished))
    if (source === undefined) throw new InvalidArgumentError('items', 'an array, an iterable or an async iterable', items)
    new BatchRun<T, R>(source, handler, settings, resolve).start()
  })
}

type Items<T> = readonly T[] | Iterable<T> | AsyncIterable<T>

function isHandler<T, R>(handler: unknown): handler is BatchHandler<T, R> {
  return typeof handler === 'function'
}

const RESULTS: readonly unknown[] = ['all', 'failures', 'none']
const LARGEST_SIZE = 2 ** 32 - 1

function readMaxFailures(given = 1000): number {
  return wholeNumber(given, 'maxFailures', { min: 0, infinite: true })
}

function readBatchSize(given: number | 'auto' | LearnedBatchSize): Pick<BatchPlan, 'smallest' | 'largest' | 'targetLatency'> {
  if (typeof given === 'object' || given === 'auto') {
    const bounds = given === 'auto' ? {} : (optionsObject(given, 'batchSize') as LearnedBatchSize)
    const smallest = wholeNumber(bounds.min ?? 1, 'batchSize.min')
    const largest = Math.min(wholeNumber(bounds.max ?? Math.max(1000, smallest), 'batchSize.max'), LARGEST_SIZE)
    if (largest < smallest) throw new InvalidArgumentError('batchSize.max', 'batchSize.min or more', bounds.max)
    return { smallest, largest, targetLatency: durationMs(bounds.targetLatency ?? Number.POSITIVE_INFINITY, 'batchSize.targetLatency') }
  }
  const size = Math.min(wholeNumber(given, 'batchSize', { infinite: true }), LARGEST_SIZE)
  return { smallest: size, largest: size, targetLatency: Number.POSITIVE_INFINITY }
}
