/** A registry's numbers in a form that others can add to theirs: those of another thread, tab or process. */

import { InvalidArgumentError } from '../errors.ts'
import { optionsObject } from '../options.ts'
import type { Catalogue, Registered } from './catalogue.ts'
import type { AnyOptions, Kind } from './definition.ts'
import { CounterSeries, GaugeSeries, HistogramSeries } from './series.ts'

/** What {@link Registry.dump} returns: plain data, for `postMessage` or `JSON.stringify`. */
export interface RegistryDump {
  /** The version of this form. */
  version: 1
  metrics: MetricDump[]
}

/** One metric of a {@link RegistryDump}. */
export interface MetricDump {
  kind: Kind
  /** The full name, with the prefix. */
  name: string
  help: string
  labelNames: string[]
  buckets?: number[]
  relativeError?: number
  quantiles?: number[]
  window?: number | 'all'
  /** Label values in the order of `labelNames`, and the numbers; those that JSON does not know as strings. */
  series: { values: string[]; numbers: (number | string)[] }[]
}

/** Options of {@link Registry.merge}. */
export interface MergeOptions {
  /** How gauges become one. Default: their sum. */
  gauges?: 'sum' | 'max' | 'last'
}

/** The numbers of all metrics. */
export function dumpOf(catalogue: Catalogue): RegistryDump {
  return { version: 1, metrics: catalogue.all().map(metric => metricDump(catalogue, metric)) }
}

function metricDump({ core }: Catalogue, { kind, family, instrument, series }: Registered): MetricDump {
  const { name, help, labelNames } = instrument
  const dump: MetricDump = { kind, name, help, labelNames: [...labelNames], series: [] }
  if (family.kind === 'histogram') dump.buckets = [...family.bounds]
  if (family.kind === 'summary') {
    dump.quantiles = [...family.quantiles]
    dump.window = family.window === Number.POSITIVE_INFINITY ? 'all' : family.window
  }
  if (family.kind === 'histogram' || family.kind === 'summary') dump.relativeError = family.alpha
  for (const { labels, slot, series: one } of series) {
    const numbers = one instanceof HistogramSeries ? core.dump(slot) : [(one as CounterSeries | GaugeSeries).value]
    dump.series.push({ values: labelNames.map(label => labels[label] as string), numbers: Array.from(numbers, portable) })
  }
  return dump
}

/** Registers a metric by its full name, or finds it. */
export type Create = (kind: Kind, options: AnyOptions) => { with(labels: Record<string, string>): unknown }

/** Adds a dump to the metrics of a registry. Everything is registered before anything is added. */
export function mergeDump(catalogue: Catalogue, dump: RegistryDump, options: MergeOptions | undefined, create: Create): void {
  const { gauges = 'sum' } = optionsObject(options, 'options')
  if (gauges !== 'sum' && gauges !== 'max' && gauges !== 'last') throw new InvalidArgumentError('gauges', "'sum', 'max' or 'last'", gauges)
  if (dump?.version !== 1 || !Array.isArray(dump.metrics)) throw new InvalidArgumentError('dump', 'what registry.dump() returned', dump)
  for (const metric of dump.metrics) {
    if (!isMetricDump(metric)) throw new InvalidArgumentError('dump', 'what registry.dump() returned', metric)
  }
  const known = new Set(dump.metrics.flatMap(({ name }) => catalogue.get(name)?.series.map(({ series }) => series) ?? []))
  const additions = dump.metrics.flatMap(metric => {
    const { kind, series: _, ...definition } = metric
    const instrument = create(kind, definition)
    return metric.series.map(({ values, numbers }) => ({
      name: metric.name,
      series: instrument.with(Object.fromEntries(metric.labelNames.map((label, at) => [label, String(values[at])]))),
      numbers: Float64Array.from(numbers, Number),
    }))
  })
  for (const { name, series, numbers } of additions) {
    if (!add(series, numbers, gauges, !known.has(series))) throw new InvalidArgumentError('dump', `made of numbers of ${name}`, numbers)
    known.add(series)
  }
}

function add(series: unknown, numbers: Float64Array, gauges: 'sum' | 'max' | 'last', isNew: boolean): boolean {
  if (series instanceof HistogramSeries) return series.merge(numbers)
  const number = numbers[0] as number
  if (numbers.length !== 1) return false
  if (series instanceof CounterSeries) {
    if (!(number >= 0 && number < Number.POSITIVE_INFINITY)) return false
    series.inc(number)
  } else if (series instanceof GaugeSeries) {
    if (isNew || gauges === 'last') series.set(number)
    else series.set(gauges === 'sum' ? series.value + number : Math.max(series.value, number))
  }
  return true
}

function isMetricDump(metric: MetricDump): boolean {
  const { kind, labelNames, series } = Object(metric) as MetricDump
  return (
    ['counter', 'gauge', 'histogram', 'timer', 'summary'].includes(kind) &&
    Array.isArray(labelNames) &&
    Array.isArray(series) &&
    series.every(one => Array.isArray(one?.values) && Array.isArray(one.numbers) && one.values.length === labelNames.length)
  )
}

function portable(number: number): number | string {
  return Number.isFinite(number) ? number : String(number)
}
