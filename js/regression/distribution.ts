/** A distribution: values in order, each with how often it was seen; its statistics, and what they become when it is drawn anew. */

import type { Random } from './random.ts'
import type { RunMetric, Statistic } from './types.ts'

/** What a trimmed mean leaves out at each end. */
const TRIM = 0.05

/** See the top of this file. */
export class Distribution {
  readonly values: Float64Array
  readonly times: Float64Array
  /** How many samples. */
  readonly total: number
  /** The samples by part, in order; none where they were only counted. */
  readonly parts: readonly (readonly number[])[]

  constructor({ samples, counts = [] }: RunMetric) {
    this.parts = samples === undefined ? [] : partsOf(samples)
    const all = this.parts.flat()
    this.values = samples === undefined ? Float64Array.from(counts, ([value]) => value) : Float64Array.from(all).sort()
    this.times = samples === undefined ? Float64Array.from(counts, ([, times]) => times) : new Float64Array(all.length).fill(1)
    this.total = this.times.reduce((sum, times) => sum + times, 0)
  }

  /** The statistic of what was seen. */
  statistic(statistic: Statistic): number {
    return statisticOf(this.values, this.times, this.total, statistic)
  }

  /** The statistics of `draws` samples of the same size, drawn from what was seen (Efron's bootstrap). */
  resample(statistic: Statistic, draws: number, random: Random): Float64Array {
    const { values, times, total } = this
    const drawn = new Float64Array(values.length)
    const counted = this.parts.length === 0
    return Float64Array.from({ length: draws }, () => {
      if (counted) {
        let sum = 0
        for (let at = 0; at < drawn.length; at += 1) sum += drawn[at] = random.poisson(times[at] as number)
        return sum === 0 ? this.statistic(statistic) : statisticOf(values, drawn, sum, statistic)
      }
      drawn.fill(0)
      for (let turn = 0; turn < total; turn += 1) {
        const at = Math.trunc(random.next() * total)
        drawn[at] = (drawn[at] as number) + 1
      }
      return statisticOf(values, drawn, total, statistic)
    })
  }
}

/** The samples of each part; one part where the run does not tell them apart. */
export function partsOf(samples: NonNullable<RunMetric['samples']>): readonly (readonly number[])[] {
  return typeof samples[0] === 'object' ? (samples as readonly (readonly number[])[]) : [samples as readonly number[]]
}

/** How many of `total` samples have a say in the statistic. */
export function effective(total: number, statistic: Statistic): number {
  return statistic === 'trimmedMean' ? total * (1 - 2 * TRIM) : total
}

/** The statistic of rising `values` seen `times` often each. */
export function statisticOf(values: Float64Array, times: Float64Array, total: number, statistic: Statistic): number {
  if (typeof statistic === 'number') return quantileOf(values, times, (total - 1) * statistic)
  const trim = statistic === 'mean' ? 0 : TRIM
  return meanBetween(values, times, total * trim, total * (1 - trim))
}

/** The mean of what lies from place `from` to place `to`; at the ends a part of a sample counts for as much. */
function meanBetween(values: Float64Array, times: Float64Array, from: number, to: number): number {
  let sum = 0
  let end = 0
  for (let at = 0; at < values.length; at += 1) {
    const begin = end
    end += times[at] as number
    if (end <= from) continue
    if (begin >= to) break
    sum += (values[at] as number) * ((end < to ? end : to) - (begin > from ? begin : from))
  }
  return sum / (to - from)
}

/** The value at a place that may lie between two samples. */
function quantileOf(values: Float64Array, times: Float64Array, place: number): number {
  const whole = Math.floor(place)
  let end = 0
  let lower: number | undefined
  for (let at = 0; at < values.length; at += 1) {
    end += times[at] as number
    const value = values[at] as number
    if (lower === undefined && end > whole) {
      if (end > whole + 1 || place === whole) return value
      lower = value
    } else if (lower !== undefined && (times[at] as number) > 0) return lower + (value - lower) * (place - whole)
  }
  return lower ?? Number.NaN
}
