/** What samples say, all of them or those of the last seconds or minutes. */

import { type MetricsCore, SUMMARY_HEAD } from '../core/metrics-core.ts'
import { type Duration, durationMs, optionsObject } from '../options.ts'
import { checkedQuantiles } from './definition.ts'
import { type WindowedDistribution, windowedAt } from './snapshot.ts'

/** Which samples are meant. */
export interface WindowOptions {
  /**
   * How far back: `'10s'`, `'1m'`, `'5m'`, `'15m'`, any other duration up to the registry's `retention`, or `'all'`, the default. A window
   * never reaches further back than asked, and those four at most a tenth less.
   */
  window?: Duration | 'all'
}

/** The option `window` in milliseconds; all is infinity. */
export function windowMs(options: WindowOptions | undefined): number {
  const { window = 'all' } = optionsObject(options, 'options')
  return window === 'all' ? Number.POSITIVE_INFINITY : durationMs(window, 'window')
}

/** Quantiles of histogram series taken together; `null` where there is no sample. */
export function quantilesOf(
  core: MetricsCore,
  slots: readonly number[],
  quantiles: readonly number[],
  options: WindowOptions | undefined,
): (number | null)[] {
  checkedQuantiles(quantiles)
  const described = core.describe(slots, windowMs(options), quantiles)
  return quantiles.map((_, at) => {
    const value = described[SUMMARY_HEAD + at]
    return value === undefined || Number.isNaN(value) ? null : value
  })
}

/** The distribution of histogram series taken together. */
export function distributionOf(core: MetricsCore, slots: readonly number[], options: WindowOptions | undefined): WindowedDistribution {
  return windowedAt(core.describe(slots, windowMs(options), [0.5, 0.95, 0.99]), 0)
}
