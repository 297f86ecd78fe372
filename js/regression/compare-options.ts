/** The options of a comparison, checked. */

import { InvalidArgumentError } from '../errors.ts'
import { optionsObject, wholeNumber } from '../options.ts'
import type { CompareOptions, MetricCompareOptions } from './types.ts'

/** How every metric is compared. */
export interface Checked {
  readonly confidence: number
  readonly resamples: number
  readonly seed: number
  /** How the metric of this name is. */
  readonly metric: (name: string) => Required<MetricCompareOptions>
}

/** Throws `ERR_INVALID_ARGUMENT`. */
export function checkedOptions(given: CompareOptions): Checked {
  const { confidence = 0.95, resamples = 2000, seed = 1 } = given
  const metrics: NonNullable<CompareOptions['metrics']> = optionsObject(given.metrics, 'metrics')
  if (!(typeof confidence === 'number' && confidence >= 0.5 && confidence < 1))
    throw new InvalidArgumentError('confidence', 'a number from 0.5 to below 1', confidence)
  if (wholeNumber(resamples, 'resamples', { min: 500 }) > MOST_RESAMPLES)
    throw new InvalidArgumentError('resamples', `${MOST_RESAMPLES} at most`, resamples)
  checkMetric(given, 'options')
  for (const [name, own] of Object.entries(metrics)) checkMetric(optionsObject(own, `metrics.${name}`), `metrics.${name}`)
  const metric = (name: string) => {
    const own = Object.hasOwn(metrics, name) ? metrics[name] : undefined
    const minEffect = own?.minEffect ?? given.minEffect ?? 0.05
    // An equivalence for all was not meant for a metric with an effect of its own.
    const shared = own?.minEffect === undefined ? given.equivalence : undefined
    const equivalence = own?.equivalence ?? shared ?? 2 * minEffect
    return { minEffect, equivalence, statistic: own?.statistic ?? given.statistic ?? 'trimmedMean' }
  }
  return { confidence, resamples, seed: wholeNumber(seed, 'seed', { min: 0 }), metric }
}

const MOST_RESAMPLES = 100_000

function checkMetric({ minEffect, equivalence, statistic }: MetricCompareOptions, what: string): void {
  const isRatio = (value: unknown) => value === undefined || (typeof value === 'number' && value >= 0 && value < Infinity)
  if (!isRatio(minEffect)) throw new InvalidArgumentError(`${what}.minEffect`, 'a ratio of the base, such as 0.05', minEffect)
  if (!isRatio(equivalence)) throw new InvalidArgumentError(`${what}.equivalence`, 'a ratio of the base, such as 0.1', equivalence)
  const isKnown = statistic === undefined || statistic === 'mean' || statistic === 'trimmedMean'
  if (!isKnown && !(typeof statistic === 'number' && statistic > 0 && statistic < 1))
    throw new InvalidArgumentError(`${what}.statistic`, "'trimmedMean', 'mean' or a quantile between 0 and 1", statistic)
}
