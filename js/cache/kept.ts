/** What the memory of a cache with tiers holds: values, and of some keys that there is none. */

import { report } from '../report.ts'
import type { ResolvedMemoryOptions } from './memory-options.ts'
import type { Overflow } from './overflow.ts'

/** Stands in memory for "a loader found nothing". Users never see it. */
export const NONE: unique symbol = Symbol('none')

/** What memory holds. */
export type Kept<V> = V | typeof NONE

/**
 * The options of the memory: who is told of departures does not hear of {@link NONE}, and the shelf draws the jitter itself. What
 * he throws is reported: a write must reach the tiers and overtake loads all the same.
 */
export function keptOptions<V>(
  options: ResolvedMemoryOptions<string, V>,
  overflow: Overflow | undefined,
): ResolvedMemoryOptions<string, Kept<V>> {
  const { weigh, dispose } = options
  return {
    ...options,
    // Who has tiers can wait for an answer, and asks himself.
    validate: undefined,
    jitterMs: 0,
    weigh: weigh && ((value, key) => (value === NONE ? 1 : weigh(value, key))),
    dispose:
      (dispose ?? overflow) &&
      ((value, key, reason) => {
        overflow?.left(value, key, reason)
        try {
          if (value !== NONE) dispose?.(value, key, reason)
        } catch (error) {
          report(error, 'dispose threw')
        }
      }),
  }
}
