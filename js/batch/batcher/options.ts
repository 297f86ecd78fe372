/** Reads the options of a batcher and of its calls. */

import { type Driver, driverOf } from '../../core/driver.ts'
import { InvalidArgumentError } from '../../errors.ts'
import {
  clockOption,
  durationMs,
  durationOrZeroMs,
  metricsOption,
  optionalFunction,
  optionsObject,
  sizeInBytes,
  wholeNumber,
} from '../../options.ts'
import { type BatchMeters, metersIn } from '../meters.ts'
import type { BatcherCacheOptions, BatcherOptions } from './types.ts'

/** Options, checked and complete; times are milliseconds. */
export interface ResolvedBatcher<K, I> {
  readonly maxBatchSize: number
  readonly maxBytes: number
  readonly sizeOf: (key: K) => number
  readonly maxWait: number
  readonly concurrency: number
  readonly maxQueue: number
  readonly timeout: number
  readonly isolate: boolean
  /** Values that are remembered at most. */
  readonly cached: number
  readonly ttl: number
  readonly keyOf: ((key: K) => I) | undefined
  readonly meters: BatchMeters | undefined
  readonly driver: Driver
}

/** See the top of this file. Throws `InvalidArgumentError`. */
export function resolveBatcher<K, I>(options: BatcherOptions<K, I> | undefined): ResolvedBatcher<K, I> {
  const given = optionsObject(options, 'options') as BatcherOptions<K, I>
  const { isolate = false, cache = true, name = 'default' } = given
  if (typeof isolate !== 'boolean') throw new InvalidArgumentError('isolate', 'true or false', isolate)
  if (typeof name !== 'string') throw new InvalidArgumentError('name', 'a string', name)
  optionalFunction(given.keyOf, 'keyOf')
  optionalFunction(given.sizeOf, 'sizeOf')
  const kept = typeof cache === 'boolean' ? {} : (optionsObject(cache, 'cache') as BatcherCacheOptions)
  return {
    maxBatchSize: wholeNumber(given.maxBatchSize ?? 100, 'maxBatchSize', { infinite: true }),
    maxBytes: sizeInBytes(given.maxBytes ?? Number.POSITIVE_INFINITY, 'maxBytes'),
    sizeOf: given.sizeOf ?? bytesOf,
    maxWait: durationOrZeroMs(given.maxWait ?? 0, 'maxWait'),
    concurrency: wholeNumber(given.concurrency ?? Number.POSITIVE_INFINITY, 'concurrency', { infinite: true }),
    maxQueue: wholeNumber(given.maxQueue ?? 100_000, 'maxQueue', { infinite: true }),
    timeout: durationMs(given.timeout ?? Number.POSITIVE_INFINITY, 'timeout'),
    isolate,
    cached: cache === false ? 0 : wholeNumber(kept.max ?? 10_000, 'cache.max'),
    ttl: durationMs(kept.ttl ?? Number.POSITIVE_INFINITY, 'cache.ttl'),
    keyOf: given.keyOf,
    meters: metersIn(metricsOption(given.metrics), name),
    driver: driverOf(clockOption(given.clock)),
  }
}

function bytesOf(key: unknown): number {
  if (typeof key === 'string') return key.length * 2
  if (typeof key === 'bigint') return String(key).length
  const { byteLength } = (key ?? {}) as { byteLength?: unknown }
  return typeof byteLength === 'number' ? byteLength : (JSON.stringify(key)?.length ?? 0)
}

/** `sizeOf` is a user's: what is no number would end all limits on bytes. */
export function countedBytes(bytes: unknown): number {
  if (typeof bytes !== 'number' || !(bytes >= 0))
    throw new InvalidArgumentError('sizeOf', 'a function that returns a number of bytes', bytes)
  return bytes
}

/** The signal of a call, which is not aborted yet. */
export function signalOf(options: { signal?: AbortSignal | undefined }): AbortSignal | undefined {
  if (typeof options !== 'object' || options === null) throw new InvalidArgumentError('options', 'an object of options', options)
  const { signal } = options
  if (signal === undefined) return undefined
  if (typeof signal?.throwIfAborted !== 'function') throw new InvalidArgumentError('signal', 'an AbortSignal', signal)
  signal.throwIfAborted()
  return signal
}
