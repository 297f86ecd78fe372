/** `adaptiveConcurrency`: as many calls at the same time as are good for whoever is called. */

import type { LimitReason, Load } from '../core/schedule-core.ts'
import { InvalidArgumentError, isShelflifeError } from '../errors.ts'
import { type Duration, durationMs, optionalFunction, optionsObject, wholeNumber } from '../options.ts'
import { report } from '../report.ts'
import { type Bulkhead, type BulkheadOptions, Compartments } from './bulkhead.ts'

/** The limit has moved. */
export interface LimitChange {
  readonly from: number
  readonly to: number
  /**
   * `'overload'`: a call was refused or took too long. `'unhealthy-latency'`: longer than `maxHealthyLatency`. `'queueing'`: calls wait where they are sent.
   * `'headroom'`: they do not. `'unused'`: much less is in use. `'probe'`: for a few calls, to measure how long they take when nobody waits; `'probed'`: that is known.
   */
  readonly reason: LimitReason
}

/** Options of {@link adaptiveConcurrency}. */
export interface AdaptiveConcurrencyOptions extends Omit<BulkheadOptions, 'concurrency' | 'perKey'> {
  /** `'gradient'`: by latency and refusals; `'aimd'`: by refusals alone. Default: `'gradient'`. */
  algorithm?: 'gradient' | 'aimd'
  /** The least limit. Default: 1. */
  min?: number
  /** The greatest. Default: 200. */
  max?: number
  /** The first. Default: 10, within the two. */
  initial?: number
  /** Calls that take longer lower the limit, whatever is usual. Default: no such time. */
  maxHealthyLatency?: Duration
  /** The limit is at most so many times what is in use. Default: 5. */
  maxLimitFactor?: number
  /** Whether an error says that there are too many calls. Default: a deadline, and a `status` or `statusCode` of 429 or 503. */
  isOverload?: (error: unknown) => boolean
  /** Told of every change. */
  onLimitChange?: (change: LimitChange) => void
}

/**
 * Makes a bulkhead whose limit is found out: from the latency of calls it estimates how many of them wait where they are sent, and keeps that few. What is
 * refused, or takes too long, lowers it at once. Where it stands, deadlines belong further in.
 *
 * ```ts
 * const call = pipeline(adaptiveConcurrency({ max: 100, maxQueue: 1000, onLimitChange: console.log }), timeout('5s'))
 * ```
 */
export function adaptiveConcurrency(
  given: AdaptiveConcurrencyOptions = {},
): Omit<Bulkhead, 'concurrency'> & { readonly concurrency: number } {
  const options: AdaptiveConcurrencyOptions = optionsObject(given, 'options')
  const { algorithm = 'gradient', isOverload = overloads, onLimitChange } = options
  if (algorithm !== 'gradient' && algorithm !== 'aimd') throw new InvalidArgumentError('algorithm', "'gradient' or 'aimd'", algorithm)
  optionalFunction(isOverload, 'isOverload')
  optionalFunction(onLimitChange, 'onLimitChange')
  const min = wholeNumber(options.min ?? 1, 'min')
  const max = wholeNumber(options.max ?? Math.max(200, min), 'max')
  if (max < min || max > 1_000_000) throw new InvalidArgumentError('max', `a whole number from ${min} to 1000000`, max)
  const config = {
    aimd: algorithm === 'aimd',
    min,
    max,
    initial: Math.min(max, Math.max(min, wholeNumber(options.initial ?? 10, 'initial'))),
    maxHealthyLatency: durationMs(options.maxHealthyLatency ?? Number.POSITIVE_INFINITY, 'maxHealthyLatency'),
    maxLimitFactor: wholeNumber(options.maxLimitFactor ?? 5, 'maxLimitFactor'),
  }
  const loadOf = (error: unknown): Load => {
    try {
      return isOverload(error) ? 'overload' : 'ignored'
    } catch (thrown) {
      report(thrown, 'isOverload threw')
      return 'ignored'
    }
  }
  return new Compartments(
    { ...options, concurrency: max },
    {
      config,
      loadOf,
      onLimitChange: (from, to, reason) => {
        try {
          onLimitChange?.({ from, to, reason })
        } catch (thrown) {
          report(thrown, 'onLimitChange threw')
        }
      },
    },
  )
}

function overloads(error: unknown): boolean {
  if (isShelflifeError(error) && error.code === 'ERR_TIMEOUT') return true
  const { status, statusCode = status } = (error ?? {}) as { status?: unknown; statusCode?: unknown }
  return statusCode === 429 || statusCode === 503
}
