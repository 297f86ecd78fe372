/** Many runs: where the level of a metric changed. */

import { InvalidArgumentError } from '../errors.ts'
import { optionsObject } from '../options.ts'
import { runsOf } from './compare.ts'
import { checkedOptions } from './compare-options.ts'
import { Distribution } from './distribution.ts'
import { deviationOfSteps, median, relative } from './noise.ts'
import { Random, seedOf } from './random.ts'
import type { ChangePoint, Run, RunMetric, RunMetrics, ScanOptions, Trend } from './types.ts'

/** Runs on either side of a change: two could be an accident. */
const FEWEST_RUNS = 3
/** Earlier ones are not looked at. */
const MOST_RUNS = 200
/** Orders that are tried for each false alarm allowed, and at most. */
const ORDERS = 20
const MOST_ORDERS = 20_000

/**
 * Looks for changes of level in runs, oldest first, of more than 200 in the latest: for a stretch whose values rank otherwise than the rest, more so than in all but a few
 * random orders of them, and then within it and beside it, and so on; a change of the median by less than `minEffect` is none. An outlier is no change, either:
 * it takes three runs on each side and about ten in all, more where there are many metrics.
 *
 * ```ts
 * for (const { name, changes } of scanRuns(runs)) for (const { time, change, verdict } of changes) console.log(name, verdict, time, change)
 * ```
 *
 * Throws `ERR_PARSE` for what is no run, `ERR_INVALID_ARGUMENT` for options.
 */
export function scanRuns(runs: readonly (Run | RunMetrics)[], options?: ScanOptions): Trend[] {
  const given: ScanOptions = optionsObject(options, 'options')
  if (runs === undefined) throw new InvalidArgumentError('runs', 'an array of runs', runs)
  const read = runsOf(runs, 'runs')
  const { confidence, seed, metric } = checkedOptions(given)
  const latest = new Map<string, RunMetric>()
  for (const { metrics } of read) for (const [name, one] of Object.entries(metrics)) latest.set(name, one)
  const level = (1 - confidence) / Math.max(1, latest.size)
  return Array.from(latest, ([name, { unit = '', better = 'lower' }]) => {
    const { statistic, minEffect } = metric(name)
    const values = read.flatMap(({ metrics }, run) => {
      const distribution =
        run >= read.length - MOST_RUNS && Object.hasOwn(metrics, name) ? new Distribution(metrics[name] as RunMetric) : undefined
      return distribution === undefined || distribution.total === 0 ? [] : [{ run, value: distribution.statistic(statistic) }]
    })
    const series = values.map(({ value }) => value)
    const found = largeEnough(series, splitsOf(series, 0, { level, random: new Random(seedOf(seed, name)) }), minEffect)
    const bounds = [0, ...found.map(({ at }) => at), series.length]
    const changes = found.map(({ at, pValue }, index): ChangePoint => {
      const { run } = values[at] as { run: number }
      const before = median(series.slice(bounds[index], at))
      const after = median(series.slice(at, bounds[index + 2]))
      const verdict = after > before === (better === 'lower') ? 'regressed' : 'improved'
      return { run, time: read[run]?.time ?? null, verdict, before, after, change: relative(before, after), pValue }
    })
    const last = series.slice(bounds.at(-2))
    return { name, unit, better, values, changes, level: last.length === 0 ? null : median(last), deviation: deviationOfSteps(series) }
  })
}

/** A place where the level changes, before the value `at`. */
interface Split {
  readonly at: number
  readonly pValue: number
}

/** The places where chance does not put such a difference, in the series and then in its parts. */
function splitsOf(series: readonly number[], from: number, how: { level: number; random: Random }): Split[] {
  if (series.length < 2 * FEWEST_RUNS) return []
  const ranks = ranksOf(series)
  const { begin, end, size } = oddestStretch(ranks)
  const orders = Math.min(MOST_ORDERS, Math.ceil(ORDERS / how.level))
  let asLarge = 1
  for (let order = 0; order < orders && asLarge < how.level * (orders + 1); order += 1) {
    if (oddestStretch(shuffled(ranks, how.random)).size >= size - 1e-9) asLarge += 1
  }
  const pValue = asLarge / (orders + 1)
  if (pValue >= how.level) return []
  const after = begin === 0 ? 0 : placed(series, 0, end)
  const bounds = [0, after, end === series.length ? end : placed(series, after, series.length), series.length]
  const within = bounds.slice(1).flatMap((to, part) => splitsOf(series.slice(bounds[part], to), from + (bounds[part] as number), how))
  const here = bounds.filter(at => at > 0 && at < series.length).map(at => ({ at: from + at, pValue }))
  return [...within, ...here].sort((a, b) => a.at - b.at)
}

/** Ranks tell whether there is a change between `from` and `to`, values where: with each side as near to its median as can be. */
function placed(series: readonly number[], from: number, to: number): number {
  const spread = (values: readonly number[]) => {
    const middle = median(values)
    return values.reduce((sum, value) => sum + Math.abs(value - middle), 0)
  }
  let [best, least] = [from + FEWEST_RUNS, Number.POSITIVE_INFINITY]
  for (let at = from + FEWEST_RUNS; at <= to - FEWEST_RUNS; at += 1) {
    const sum = spread(series.slice(from, at)) + spread(series.slice(at, to))
    if (sum < least) [best, least] = [at, sum]
  }
  return best
}

/** Without the splits on whose sides the levels are about the same, the least of them first, since that moves its neighbours' levels. */
function largeEnough(series: readonly number[], splits: readonly Split[], minEffect: number): readonly Split[] {
  const bounds = [0, ...splits.map(({ at }) => at), series.length]
  const levels = bounds.slice(1).map((end, at) => median(series.slice(bounds[at], end)))
  const changes = splits.map((_, at) => Math.abs(relative(levels[at] as number, levels[at + 1] as number)))
  const least = Math.min(...changes)
  return least < minEffect ? largeEnough(series, splits.toSpliced(changes.indexOf(least), 1), minEffect) : splits
}

/** The stretch whose ranks differ most from all others, in units of what chance would do (circular binary segmentation, Olshen 2004). */
function oddestStretch(ranks: Float64Array): { begin: number; end: number; size: number } {
  const count = ranks.length
  const sums = new Float64Array(count + 1)
  for (let at = 0; at < count; at += 1) sums[at + 1] = (sums[at] as number) + (ranks[at] as number) - (count + 1) / 2
  let [begin, end, size] = [0, 0, -1]
  for (let from = 0; from <= count - FEWEST_RUNS; from += from === 0 ? FEWEST_RUNS : 1) {
    for (let to = from + FEWEST_RUNS; to <= count; to += 1) {
      const others = count - to + from
      if (others < FEWEST_RUNS || (to < count && count - to < FEWEST_RUNS)) continue
      const gap = Math.abs((sums[to] as number) - (sums[from] as number)) / Math.sqrt(((to - from) * others) / count)
      if (gap > size) [begin, end, size] = [from, to, gap]
    }
  }
  return { begin, end, size }
}

/** The place of each value in the order of size; equal ones share theirs. */
function ranksOf(series: readonly number[]): Float64Array {
  const sorted = Float64Array.from(series).sort()
  return Float64Array.from(series, value => (sorted.indexOf(value) + sorted.lastIndexOf(value)) / 2 + 1)
}

function shuffled(values: Float64Array, random: Random): Float64Array {
  for (let at = values.length - 1; at > 0; at -= 1) {
    const other = Math.trunc(random.next() * (at + 1))
    const value = values[at] as number
    values[at] = values[other] as number
    values[other] = value
  }
  return values
}
