/** What users hold: an instrument for each metric, from which series of labels are resolved. */

import type { Clock } from '../clock.ts'
import type { MetricsCore } from '../core/metrics-core.ts'
import { InvalidArgumentError } from '../errors.ts'
import type { LabelCardinality } from './cardinality.ts'
import type { Expiry } from './expiry.ts'
import { type Labels, SeriesTree } from './labels.ts'
import type { CounterSeries, GaugeSeries, HistogramSeries } from './series.ts'
import type { WindowedDistribution } from './snapshot.ts'
import type { Operation, TimerSeries } from './timer-series.ts'
import { distributionOf, quantilesOf, type WindowOptions } from './window.ts'

export type { CounterSeries, GaugeSeries, HistogramSeries, Operation, TimerSeries }

/** What all instruments have. */
export interface InstrumentOptions<S> {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly string[]
  readonly maxSeries: number
  /** Where its series expire. */
  readonly expiry: Expiry | undefined
  /** Begins the series with these label values. */
  readonly begin: (values: string[]) => S
  readonly core: MetricsCore
  readonly clock: Clock
  /** The slots of all its series. */
  readonly slots: () => number[]
}

/** A metric: all series of one name. */
abstract class Instrument<S, L extends string> {
  /** The full name, with the registry's prefix. */
  readonly name: string
  readonly help: string
  readonly labelNames: readonly string[]
  readonly #tree: SeriesTree<S>
  readonly #only: S | undefined
  readonly #expiry: Expiry | undefined

