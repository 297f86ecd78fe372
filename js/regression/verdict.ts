/** From what two samples say of a change to a verdict. */

import { ShelflifeError } from '../errors.ts'
import type { Checked } from './compare-options.ts'
import { Distribution } from './distribution.ts'
import { FEWEST_SAMPLES, Finding, suffices } from './finding.ts'
import { deviationOfSteps } from './noise.ts'
import { quantile } from './normal.ts'
import { seedOf } from './random.ts'
import type { Better, MetricCompareOptions, MetricComparison, Run, RunMetric, Statistic, Verdict } from './types.ts'

/** One metric of both runs. */
export interface Pair extends Required<MetricCompareOptions> {
  readonly name: string
  readonly unit: string
  readonly better: Better
  readonly base: Distribution
  readonly now: Distribution
  /** `undefined` where there are too few samples. */
  readonly finding: Finding | undefined
  /** Corrected for the number of metrics. */
  readonly pValue: number
}

/** What else there is to judge by. */
export interface Evidence {
  /** The same metric in each of the runs that have to confirm; `undefined` where one does not have it. */
  readonly again: readonly (Pair | undefined)[]
  readonly history: readonly Run[]
  /** What chance may do. */
  readonly level: number
}

/** The metrics that both runs have, in the order of `base`. */
export function pairsOf(base: Run, now: Run, options: Checked): Pair[] {
  const names = Object.keys(base.metrics).filter(name => Object.hasOwn(now.metrics, name))
  return corrected(names.map(name => pairOf(name, base.metrics[name] as RunMetric, now.metrics[name] as RunMetric, options)))
}

/** The verdict on one metric. */
export function judged(pair: Pair, evidence: Evidence): MetricComparison {
  const { name, unit, better, statistic, base, now, finding, pValue } = pair
  const told = { name, unit, better, samples: { base: base.total, now: now.total } }
  if (finding === undefined) {
    const seen = { base: levelOf(base, statistic), now: levelOf(now, statistic), change: 0, interval: null, pValue: 1 }
    const needed = { minimumDetectableEffect: null, noiseFloor: 0, samplesNeeded: fewest(statistic) }
    return { ...told, verdict: 'inconclusive', reason: 'too few samples', ...seen, ...needed }
  }
  const { level, history } = evidence
  const between = deviationOfSteps(historyOf(name, history, statistic)) * quantile(1 - level / 2)
  const noiseFloor = Math.max(finding.noise, between)
  const [verdict, reason] = verdictOf(pair, finding, noiseFloor, evidence)
  const needed = finding.factorFor(pair.equivalence, level) * Math.max(base.total, now.total)
  return {
    ...told,
    verdict,
    reason,
    base: finding.base,
    now: finding.now,
    change: finding.change,
    interval: finding.interval(1 - level),
    pValue,
    minimumDetectableEffect: finding.minimumEffect(Math.max(pair.minEffect, noiseFloor), level),
    noiseFloor,
    samplesNeeded: Math.max(fewest(statistic), Math.ceil(needed)),
  }
}

function verdictOf(pair: Pair, finding: Finding, noiseFloor: number, { again, level }: Evidence): [Verdict, string] {
  const { better, equivalence } = pair
  const direction = changeFound(pair, level)
  if (direction !== 0 && Math.abs(finding.change) >= noiseFloor) {
    const confirmed = again.every(other => other !== undefined && changeFound(other, level) === direction)
    if (!confirmed) return ['inconclusive', 'not confirmed by every further run']
    return [direction > 0 === (better === 'lower') ? 'regressed' : 'improved', 'significant and large enough']
  }
  // A test for either side, which is what an interval of twice the level comes to.
  const [from, to] = finding.interval(1 - 2 * level)
  const ruledOut = from > -equivalence && to < equivalence
  if (ruledOut && noiseFloor < equivalence) return ['unchanged', 'a larger change is ruled out']
  const seen = pair.pValue < level && Math.abs(finding.change) >= pair.minEffect
  return ['inconclusive', ruledOut || seen ? 'it moves as much by itself' : 'too few samples for how much they vary']
}

/** 1 or -1 where there is a change of that sign, significant and large enough; else 0. */
function changeFound({ finding, pValue, minEffect }: Pair, level: number): number {
  if (finding === undefined || pValue >= level || Math.abs(finding.change) < Math.max(minEffect, finding.noise)) return 0
  return Math.sign(finding.change)
}

function pairOf(name: string, base: RunMetric, now: RunMetric, options: Checked): Pair {
  const { unit = '', better = 'lower' } = base
  for (const told of ['unit', 'better'] as const) {
    if (base[told] !== now[told])
      throw new ShelflifeError('ERR_PARSE', `'${name}' has '${base[told]}' as its ${told} in base and '${now[told]}' in now`)
  }
  const { confidence, resamples, seed } = options
  const own = options.metric(name)
  const [was, is] = [new Distribution(base), new Distribution(now)]
  const enough = suffices(was, own.statistic) && suffices(is, own.statistic)
  const how = { statistic: own.statistic, confidence, resamples, seed: seedOf(seed, name) }
  const finding = enough ? new Finding(was, is, how) : undefined
  return { name, unit, better, ...own, base: was, now: is, finding, pValue: finding?.pValue ?? 1 }
}

/** Holm's correction: the smallest of m has to be m times as small, the next one m - 1 times, and so on. */
function corrected(pairs: readonly Pair[]): Pair[] {
  const values = new Map<Pair, number>()
  let least = 0
  for (const [at, pair] of pairs.toSorted((a, b) => a.pValue - b.pValue).entries()) {
    least = Math.min(1, Math.max(least, pair.pValue * (pairs.length - at)))
    values.set(pair, least)
  }
  return pairs.map(pair => ({ ...pair, pValue: values.get(pair) as number }))
}

function historyOf(name: string, history: readonly Run[], statistic: Statistic): number[] {
  return history
    .filter(({ metrics }) => Object.hasOwn(metrics, name))
    .map(({ metrics }) => new Distribution(metrics[name] as RunMetric))
    .filter(({ total }) => total > 0)
    .map(one => one.statistic(statistic))
}

function fewest(statistic: Statistic): number {
  return typeof statistic === 'number' ? Math.ceil(FEWEST_SAMPLES / Math.min(statistic, 1 - statistic)) : FEWEST_SAMPLES
}

function levelOf(distribution: Distribution, statistic: Statistic): number {
  return distribution.total === 0 ? 0 : distribution.statistic(statistic)
}
