/**
 * What users hold: an instrument for each metric, and for each set of labels a series that is resolved once.
 *
 * Recording on a series writes a number into a typed array: no call into the core, no look-up, no allocation.
 */

import type { Clock } from '../clock.ts'
import type { MetricsCore } from '../core/metrics-core.ts'
import { InvalidArgumentError } from '../errors.ts'
import { type Labels, SeriesTree } from './labels.ts'

/** What all instruments have. */
export interface InstrumentOptions<S> {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly string[]
  readonly maxSeries: number
  /** Begins the series with these label values. */
  readonly begin: (values: string[]) => S
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

/** One counter: a total that only rises. */
export class CounterSeries {
  readonly #core: MetricsCore
  readonly #cell: number

  constructor(core: MetricsCore, cell: number) {
    this.#core = core
    this.#cell = cell
  }

  /** Adds `n`, 1 by default. It must be finite and not negative. */
  inc(n = 1): void {
    if (!Number.isFinite(n) || n < 0) throw new InvalidArgumentError('n', 'a finite number that is not negative', n)
    const { cells } = this.#core
    cells[this.#cell] = (cells[this.#cell] as number) + n
  }

  /** Sets the total, where it is counted elsewhere and copied by `registry.onCollect`. */
  setTotal(total: number): void {
    if (!Number.isFinite(total) || total < 0) {
      throw new InvalidArgumentError('total', 'a finite number that is not negative', total)
    }
    this.#core.cells[this.#cell] = total
  }

  /** The total now. */
  get value(): number {
    return this.#core.cells[this.#cell] as number
  }
}

/** One gauge: a number that goes up and down. */
export class GaugeSeries {
  readonly #core: MetricsCore
  readonly #cell: number

  constructor(core: MetricsCore, cell: number) {
    this.#core = core
    this.#cell = cell
  }

  /** Sets the number; NaN and the infinities are numbers too. */
  set(value: number): void {
    if (typeof value !== 'number') throw new InvalidArgumentError('value', 'a number', value)
    this.#core.cells[this.#cell] = value
  }

  /** Adds `n`, 1 by default. */
  inc(n = 1): void {
    if (!Number.isFinite(n)) throw new InvalidArgumentError('n', 'a finite number', n)
    const { cells } = this.#core
    cells[this.#cell] = (cells[this.#cell] as number) + n
  }

  /** Takes `n` away, 1 by default. */
  dec(n = 1): void {
    this.inc(-n)
  }

  /** The number now. */
  get value(): number {
    return this.#core.cells[this.#cell] as number
  }
}

/** One histogram: samples, from which come count, sum, quantiles and buckets. */
export class HistogramSeries {
  readonly #core: MetricsCore
  readonly #slot: number

  constructor(core: MetricsCore, slot: number) {
    this.#core = core
    this.#slot = slot
  }

  /** Records a sample. It must be finite. */
  observe(value: number): void {
    if (!Number.isFinite(value)) throw new InvalidArgumentError('value', 'a finite number', value)
    this.#core.observe(this.#slot, value)
  }
}

/** One timer: a histogram of seconds. */
export class TimerSeries extends HistogramSeries {
  readonly #clock: Clock

  constructor(core: MetricsCore, slot: number, clock: Clock) {
    super(core, slot)
    this.#clock = clock
  }

  /** Starts the time. The function returned records it and returns it, in seconds; a second call records nothing more. */
  start(): () => number {
    const begin = this.#clock.monotonic()
    let seconds = -1
    return () => {
      if (seconds < 0) {
        seconds = Math.max(0, this.#clock.monotonic() - begin) / 1000
        this.observe(seconds)
      }
      return seconds
    }
  }

  /** Runs `fn` and records how long it took, also when it throws or rejects. Returns what `fn` returns. */
  time<T>(fn: () => T): T {
    const end = this.start()
    let result: T
    try {
      result = fn()
    } catch (error) {
      end()
      throw error
    }
    if (!isThenable(result)) {
      end()
      return result
    }
    const passed = result.then(
      value => {
        end()
        return value
      },
      error => {
        end()
        throw error
      },
    )
    return passed as T
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

/** A metric of samples; see `registry.histogram`. */
export class Histogram<L extends string = never> extends Instrument<HistogramSeries, L> {
  /** Records a sample, where the metric has no labels. */
  observe(value: number): void {
    this.only.observe(value)
  }
}

/** A metric of durations; see `registry.timer`. */
export class Timer<L extends string = never> extends Instrument<TimerSeries, L> {
  /** Records a duration in seconds, where the metric has no labels. */
  observe(seconds: number): void {
    this.only.observe(seconds)
  }

  /** See {@link TimerSeries.start}. */
  start(): () => number {
    return this.only.start()
  }

  /** See {@link TimerSeries.time}. */
  time<T>(fn: () => T): T {
    return this.only.time(fn)
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
