/** A registry's numbers as OpenTelemetry's protocol has them, in JSON: for `POST /v1/metrics` of a collector. */

import { InvalidArgumentError } from '../errors.ts'
import { optionsObject } from '../options.ts'
import type { MetricDump, RegistryDump } from './dump.ts'
import { samplesOf, unitOf } from './dump-numbers.ts'

/** Options of {@link otlpMetrics}. */
export interface OtlpOptions {
  /** Attributes of the resource, such as `{ 'service.name': 'shop' }`. Default: none. */
  resource?: Readonly<Record<string, string>>
  /** Since when the totals count, in milliseconds since the epoch. Default: as `time`. */
  startTime?: number
  /** When the dump was taken. Default: now. */
  time?: number
}

interface Attribute {
  key: string
  value: { stringValue: string }
}

/**
 * An `ExportMetricsServiceRequest` of a dump. Totals are cumulative.
 *
 * ```ts
 * const body = JSON.stringify(otlpMetrics(registry.dump(), { resource: { 'service.name': 'shop' }, startTime }))
 * await fetch('http://localhost:4318/v1/metrics', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
 * ```
 */
export function otlpMetrics(dump: RegistryDump, options?: OtlpOptions): { resourceMetrics: unknown[] } {
  if (dump?.version !== 1 || !Array.isArray(dump.metrics)) throw new InvalidArgumentError('dump', 'what registry.dump() returned', dump)
  const { resource = {}, time = Date.now(), startTime = time } = optionsObject(options, 'options')
  for (const [key, value] of Object.entries(optionsObject(resource, 'resource')))
    if (typeof value !== 'string') throw new InvalidArgumentError(`resource.${key}`, 'a string', value)
  const times = { timeUnixNano: nanoseconds(time, 'time'), startTimeUnixNano: nanoseconds(startTime, 'startTime') }
  const metrics = dump.metrics.filter(({ series }) => series.length > 0).map(metric => otlpMetric(metric, times))
  return {
    resourceMetrics: [
      { resource: { attributes: attributes(Object.entries(resource)) }, scopeMetrics: [{ scope: { name: 'shelflife' }, metrics }] },
    ],
  }
}

function otlpMetric({ kind, name, help, labelNames, series, buckets, quantiles }: MetricDump, times: Record<string, string>): unknown {
  const points = series.map(({ values, numbers }) => {
    const point = { attributes: attributes(labelNames.map((label, at) => [label, values[at] as string])), ...times }
    if (kind === 'counter' || kind === 'gauge') return { ...point, asDouble: number(numbers[0]) }
    const { count, sum, min, max, buckets: counts } = samplesOf(numbers)
    const totals = { ...point, count: String(count), sum }
    if (kind === 'summary') return { ...totals, quantileValues: [] }
    return { ...totals, ...(count > 0 && { min, max }), explicitBounds: buckets ?? [], bucketCounts: counts.map(String) }
  })
  const named = { name, description: help, unit: unitOf(name) }
  if (kind === 'gauge') return { ...named, gauge: { dataPoints: points } }
  if (kind === 'counter') return { ...named, sum: { dataPoints: points, aggregationTemporality: 2, isMonotonic: true } }
  if (quantiles !== undefined) return { ...named, summary: { dataPoints: points } }
  return { ...named, histogram: { dataPoints: points, aggregationTemporality: 2 } }
}

function attributes(entries: readonly (readonly [string, string])[]): Attribute[] {
  return entries.map(([key, value]) => ({ key, value: { stringValue: value } }))
}

/** JSON of protocol buffers writes what is no number as a string. */
function number(value: number | string | undefined): number | string {
  return typeof value === 'string' ? value : (value ?? 0)
}

function nanoseconds(ms: number, argument: string): string {
  if (!Number.isFinite(ms) || ms < 0) throw new InvalidArgumentError(argument, 'milliseconds since the epoch', ms)
  return String(BigInt(Math.round(ms * 1000)) * 1000n)
}
