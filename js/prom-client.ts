/**
 * prom-client's names over shelflife's instruments: `import { Counter, register } from 'shelflife/prom-client'`.
 *
 * Different: a label that is left out is the empty string, which Prometheus takes for the same; a metric has at most 100 000 series,
 * then one whose labels are all `overflow`; summaries are histograms of one per cent; exemplars, push gateways and clusters are not covered:
 * `enableExemplars` is refused, `Pushgateway` and `AggregatorRegistry` are not exported.
 */

export { collectDefaultMetrics, type DefaultMetricsConfiguration } from './prom-client/defaults.ts'
export type { MetricConfiguration, MetricObject, MetricType } from './prom-client/metric.ts'
export { Counter, Gauge, Histogram, type HistogramConfiguration, Summary, type SummaryConfiguration } from './prom-client/metrics.ts'
export { contentType, Registry, register } from './prom-client/registry.ts'

/** The media type of the Prometheus text. */
export const prometheusContentType = 'text/plain; version=0.0.4; charset=utf-8'

/** `count` bounds from `start` on, each `width` above the one before. */
export function linearBuckets(start: number, width: number, count: number): number[] {
  return buckets(count, at => start + at * width)
}

/** `count` bounds from `start` on, each `factor` times the one before. */
export function exponentialBuckets(start: number, factor: number, count: number): number[] {
  if (!(start > 0)) throw new Error('Exponential buckets needs a positive start')
  if (!(factor > 1)) throw new Error('Exponential buckets needs a factor greater than 1')
  return buckets(count, at => start * factor ** at)
}

function buckets(count: number, bound: (at: number) => number): number[] {
  if (!(count >= 1)) throw new Error('Buckets needs a positive count')
  return Array.from({ length: count }, (_, at) => bound(at))
}
