/** Reads the options of a memory cache, once. */

import { type Clock, systemClock } from '../clock.ts'
import { MOST_ENTRIES } from '../core/cache-core.ts'
import { InvalidArgumentError } from '../errors.ts'
import { durationMs, optionalFunction, optionsObject, sizeInBytes, wholeNumber } from '../options.ts'
import { estimateSize } from './estimate-size.ts'
import type { DisposeReason, MemoryCacheOptions, MemoryCacheStats } from './types.ts'

const DEFAULT_MAX = 10_000

/** Options with every default filled in; durations in milliseconds. */
export interface ResolvedMemoryOptions<K, V> {
  readonly max: number
  readonly maxSize: number
  /** How an entry is weighed; `undefined` where sizes are not counted. */
  readonly weigh: ((value: V, key: K) => number) | undefined
  readonly sizeUnit: MemoryCacheStats['sizeUnit']
  readonly ttlMs: number
  readonly dispose: ((value: V, key: K, reason: DisposeReason) => void) | undefined
  readonly clock: Clock
  readonly name: string
}

/** Throws `ERR_INVALID_ARGUMENT` for anything that cannot be meant. */
export function resolveMemoryOptions<K, V>(given: MemoryCacheOptions<K, V> | undefined): ResolvedMemoryOptions<K, V> {
  const options: MemoryCacheOptions<K, V> = optionsObject(given, 'options')
  const { max, maxSize, sizeCalculation, ttl, dispose, clock = systemClock, name = 'memory' } = options
  optionalFunction(sizeCalculation, 'sizeCalculation')
  optionalFunction(dispose, 'dispose')
  if (typeof name !== 'string') throw new InvalidArgumentError('name', 'a string', name)
  if (typeof clock?.monotonic !== 'function') throw new InvalidArgumentError('clock', 'a Clock', clock)
  const counted = maxSize !== undefined || sizeCalculation !== undefined
  const most = max === undefined ? (maxSize === undefined ? DEFAULT_MAX : MOST_ENTRIES) : wholeNumber(max, 'max', { infinite: true })
  return {
    max: Math.min(most, MOST_ENTRIES),
    maxSize: maxSize === undefined ? Number.POSITIVE_INFINITY : sizeInBytes(maxSize, 'maxSize'),
    weigh:
      sizeCalculation ?? (counted ? (value, key) => estimateSize(value) + (typeof key === 'string' ? estimateSize(key) : 0) : undefined),
    sizeUnit: sizeCalculation !== undefined ? 'calculated' : counted ? 'estimated bytes' : 'none',
    ttlMs: ttl === undefined ? Number.POSITIVE_INFINITY : durationMs(ttl, 'ttl'),
    dispose,
    clock,
    name,
  }
}