  constructor({ name, help, labelNames, maxSeries, begin, expiry }: InstrumentOptions<S>) {
    this.name = name
    this.help = help
    this.labelNames = labelNames
    this.#tree = new SeriesTree(labelNames, maxSeries, begin)
    this.#expiry = expiry
    expiry?.attach(this.#tree as SeriesTree<unknown>)
    this.#only = labelNames.length === 0 ? begin([]) : undefined
  }

  /**
   * The series of these labels: resolve it once and keep it. Beyond the registry's `maxSeries` it is the series whose
   * labels are all `overflow`, so that totals stay exact. Labels must be exactly `labelNames`.
   */
  with(labels: Labels<L>): S {
    if (this.#only !== undefined && !hasAny(labels)) return this.#only
    if (typeof labels !== 'object' || labels === null)
      throw new InvalidArgumentError('labels', `an object with ${this.labelNames.join(', ')}`, labels)
    return this.#tree.find(labels)
  }

  /** How often {@link with} answered with the overflow series because the limit was reached. */
  get overflowed(): number {
    return this.#tree.overflowed
  }

  /** How many series have left since nobody used them; see the registry's `maxIdle`. */
  get expired(): number {
    return this.#expiry?.expired ?? 0
  }

  /** How many values each label has had, those with most first: exact up to `maxSeries` series, within a few per cent beyond. */
  cardinality(): LabelCardinality[] {
    return this.#tree.cardinality()
  }

  /** What is asked of a series and of one given by labels alike. */
  protected of(labels: Labels<L> | undefined): S {
    return labels === undefined ? this.only : this.with(labels)
  }

  protected get only(): S {
    if (this.#only === undefined) throw new InvalidArgumentError('labels', `given by with({ ${this.labelNames.join(', ')} })`, undefined)
    return this.#only
  }
}

/** A metric that only rises; see `registry.counter`. */
export class Counter<L extends string = never> extends Instrument<CounterSeries, L> {
  /** Adds `n`, 1 by default, where the metric has no labels. */
  inc(n?: number): void
  /** The same for a series: `inc({ method: 'GET' })`. Where it happens often, resolve the series once by `with`. */
  inc(labels: Labels<L>, n?: number): void
  inc(first?: number | Labels<L>, n?: number): void {
    if (isLabels(first)) this.with(first).inc(n)
    else this.only.inc(first)
  }

  /** See {@link CounterSeries.setTotal}. */
  setTotal(total: number): void {
    this.only.setTotal(total)
  }
}

/** A metric that goes up and down; see `registry.gauge`. */
export class Gauge<L extends string = never> extends Instrument<GaugeSeries, L> {
  /** Sets the number, where the metric has no labels. */
  set(value: number): void
  /** The same for a series. */
  set(labels: Labels<L>, value: number): void
  set(first: number | Labels<L>, value?: number): void {
    if (isLabels(first)) this.with(first).set(value as number)
    else this.only.set(first)
  }

  /** Adds `n`, 1 by default. */
  inc(n?: number): void
  /** The same for a series. */
  inc(labels: Labels<L>, n?: number): void
  inc(first?: number | Labels<L>, n?: number): void {
    if (isLabels(first)) this.with(first).inc(n)
    else this.only.inc(first)
  }

  /** Takes `n` away, 1 by default. */
  dec(n?: number): void
  /** The same for a series. */
  dec(labels: Labels<L>, n?: number): void
  dec(first?: number | Labels<L>, n?: number): void {
    if (isLabels(first)) this.with(first).dec(n)
    else this.only.dec(first)
  }
}

/** A metric of samples, told as distributions. */
abstract class Sampled<S extends HistogramSeries, L extends string> extends Instrument<S, L> {
  readonly #core: MetricsCore
  readonly #slots: () => number[]

  constructor(options: InstrumentOptions<S>) {
    super(options)
    this.#core = options.core
    this.#slots = options.slots
  }

  /** Quantiles over all series together; see {@link HistogramSeries.quantiles}. */
  quantiles(quantiles: readonly number[], options?: WindowOptions): (number | null)[] {
    return quantilesOf(this.#core, this.#slots(), quantiles, options)
  }

  /** The distribution over all series together; see {@link HistogramSeries.distribution}. */
  distribution(options?: WindowOptions): WindowedDistribution {
    return distributionOf(this.#core, this.#slots(), options)
  }
}

/** A metric of samples; see `registry.histogram`. */
export class Histogram<L extends string = never> extends Sampled<HistogramSeries, L> {
  /** Records a sample, where the metric has no labels. */
  observe(value: number): void
  /** The same for a series. */
  observe(labels: Labels<L>, value: number): void
  observe(first: number | Labels<L>, value?: number): void {
    if (isLabels(first)) this.with(first).observe(value as number)
    else this.only.observe(first)
  }
}

/** A metric of samples that is told as quantiles; see `registry.summary`. */
export class Summary<L extends string = never> extends Histogram<L> {}

/** A metric of durations; see `registry.timer`. */
export class Timer<L extends string = never> extends Sampled<TimerSeries, L> {
  readonly #clock: Clock

  constructor(options: InstrumentOptions<TimerSeries>) {
    super(options)
    this.#clock = options.clock
  }

  /** Records a duration in seconds, where the metric has no labels. */
  observe(seconds: number, what?: string): void
  /** The same for a series. */
  observe(labels: Labels<L>, seconds: number, what?: string): void
  observe(first: number | Labels<L>, second?: number | string, what?: string): void {
    if (isLabels(first)) this.with(first).observe(second as number, what)
    else this.only.observe(first, second as string | undefined)
  }

  /** See {@link TimerSeries.start}. Labels that are known only at the end are given there: `end({ status })`. */
  start(what?: string): (labels?: Labels<L>) => number
  /** The same for a series. */
  start(labels: Labels<L>, what?: string): () => number
  start(first?: string | Labels<L>, what?: string): (labels?: Labels<L>) => number {
    if (isLabels(first)) return this.with(first).start(what)
    if (this.labelNames.length === 0) return this.only.start(first)
    const begin = this.#clock.monotonic()
    let seconds = -1
    return labels => {
      if (seconds < 0) seconds = this.of(labels).end(begin, first)
      return seconds
    }
  }

  /** See {@link TimerSeries.begin}. */
  begin(what?: string): Operation
  /** The same for a series. */
  begin(labels: Labels<L>, what?: string): Operation
  begin(first?: string | Labels<L>, what?: string): Operation {
    return isLabels(first) ? this.with(first).begin(what) : this.only.begin(first)
  }

  /** See {@link TimerSeries.time}. */
  time<T>(fn: () => T, what?: string): T
  /** The same for a series. */
  time<T>(labels: Labels<L>, fn: () => T, what?: string): T
  time<T>(first: Labels<L> | (() => T), second?: string | (() => T), what?: string): T {
    if (!isLabels(first)) return this.only.time(first as () => T, second as string | undefined)
    return this.with(first).time(second as () => T, what)
  }
}

function hasAny(labels: object | undefined): boolean {
  for (const _ in labels) return true
  return false
}

function isLabels<L extends string>(value: unknown): value is Labels<L> {
  return typeof value === 'object' && value !== null
}
