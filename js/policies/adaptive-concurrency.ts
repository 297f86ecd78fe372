/** `adaptiveConcurrency`: as many calls at the same time as are good for whoever is called. */

import type { Load } from '../core/schedule-types.ts'
import { isShelflifeError } from '../errors.ts'
import { optionalFunction, optionsObject } from '../options.ts'
import { report } from '../report.ts'
import { type AdaptiveOptions, type LimitChange, readAdaptive } from './adaptive-options.ts'
import { type Bulkhead, type BulkheadOptions, Compartments } from './bulkhead.ts'

/** Options of {@link adaptiveConcurrency}. */
export interface AdaptiveConcurrencyOptions extends AdaptiveOptions, Omit<BulkheadOptions, 'concurrency' | 'perKey'> {
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
  const { isOverload = overloads, onLimitChange } = options
  optionalFunction(isOverload, 'isOverload')
  optionalFunction(onLimitChange, 'onLimitChange')
  const config = readAdaptive(options)
  const loadOf = (error: unknown): Load => {
    try {
      return isOverload(error) ? 'overload' : 'ignored'
    } catch (thrown) {
      report(thrown, 'isOverload threw')
      return 'ignored'
    }
  }
  return new Compartments(
    { ...options, concurrency: config.max },
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
