/** The pictures of the last minutes. */

import type { MonitorPoint } from 'shelflife'
import { Chart, type Line } from '../chart.ts'
import type { Colour } from '../colours.ts'
import { make } from '../dom.ts'
import { duration, percent, rate, whole } from '../format.ts'
import { cacheRate, hitRate, kindSum, type View } from '../view.ts'
import { type Latencies, LatencyChoice, latencyOf } from './latencies.ts'

const REASONS: readonly (readonly [string, Colour])[] = [
  ['cold', 'blue'],
  ['evicted', 'orange'],
  ['expired', 'ochre'],
  ['invalidated', 'purple'],
  ['deleted', 'grey'],
]

/** See the top of this file. */
export class Charts {
  readonly element = make('section', 'charts')
  readonly #choice: LatencyChoice
  readonly #charts: readonly Chart[]
  #cache: string | undefined
  #latency: Latencies = { chosen: '', label: '' }

  constructor(onChange: () => void) {
    this.element.setAttribute('aria-label', 'The last minutes')
    this.#choice = new LatencyChoice(onChange)
    const percentile = (label: 'p50' | 'p95' | 'p99', colour: Colour, dash?: number[]): Line => ({
      label,
      colour,
      value: point => latencyOf(point, this.#latency.chosen)?.[label] ?? null,
      ...(dash === undefined ? {} : { dash }),
    })
    this.#charts = [
      new Chart({
        title: 'Hit rate',
        format: percent,
        axis: value => `${Math.round(value * 100)} %`,
        range: [0, 1.02],
        filled: true,
        lines: [{ label: 'of reads', colour: 'teal', value: point => orNull(hitRate([point], this.#cache)) }],
      }),
      new Chart({
        title: 'Misses by reason',
        format: rate,
        stacked: true,
        lines: REASONS.map(([reason, colour]) => ({ label: reason, colour, value: point => this.#misses(point, reason) })),
      }),
      new Chart({
        title: 'Latency',
        format: duration,
        log: true,
        lines: [percentile('p50', 'teal'), percentile('p95', 'blue', [6, 3]), percentile('p99', 'orange', [2, 3])],
        beside: this.#choice.element,
      }),
      new Chart({
        title: 'Requests',
        format: whole,
        lines: [
          { label: 'in flight', colour: 'blue', value: point => kindSum(point, 'fetch', 'levels', 'inflight') },
          { label: 'queued', colour: 'ochre', value: point => kindSum(point, 'fetch', 'levels', 'queued', 'sleeping'), dash: [6, 3] },
          { label: 'retries /s', colour: 'purple', value: point => kindSum(point, 'fetch', 'rates', 'retries'), dash: [2, 3] },
          { label: 'failed /s', colour: 'red', value: point => kindSum(point, 'fetch', 'rates', 'failures.') },
        ],
      }),
    ]
    this.element.append(...this.#charts.map(({ element }) => element))
  }

  /** Gives whose latency is looked at. */
  show(view: View): Latencies {
    this.#cache = view.cache
    this.#latency = this.#choice.show(view)
    const since = (view.points.at(-1)?.at ?? 0) - view.seconds * 1000
    const points = view.points.filter(({ at }) => at >= since)
    for (const chart of this.#charts) chart.show(points, view.seconds)
    return this.#latency
  }

  #misses(point: MonitorPoint, reason: string): number {
    return cacheRate(point, this.#cache, `missesByReason.${reason}`)
  }
}

const orNull = (value: number): number | null => (Number.isFinite(value) ? value : null)
