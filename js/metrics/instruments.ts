/** What users hold: an instrument for each metric, from which series of labels are resolved. */

import type { MetricsCore } from '../core/metrics-core.ts'
import { InvalidArgumentError } from '../errors.ts'
import { type Labels, SeriesTree } from './labels.ts'
import type { CounterSeries, GaugeSeries, HistogramSeries } from './series.ts'
import type { WindowedDistribution } from './snapshot.ts'
import type { TimerSeries } from './timer-series.ts'
import { distributionOf, quantilesOf, type WindowOptions } from './window.ts'

export type { CounterSeries, GaugeSeries, HistogramSeries, TimerSeries }

/** What all instruments have. */
export interface InstrumentOptions<S> {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly string[]
  readonly maxSeries: number
  /** Begins the series with these label values. */
  readonly begin: (values: string[]) => S
  readonly core: MetricsCore
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

  constructor({ name, help, labelNames, maxSeries, begin }: InstrumentOptions<S>) {
    this.name = name
    this.help = help
    this.labelNames = labelNames
    this.#tree = new SeriesTree(labelNames, maxSeries, begin)
    this.#only = labelNames.length === 0 ? begin([]) : undefined
  }

  /**
   * The series of these labels: resolve it once and keep it. Beyond the registry's `maxSeries` it is the series whose
   * labels are all `overflow`, so that totals stay exact. Labels must be exactly `labelNames`.
   */
  with(labels: Labels<L>): S {
    if (this.#only !== undefined) return this.#only
    if (typeof labels !== 'object' || labels === null)
      throw new InvalidArgumentError('labels', `an object with ${this.labelNames.join(', ')}`, labels)
    return this.#tree.find(labels)
  }

  /** How often {@link with} answered with the overflow series because the limit was reached. */
  get overflowed(): number {
    return this.#tree.overflowed
  }

  protected get only(): S {
    if (this.#only === undefined) throw new InvalidArgumentError('labels', `given by with({ ${this.labelNames.join(', ')} })`, undefined)
    return this.#only
  }
}

/** A metric that only rises; see `registry.counter`. */
export class Counter<L extends string = never> extends Instrument<CounterSeries, L> {
  /** Adds `n`, 1 by default, where the metric has no labels. */
  inc(n = 1): void {
    this.only.inc(n)
  }

  /** See {@link CounterSeries.setTotal}. */
  setTotal(total: number): void {
    this.only.setTotal(total)
  }
}

/** A metric that goes up and down; see `registry.gauge`. */
export class Gauge<L extends string = never> extends Instrument<GaugeSeries, L> {
  /** Sets the number, where the metric has no labels. */
  set(value: number): void {
    this.only.set(value)
  }

  /** Adds `n`, 1 by default. */
  inc(n = 1): void {
    this.only.inc(n)
  }

  /** Takes `n` away, 1 by default. */
  dec(n = 1): void {
    this.only.dec(n)
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
  observe(value: number): void {
    this.only.observe(value)
  }
}

/** A metric of durations; see `registry.timer`. */
export class Timer<L extends string = never> extends Sampled<TimerSeries, L> {
  /** Records a duration in seconds, where the metric has no labels. */
  observe(seconds: number, what?: string): void {
    this.only.observe(seconds, what)
  }

  /** See {@link TimerSeries.start}. */
  start(what?: string): () => number {
    return this.only.start(what)
  }

  /** See {@link TimerSeries.time}. */
  time<T>(fn: () => T, what?: string): T {
    return this.only.time(fn, what)
  }
}
