/** prom-client's four metrics. */

import type { LabelValue } from '../metrics/labels.ts'
import type { CounterSeries, GaugeSeries, HistogramSeries } from '../metrics/series.ts'
import type { Duration } from '../options.ts'
import { Metric, type MetricConfiguration, type PartialLabels } from './metric.ts'

/** Options of histograms. */
export interface HistogramConfiguration<T extends string> extends MetricConfiguration<T> {
  buckets?: readonly number[]
}

/** Options of summaries. */
export interface SummaryConfiguration<T extends string> extends MetricConfiguration<T> {
  percentiles?: readonly number[]
  /** Samples are forgotten after so many seconds. Default: never. */
  maxAgeSeconds?: number
}

type Given<T extends string> = PartialLabels<T> | number

/** A total that only rises. */
export class Counter<T extends string = string> extends Metric<T, CounterSeries> {
  readonly type = 'counter'

  constructor(configuration: MetricConfiguration<T>) {
    super(configuration, registry => registry.counter(named(configuration)))
  }

  inc(value?: number): void
  inc(labels: PartialLabels<T>, value?: number): void
  inc(first?: Given<T>, second?: number): void {
    const { labels, value = 1 } = split(first, second)
    checked(value)
    if (value < 0) throw new Error('It is not possible to decrease a counter')
    this.series(labels).inc(value)
  }

  labels(...labels: [PartialLabels<T>] | LabelValue[]): { inc(value?: number): void } {
    const given = this.given(labels)
    return { inc: value => this.inc(given, value) }
  }
}

/** A number that goes up and down. */
export class Gauge<T extends string = string> extends Metric<T, GaugeSeries> {
  readonly type = 'gauge'

  constructor(configuration: MetricConfiguration<T>) {
    super(configuration, registry => registry.gauge(named(configuration)))
  }

  set(value: number): void
  set(labels: PartialLabels<T>, value: number): void
  set(first: Given<T>, second?: number): void {
    const { labels, value } = split(first, second)
    this.series(labels).set(checked(value))
  }

  inc(value?: number): void
  inc(labels: PartialLabels<T>, value?: number): void
  inc(first?: Given<T>, second?: number): void {
    const { labels, value = 1 } = split(first, second)
    this.series(labels).inc(checked(value))
  }

  dec(value?: number): void
  dec(labels: PartialLabels<T>, value?: number): void
  dec(first?: Given<T>, second?: number): void {
    const { labels, value = 1 } = split(first, second)
    this.series(labels).dec(checked(value))
  }

  /** Sets it to the time of day, in seconds. */
  setToCurrentTime(labels: PartialLabels<T> = {}): void {
    this.set(labels, Date.now() / 1000)
  }

  /** Sets it to the seconds until the function returned is called. */
  startTimer(labels: PartialLabels<T> = {}): (labels?: PartialLabels<T>) => number {
    return timed(labels, (all, seconds) => this.set(all, seconds))
  }

  labels(...labels: [PartialLabels<T>] | LabelValue[]) {
    const given = this.given(labels)
    return {
      set: (value: number) => this.set(given, value),
      inc: (value?: number) => this.inc(given, value),
      dec: (value?: number) => this.dec(given, value),
      setToCurrentTime: () => this.setToCurrentTime(given),
      startTimer: () => this.startTimer(given),
    }
  }
}

abstract class Observing<T extends string> extends Metric<T, HistogramSeries> {
  observe(value: number): void
  observe(labels: PartialLabels<T>, value: number): void
  observe(first: Given<T>, second?: number): void {
    const { labels, value } = split(first, second)
    this.series(labels).observe(checked(value))
  }

  /** Observes the seconds until the function returned is called. */
  startTimer(labels: PartialLabels<T> = {}): (labels?: PartialLabels<T>) => number {
    return timed(labels, (all, seconds) => this.observe(all, seconds))
  }

  /** Begins the series of these labels without a sample. */
  zero(labels: PartialLabels<T>): void {
    this.series(labels)
  }

  labels(...labels: [PartialLabels<T>] | LabelValue[]) {
    const given = this.given(labels)
    return { observe: (value: number) => this.observe(given, value), startTimer: () => this.startTimer(given) }
  }
}

/** Samples in buckets. */
export class Histogram<T extends string = string> extends Observing<T> {
  readonly type = 'histogram'

  constructor(configuration: HistogramConfiguration<T>) {
    const { buckets } = configuration
    super(configuration, registry => registry.histogram({ ...named(configuration), ...(buckets && { buckets }) }))
  }
}

/** Samples as quantiles, within one per cent. */
export class Summary<T extends string = string> extends Observing<T> {
  readonly type = 'summary'

  constructor(configuration: SummaryConfiguration<T>) {
    const { percentiles: quantiles = [0.01, 0.05, 0.5, 0.9, 0.95, 0.99, 0.999], maxAgeSeconds } = configuration
    const window: Duration | 'all' = maxAgeSeconds === undefined ? 'all' : maxAgeSeconds * 1000
    super(configuration, registry => registry.summary({ ...named(configuration), quantiles, window }))
  }
}

function named<T extends string>({ name, help, labelNames = [] }: MetricConfiguration<T>) {
  return { name, help, labelNames }
}

function split<T extends string, V extends number | undefined>(first: Given<T> | undefined, second: V) {
  return typeof first === 'object' && first !== null ? { labels: first, value: second } : { labels: {}, value: first as V }
}

function checked(value: unknown): number {
  if (typeof value !== 'number') throw new TypeError(`Value is not a valid number: ${String(value)}`)
  return value
}

function timed<T extends string>(labels: PartialLabels<T>, record: (labels: PartialLabels<T>, seconds: number) => void) {
  const begin = performance.now()
  return (more: PartialLabels<T> = {}) => {
    const seconds = (performance.now() - begin) / 1000
    record({ ...labels, ...more }, seconds)
    return seconds
  }
}
