/** Series of one metric, chosen by some of their labels and read together. */

import type { MetricsCore } from '../core/metrics-core.ts'
import type { Registered, RegisteredSeries } from './catalogue.ts'
import type { LabelValue } from './labels.ts'
import { CounterSeries, GaugeSeries } from './series.ts'
import type { WindowedDistribution } from './snapshot.ts'
import { distributionOf, quantilesOf, type WindowOptions } from './window.ts'

/** What labels have to be: equal, or matched by an expression. Labels that are not named may be anything. */
export type LabelSelector = Readonly<Record<string, LabelValue | RegExp>>

/** See the top of this file. */
export class Selection {
  readonly #core: MetricsCore
  readonly #chosen: readonly RegisteredSeries[]

  constructor(core: MetricsCore, { series }: Registered, labels: LabelSelector = {}) {
    const wanted = Object.entries(labels)
    this.#core = core
    this.#chosen = wanted.length === 0 ? series : series.filter(one => wanted.every(([name, value]) => fits(one.labels[name], value)))
  }

  /** How many series. */
  get size(): number {
    return this.#chosen.length
  }

  /** The sum of counters or gauges; of metrics of samples, how many there were. */
  value(): number {
    const numbers = this.#chosen.map(({ series }) => (isNumber(series) ? series.value : 0))
    return numbers.reduce((sum, value) => sum + value, this.distribution()?.count ?? 0)
  }

  /** The same for each series. */
  each(): { labels: Readonly<Record<string, string>>; value: number }[] {
    return this.#chosen.map(({ labels, series, slot }) => ({
      labels,
      value: isNumber(series) ? series.value : distributionOf(this.#core, [slot], undefined).count,
    }))
  }

  /** A quantile of the samples of all; `null` where there are none, and of what has no samples. */
  quantile(quantile: number, options?: WindowOptions): number | null {
    return this.quantiles([quantile], options)[0] ?? null
  }

  /** Several of them. */
  quantiles(quantiles: readonly number[], options?: WindowOptions): (number | null)[] {
    return this.#slots.length === 0 ? quantiles.map(() => null) : quantilesOf(this.#core, this.#slots, quantiles, options)
  }

  /** The distribution of the samples of all; `undefined` of what has no samples. */
  distribution(options?: WindowOptions): WindowedDistribution | undefined {
    return this.#slots.length === 0 ? undefined : distributionOf(this.#core, this.#slots, options)
  }

  get #slots(): number[] {
    return this.#chosen.flatMap(({ series, slot }) => (isNumber(series) ? [] : [slot]))
  }
}

function isNumber(series: unknown): series is CounterSeries | GaugeSeries {
  return series instanceof CounterSeries || series instanceof GaugeSeries
}

function fits(label: string | undefined, wanted: LabelValue | RegExp): boolean {
  if (label === undefined) return false
  // `search` begins at the front each time, whatever the expression's flags.
  return wanted instanceof RegExp ? label.search(wanted) >= 0 : label === String(wanted)
}
