/** How much a number moves though nothing has changed: seen within a run, by its parts, and between runs, by those that follow each other. */

import { statisticOf } from './distribution.ts'
import type { Statistic } from './types.ts'

/** Fewer of them say little of how far apart they lie. */
const FEWEST_PARTS = 4
/** A run that came in one piece is cut into so many, so that bursts and drift fall into different ones. */
const PARTS = 8
const FEWEST_IN_PART = 4
/** Differences of neighbours from which the history of a metric says something. */
const FEWEST_STEPS = 4
/** The deviation of a normal distribution in units of its median distance from zero. */
const DEVIATION_OF_MEDIAN = 1.4826

/** How far off the statistic of a run is, by how far apart those of its parts lie; `freedom` says how sure that is. */
export interface PartsError {
  readonly error: number
  readonly freedom: number
}

/** `undefined` where there are too few samples, or where their order is not known. */
export function errorOfParts(parts: readonly (readonly number[])[], statistic: Statistic): PartsError | undefined {
  const pieces = parts.length >= FEWEST_PARTS ? parts : cut(parts.flat())
  if (pieces.length < FEWEST_PARTS) return undefined
  const found = pieces.map(piece => {
    const values = Float64Array.from(piece).sort()
    return statisticOf(values, new Float64Array(values.length).fill(1), values.length, statistic)
  })
  const freedom = found.length - 1
  const mean = found.reduce((sum, one) => sum + one, 0) / found.length
  const variance = found.reduce((sum, one) => sum + (one - mean) ** 2, 0) / freedom
  return { error: Math.sqrt(variance / found.length), freedom }
}

/**
 * The deviation of the change between two runs that follow each other, of the statistics of runs in their order. Half of the
 * changes may be real ones: it is by their median. 0 where there are too few.
 */
export function deviationOfSteps(series: readonly number[]): number {
  const steps = series.slice(1).map((value, at) => relative(series[at] as number, value))
  return steps.length < FEWEST_STEPS ? 0 : DEVIATION_OF_MEDIAN * median(steps.map(Math.abs))
}

/** How much `now` is more than `base`, as a ratio of it; of `now`, where the base is zero. */
export function relative(base: number, now: number): number {
  return now === base ? 0 : (now - base) / scaleOf(base, now)
}

/** What changes between these two are told in units of. */
export function scaleOf(base: number, now: number): number {
  return Math.abs(base === 0 ? now : base)
}

/** The middle value, or the mean of the two. */
export function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort()
  return ((sorted[(sorted.length - 1) >> 1] as number) + (sorted[sorted.length >> 1] as number)) / 2
}

function cut(samples: readonly number[]): readonly (readonly number[])[] {
  const count = Math.min(PARTS, Math.floor(samples.length / FEWEST_IN_PART))
  return Array.from({ length: count }, (_, at) =>
    samples.slice(Math.round((at * samples.length) / count), Math.round(((at + 1) * samples.length) / count)),
  )
}
