/** Compares two runs, metric by metric. */

import { InvalidArgumentError } from '../errors.ts'
import { optionsObject } from '../options.ts'
import { checkedOptions } from './compare-options.ts'
import { readRun } from './run.ts'
import type { CompareOptions, Comparison, MetricComparison, Run, RunMetrics, Verdict } from './types.ts'
import { judged, pairsOf } from './verdict.ts'

/**
 * Compares what `now` measured with `base`. A metric has `regressed` or `improved` when the change is *significant* (both runs drawn
 * anew, again and again, do not show it by chance), *large enough* (`minEffect`, and more than the metric moves by itself) and, where
 * more runs are given, *confirmed* by each of them. It is `unchanged` when a change of `equivalence` can be ruled out, else `inconclusive`.
 *
 * ```ts
 * const base = JSON.parse(await readFile('base.json', 'utf8'))
 * const { verdict, metrics } = compareRuns(base, createRun({ metrics: { load: samples } }))
 * for (const { name, verdict, change, interval } of metrics) console.log(name, verdict, change, interval)
 * ```
 *
 * 120 samples that vary by 20 % show a change of 10 % four times in five. The same input and `seed` give the same answer.
 * Throws `ERR_PARSE` for what is no run, and for a metric that has another unit or direction in `now`; `ERR_INVALID_ARGUMENT` for options.
 */
export function compareRuns(base: Run | RunMetrics, now: Run | RunMetrics, options?: CompareOptions): Comparison {
  const given: CompareOptions = optionsObject(options, 'options')
  const checked = checkedOptions(given)
  const [from, to] = [readRun(base, 'base'), readRun(now, 'now')]
  const confirming = runsOf(given.confirm, 'confirm').map(run => pairsOf(from, run, checked))
  const history = runsOf(given.history, 'history')
  const metrics = pairsOf(from, to, checked).map(pair => {
    const again = confirming.map(pairs => pairs.find(({ name }) => name === pair.name))
    return judged(pair, { again, history, level: 1 - checked.confidence })
  })
  const missing = { base: namesBut(to, from), now: namesBut(from, to) }
  return { verdict: overall(metrics, missing.now), metrics, missing, environment: differences(from, to), confidence: checked.confidence }
}

function overall(metrics: readonly MetricComparison[], missing: readonly string[]): Verdict {
  const has = (verdict: Verdict) => metrics.some(metric => metric.verdict === verdict)
  if (has('regressed')) return 'regressed'
  if (metrics.length === 0 || missing.length > 0 || has('inconclusive')) return 'inconclusive'
  return has('improved') ? 'improved' : 'unchanged'
}

function namesBut({ metrics }: Run, other: Run): string[] {
  return Object.keys(metrics).filter(name => !Object.hasOwn(other.metrics, name))
}

function differences(base: Run, now: Run): Comparison['environment'] {
  const value = ({ environment }: Run, name: string) => (Object.hasOwn(environment, name) ? (environment[name] as string) : null)
  return [...new Set([...Object.keys(base.environment), ...Object.keys(now.environment)])]
    .map(name => ({ name, base: value(base, name), now: value(now, name) }))
    .filter(one => one.base !== one.now)
}

/** The runs of an option. */
export function runsOf(given: readonly (Run | RunMetrics)[] | undefined, name: string): Run[] {
  if (given === undefined) return []
  if (!Array.isArray(given)) throw new InvalidArgumentError(name, 'an array of runs', given)
  return given.map((run, at) => readRun(run, `${name} ${at + 1}`))
}
