/** Reads a registry for rules, and remembers the counters whose increase they ask for. */

import { ShelflifeError } from '../errors.ts'
import type { Registry } from '../metrics/registry.ts'
import type { LabelSelector, Selection } from '../metrics/selection.ts'
import { type Duration, durationMs } from '../options.ts'
import { Past } from './past.ts'
import type { MetricReader } from './types.ts'

const MOST_PASTS = 1000

interface Remembered {
  readonly name: string
  readonly labels: LabelSelector | undefined
  readonly past: Past
}

/** See the top of this file. */
export class Reader {
  /** What rules are given. */
  readonly read: MetricReader
  readonly #registry: Registry
  readonly #pasts = new Map<string, Remembered>()
  #now = 0

  constructor(registry: Registry) {
    this.#registry = registry
    this.read = {
      value: (name, { labels } = {}) => this.#chosen(name, labels)?.value() ?? null,
      series: (name, { labels } = {}) => this.#chosen(name, labels)?.each() ?? [],
      increase: (name, window, { labels } = {}) => this.#past(name, window, labels).increase(this.#now).increase,
      rate: (name, window, { labels } = {}) => {
        const { increase, spanMs } = this.#past(name, window, labels).increase(this.#now)
        return spanMs === 0 ? 0 : (increase / spanMs) * 1000
      },
      quantile: (name, quantile, { labels, ...window } = {}) => this.#chosen(name, labels)?.quantile(quantile, window) ?? null,
    }
  }

  /** An evaluation begins. */
  begin(now: number): void {
    this.#now = now
    this.#registry.collect()
    for (const { name, labels, past } of this.#pasts.values()) past.add(now, this.#total(name, labels))
  }

  #past(name: string, window: Duration, labels: LabelSelector | undefined): Past {
    const key = JSON.stringify([name, window, Object.entries(labels ?? {}).map(([label, value]) => [label, typeof value, String(value)])])
    const known = this.#pasts.get(key)
    if (known !== undefined) return known.past
    if (this.#pasts.size === MOST_PASTS) throw new ShelflifeError('ERR_SERIES_LIMIT', `alerts remember at most ${MOST_PASTS} counters`)
    const past = new Past(durationMs(window, 'window'))
    past.add(this.#now, this.#total(name, labels))
    this.#pasts.set(key, { name, labels, past })
    return past
  }

  #total(name: string, labels: LabelSelector | undefined): number {
    return this.#chosen(name, labels)?.value() ?? 0
  }

  /** `undefined` where no series is chosen. */
  #chosen(name: string, labels: LabelSelector | undefined): Selection | undefined {
    const selection = this.#registry.select(name, labels)
    return selection === undefined || selection.size === 0 ? undefined : selection
  }
}
