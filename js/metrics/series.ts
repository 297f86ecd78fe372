/**
 * One set of labels of a metric, resolved once.
 *
 * Recording writes a number into a typed array: no call into the core, no look-up, no allocation.
 */

import type { MetricsCore } from '../core/metrics-core.ts'
import { InvalidArgumentError } from '../errors.ts'
import type { WindowedDistribution } from './snapshot.ts'
import { distributionOf, quantilesOf, type WindowOptions } from './window.ts'

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
    const core = this.#core
    core.cells[this.#cell] = total
    core.touched[this.#cell] = 1
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
    const core = this.#core
    core.cells[this.#cell] = value
    core.touched[this.#cell] = 1
  }

  /** Adds `n`, 1 by default. */
  inc(n = 1): void {
    if (!Number.isFinite(n)) throw new InvalidArgumentError('n', 'a finite number', n)
    const { cells, touched } = this.#core
    cells[this.#cell] = (cells[this.#cell] as number) + n
    touched[this.#cell] = 1
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

  /** The same for one who has just read the clock. */
  protected observeAt(value: number, now: number): void {
    this.#core.observeAt(this.#slot, value, now)
  }

  /** Adds what another series dumped; whether the numbers fit. Registries do this when they merge. */
  merge(numbers: Float64Array): boolean {
    return this.#core.merge(this.#slot, numbers)
  }

  /**
   * Quantiles of all samples, or of a window: `quantiles([0.5, 0.95, 0.99], { window: '1m' })`. `null` where there is no sample. See
   * {@link HistogramSeries.distribution}.
   */
  quantiles(quantiles: readonly number[], options?: WindowOptions): (number | null)[] {
    return quantilesOf(this.#core, [this.#slot], quantiles, options)
  }

  /**
   * Count, sum, extremes and quantiles of all samples, or of a window, with how many milliseconds it `spans`. A series that had no
   * windows begins to have them with the first question, and is empty then.
   */
  distribution(options?: WindowOptions): WindowedDistribution {
    return distributionOf(this.#core, [this.#slot], options)
  }
}
