/** The registry's numbers as plain data, ready for `JSON.stringify`. */

import { SUMMARY_WIDTH } from '../core/metrics-core.ts'

/** All metrics at one moment. */
export interface RegistrySnapshot {
  metrics: MetricSnapshot[]
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
  series: { labels: Record<string, string>; value: number }[]
}

/** A histogram or timer. */
export interface HistogramSnapshot {
  name: string
  type: 'histogram'
  help: string
  /** How often labels were answered with the overflow series. */
  overflowed: number
  series: ({ labels: Record<string, string> } & Distribution)[]
}

/** A distribution in numbers; those that an empty one does not have are `null`. Quantiles are off by at most `relativeError`. */
export interface Distribution {
  count: number
  sum: number
  min: number | null
  max: number | null
  mean: number | null
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
  const count = summaries[at] ?? 0
  const sum = summaries[at + 1] ?? 0
  return {
    count,
    sum,
    min: number(2),
    max: number(3),
    mean: count === 0 ? null : sum / count,
    p50: number(4),
    p95: number(5),
    p99: number(6),
  }
}
