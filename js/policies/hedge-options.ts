/** When to hedge, and how that is read. */

import type { HedgeConfig } from '../core/hedge-core.ts'
import { InvalidArgumentError } from '../errors.ts'
import { type Duration, durationOrZeroMs, ratio, wholeNumber } from '../options.ts'

/** When the next attempt begins beside those under way. */
export type HedgeDelay =
  | Duration
  /** When it has taken longer than this part of the latest calls that succeeded; nothing before there are `minSamples` of them. Default: 50. */
  | { quantile: number; minSamples?: number }

/** Reads when to hedge. */
export function readHedgeDelay(delay: HedgeDelay = { quantile: 0.95 }, name = 'delay'): HedgeConfig {
  if (typeof delay !== 'object' || delay === null) return { delay: durationOrZeroMs(delay, name), quantile: 0, minSamples: 0 }
  const { quantile, minSamples = 50 } = delay
  if (ratio(quantile, `${name}.quantile`) === 0) throw new InvalidArgumentError(`${name}.quantile`, 'a number above 0, up to 1', quantile)
  return { delay: Number.POSITIVE_INFINITY, quantile, minSamples: wholeNumber(minSamples, `${name}.minSamples`) }
}
