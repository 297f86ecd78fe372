/** `processBatch`: many items through one handler. */

import type { BatchPlan } from '../core/batch-core.ts'
import { driverOf } from '../core/driver.ts'
import { InvalidArgumentError } from '../errors.ts'
import { clockOption, durationMs, durationOrZeroMs, metricsOption, optionalFunction, optionsObject, wholeNumber } from '../options.ts'
import { metersIn } from './meters.ts'
import { accomplishedBy, selectionBy } from './resume.ts'
import { BatchRun } from './run.ts'
import { sourceOf } from './source.ts'
import type { BatchHandler, BatchOptions, BatchResult, LearnedBatchSize } from './types.ts'

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
export function processBatch<T, R>(
  items: readonly T[] | Iterable<T> | AsyncIterable<T>,
  handler: BatchHandler<T, R>,
  options?: BatchOptions<T>,
): Promise<BatchResult<T, R>> {
  return new Promise(resolve => {
    if (typeof handler !== 'function') throw new InvalidArgumentError('handler', 'a function', handler)
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
