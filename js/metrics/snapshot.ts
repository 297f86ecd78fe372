/** The registry's numbers as plain data, ready for `JSON.stringify`. */

import { SUMMARY_WIDTH } from '../core/metrics-core.ts'

/** All metrics at one moment. */
export interface RegistrySnapshot {
  metrics: MetricSnapshot[]
}

/** A metric that has more series than it may, and the label with most values. */
export interface Exploding {
  label: string
  /** How many different values it has had, within a few per cent. */
  values: number
}

/** One metric at one moment. */
export type MetricSnapshot = NumberSnapshot | HistogramSnapshot

/** A counter or gauge. */
export interface NumberSnapshot {
  name: string
  type: 'counter' | 'gauge'
  help: string
  /** How often labels were answered with the overflow series. */
  overflowed: number
  /** How many series have left since nobody used them, where any have. */
  expired?: number
  /** The label that has too many values, when `overflowed` is not 0. */
  exploding?: Exploding
  series: { labels: Record<string, string>; value: number }[]
}

/** A histogram, timer or summary. */
export interface HistogramSnapshot {
  name: string
  type: 'histogram' | 'summary'
  help: string
  /** How often labels were answered with the overflow series. */
  overflowed: number
  /** How many series have left since nobody used them, where any have. */
  expired?: number
  /** The label that has too many values, when `overflowed` is not 0. */
  exploding?: Exploding
  series: HistogramSeriesSnapshot[]
}

/** One series of a histogram or timer at one moment. */
export interface HistogramSeriesSnapshot extends Distribution {
  labels: Record<string, string>
  /** Of timers: operations that failed, of those whose outcome was told. */
  failures?: number
  /** Its windows, by the names they were asked with: `snapshot({ windows: ['1m'] })`. */
  windows?: Record<string, WindowedDistribution>
}

/** A distribution, and the time it is of. */
export interface WindowedDistribution extends Distribution {
  /** Milliseconds from the first moment that counts until now. `count / span * 1000` is a rate. */
  span: number
}

/** A distribution in numbers; those that an empty one does not have are `null`. Quantiles are off by at most `relativeError`. */
export interface Distribution {
  count: number
  sum: number
  min: number | null
  max: number | null
  mean: number | null
  /** The last sample recorded; of several series together, that of the last of them. */
  latest: number | null
  p50: number | null
  p95: number | null
  p99: number | null
}

/** The distribution in `slot` of the core's summaries. */
export function distributionAt(summaries: Float64Array, slot: number): Distribution {
  const at = slot * SUMMARY_WIDTH
  const number = (offset: number) => {
    const value = summaries[at + offset]
    return value === undefined || Number.isNaN(value) ? null : value
  }
  const count = summaries[at + 1] ?? 0
  const sum = summaries[at + 2] ?? 0
  return {
    count,
    sum,
    min: number(3),
    max: number(4),
    mean: count === 0 ? null : sum / count,
    latest: number(5),
    p50: number(6),
    p95: number(7),
    p99: number(8),
  }
}

/** The same with the time it is of. */
export function windowedAt(summaries: Float64Array, slot: number): WindowedDistribution {
  return { span: summaries[slot * SUMMARY_WIDTH] ?? 0, ...distributionAt(summaries, slot) }
}
