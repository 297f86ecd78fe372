/** A registry as a `MetricProducer` of OpenTelemetry's SDK: what a reader asks each time that it collects. */

import type { Clock } from '../clock.ts'
import { InvalidArgumentError } from '../errors.ts'
import { clockOption, optionsObject } from '../options.ts'
import type { MetricDump } from './dump.ts'
import { samplesOf, unitOf } from './dump-numbers.ts'
import type { Registry } from './registry.ts'

/** Options of {@link metricProducer}. */
export interface MetricProducerOptions {
  /** Since when the totals count, in milliseconds since the epoch. Default: when the producer is made. */
  startTime?: number
  /** What tells the time of each collection. Default: the system's. */
  clock?: Clock
}

/** Seconds since the epoch, and nanoseconds. */
type HrTime = [seconds: number, nanoseconds: number]

/** One series. */
export interface MetricPoint<Value> {
  readonly startTime: HrTime
  readonly endTime: HrTime
  readonly attributes: Record<string, string>
  readonly value: Value
}

/** Samples as the SDK has them. */
interface HistogramValue {
  buckets: { boundaries: number[]; counts: number[] }
  sum: number
  count: number
  min?: number
  max?: number
}

interface MetricHead {
  /** `valueType` 1: not only whole numbers. */
  readonly descriptor: { readonly name: string; readonly description: string; readonly unit: string; readonly valueType: 1 }
  /** Cumulative. */
  readonly aggregationTemporality: 1
}

/** One metric as the SDK has it: a histogram (0), a gauge (2) or a sum (3). */
export type MetricData =
  | (MetricHead & { readonly dataPointType: 0; readonly dataPoints: MetricPoint<HistogramValue>[] })
  | (MetricHead & { readonly dataPointType: 2; readonly dataPoints: MetricPoint<number>[] })
  | (MetricHead & { readonly dataPointType: 3; readonly dataPoints: MetricPoint<number>[]; readonly isMonotonic: true })

/** What a collection gives. The reader puts its own resource in the place of this one, which says nothing. */
export interface ProducedMetrics {
  resourceMetrics: {
    resource: { readonly attributes: Record<string, never>; merge<Other>(other: Other | null): Other; getRawAttributes(): [] }
    scopeMetrics: { scope: { readonly name: string }; metrics: MetricData[] }[]
  }
  errors: unknown[]
}

/** What the option `metricProducers` of a reader takes. */
export interface MetricProducer {
  collect(): Promise<ProducedMetrics>
}

/**
 * Gives a registry to readers of OpenTelemetry's SDK, beside what its meters record. Totals are cumulative. Of summaries they get count, sum, least and
 * greatest: the SDK knows no quantiles. Throws `ERR_INVALID_ARGUMENT`; what fails later is among the `errors` of a collection.
 *
 * ```ts
 * new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter(), metricProducers: [metricProducer(registry)] })
 * ```
 */
export function metricProducer(registry: Registry, options?: MetricProducerOptions): MetricProducer {
  // Not `instanceof`: those of `shelflife/slim` are of another class.
  if (typeof registry?.dump !== 'function') throw new InvalidArgumentError('registry', 'one of createRegistry', registry)
  const { startTime, clock: given } = optionsObject(options, 'options')
  const clock = clockOption(given)
  const began = startTime ?? clock.wall()
  if (!Number.isFinite(began) || began < 0) throw new InvalidArgumentError('startTime', 'milliseconds since the epoch', startTime)
  return {
    async collect() {
      const resource = { attributes: {}, merge: <Other>(other: Other | null) => other as Other, getRawAttributes: (): [] => [] }
      try {
        const times = { startTime: hrTime(began), endTime: hrTime(clock.wall()) }
        const metrics = registry.dump().metrics.filter(({ series }) => series.length > 0)
        const scopeMetrics = [{ scope: { name: 'shelflife' }, metrics: metrics.map(metric => dataOf(metric, times)) }]
        return { resourceMetrics: { resource, scopeMetrics }, errors: [] }
      } catch (error) {
        return { resourceMetrics: { resource, scopeMetrics: [] }, errors: [error] }
      }
    },
  }
}

function dataOf(
  { kind, name, help, labelNames, series, buckets = [] }: MetricDump,
  times: { startTime: HrTime; endTime: HrTime },
): MetricData {
  const head: MetricHead = { descriptor: { name, description: help, unit: unitOf(name), valueType: 1 }, aggregationTemporality: 1 }
  const points = <Value>(read: (numbers: readonly (number | string)[]) => Value): MetricPoint<Value>[] =>
    series.map(({ values, numbers }) => ({
      ...times,
      attributes: Object.fromEntries(labelNames.map((label, at) => [label, values[at] as string])),
      value: read(numbers),
    }))
  if (kind === 'counter') return { ...head, dataPointType: 3, isMonotonic: true, dataPoints: points(([value]) => Number(value)) }
  if (kind === 'gauge') return { ...head, dataPointType: 2, dataPoints: points(([value]) => Number(value)) }
  return {
    ...head,
    dataPointType: 0,
    dataPoints: points(numbers => {
      const { count, sum, min, max, buckets: counts } = samplesOf(numbers)
      return {
        buckets: { boundaries: [...buckets], counts: [...counts] },
        count,
        sum,
        ...(min !== undefined && max !== undefined && { min, max }),
      }
    }),
  }
}

function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000)
  return [seconds, Math.min(999_999_999, Math.round((ms - seconds * 1000) * 1e6))]
}
