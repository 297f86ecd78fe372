/** Runs and what a comparison of them says, as plain data that `JSON.stringify` keeps. */

import type { Clock } from '../clock.ts'
import type { Registry } from '../metrics/registry.ts'
import type { Duration } from '../options.ts'

/** Which way a number should go. */
export type Better = 'lower' | 'higher'

/** What is compared: the mean of the middle 90 %, the mean of all, or a quantile, such as 0.5 or 0.95. */
export type Statistic = 'trimmedMean' | 'mean' | number

/** What a run measured of one thing. It has either `samples` or `counts`. */
export interface RunMetric {
  /** Such as `ns` or `bytes`. Default: none. */
  unit?: string
  /** Default: `lower`. */
  better?: Better
  /** As they were measured, in that order. Several arrays are several processes, or other parts that may differ though nothing was changed. */
  samples?: readonly number[] | readonly (readonly number[])[]
  /** Many samples: rising values, each with how often it was seen. */
  counts?: readonly (readonly [value: number, times: number])[]
}

/** What a run measured, by name: samples alone, or with what there is to say of them. */
export type RunMetrics = Readonly<Record<string, RunMetric | readonly number[] | readonly (readonly number[])[]>>

/** Options of {@link createRun}. */
export interface RunOptions {
  /** Default: none; either these or a `registry`. */
  metrics?: RunMetrics
  /** Whose histograms, timers and summaries are measured, each with all its series together, as counts of 200 quantiles. Default: none. */
  registry?: Registry
  /** Of the registry, only what was recorded in this time. Default: all. */
  window?: Duration | 'all'
  /** Where it was measured: machine, engine, revision. Differences are told, not judged. Default: none. */
  environment?: Readonly<Record<string, string | number>>
  /** What says when. Default: the system's. */
  clock?: Clock
}

/** A run as it is stored. */
export interface Run {
  format: 'shelflife-run'
  version: 1
  /** When, as ISO 8601; `null` where nobody knows. */
  time: string | null
  environment: Record<string, string>
  metrics: Record<string, RunMetric>
}

/** What of a comparison may differ by metric. */
export interface MetricCompareOptions {
  /** The smallest change worth a verdict, as a ratio of the base. Default: 0.05. */
  minEffect?: number
  /** Where a change of this ratio can be ruled out, a metric is `unchanged`. Default: twice `minEffect`. */
  equivalence?: number
  /** Default: `trimmedMean`. */
  statistic?: Statistic
}

/** Options of {@link compareRuns}. */
export interface CompareOptions extends MetricCompareOptions {
  /** One less the rate of false alarms, of all metrics together. Default: 0.95. */
  confidence?: number
  /** By name of the metric. */
  metrics?: Readonly<Record<string, MetricCompareOptions>>
  /** More runs of what `now` measured: a change that one of them does not show is `inconclusive`. Default: none. */
  confirm?: readonly (Run | RunMetrics)[]
  /** Earlier runs, oldest first, from five on: how much runs differ that follow each other. A smaller change is none. Default: none. */
  history?: readonly (Run | RunMetrics)[]
  /** How often both runs are drawn anew, 500 to 100 000 times. Default: 2000. */
  resamples?: number
  /** Begins the random numbers; the same seed gives the same answer. Default: 1. */
  seed?: number
}

/** `inconclusive`: neither is there enough to show for a change, nor can one be ruled out. */
export type Verdict = 'regressed' | 'improved' | 'unchanged' | 'inconclusive'

/** What is said of one metric. Changes are ratios of the base: 0.1 is 10 % more. */
export interface MetricComparison {
  name: string
  unit: string
  better: Better
  verdict: Verdict
  /** Why, in a few words. */
  reason: string
  /** The statistic of each run. */
  base: number
  now: number
  /** Relative to the base; where that is zero, to what there is now. */
  change: number
  /** Holds the true change with `confidence`, of this metric alone. `null`, as below, with too few samples. */
  interval: [from: number, to: number] | null
  /** How likely so large a difference is where there is none; corrected for the number of metrics (Holm). */
  pValue: number
  /** The smallest true change that this comparison finds four times in five. */
  minimumDetectableEffect: number | null
  /** How much this metric moves though nothing has changed, by parts of the runs and by their history: smaller changes are none. */
  noiseFloor: number
  samples: { base: number; now: number }
  /** Samples in each run with which a change of `equivalence` would be found four times in five, if they vary as these do. */
  samplesNeeded: number
}

/** What {@link compareRuns} gives. */
export interface Comparison {
  /** `regressed` if one metric is, else `inconclusive` if one is or is missing, else `improved` if one is. */
  verdict: Verdict
  metrics: MetricComparison[]
  /** Metrics that only one of the runs has. */
  missing: { base: string[]; now: string[] }
  /** What the runs say differently of where they were measured. */
  environment: { name: string; base: string | null; now: string | null }[]
  confidence: number
}

/** Options of {@link scanRuns}. */
export interface ScanOptions extends Omit<MetricCompareOptions, 'equivalence'> {
  /** One less the rate of changes found where there are none, of all metrics together. Default: 0.95. */
  confidence?: number
  /** Begins the random numbers. Default: 1. */
  seed?: number
}

/** Where the level of a metric changed. */
export interface ChangePoint {
  /** The first run of the new level: its place in the runs, and its time. */
  run: number
  time: string | null
  verdict: 'regressed' | 'improved'
  /** The median of the runs on either side, up to the neighbouring changes. */
  before: number
  after: number
  /** Relative to the level before. */
  change: number
  pValue: number
}

/** How a metric went over many runs. */
export interface Trend {
  name: string
  unit: string
  better: Better
  /** The statistic of each run that has the metric. */
  values: { run: number; value: number }[]
  /** Oldest first. */
  changes: ChangePoint[]
  /** The median since the last change. `null` where no run has samples. */
  level: number | null
  /** The deviation of the change between two runs that follow each other, as a ratio. */
  deviation: number
}
