/**
 * Numbers that an object counts by itself and copies when a registry is read. Objects of one name share a series: their totals
 * add up, and a gauge is the sum, or the maximum, over all that live.
 */

import type { CounterSeries, GaugeSeries } from './instruments.ts'

/** What each of those who share a gauge says. */
const said = new WeakMap<GaugeSeries, Map<Copies, number>>()

/** How one number is made of many. */
export type Combine = 'sum' | 'max'

/** The copies of one object. */
export class Copies {
  readonly #leaving: (() => void)[] = []

  /** Takes a total that only rises; one that falls has begun anew. */
  counter(series: CounterSeries): (total: number) => void {
    let copied = 0
    return total => {
      series.inc(total < copied ? total : total - copied)
      copied = total
    }
  }

  /** Takes a number as it is now. */
  gauge(series: GaugeSeries, combine: Combine = 'sum'): (value: number) => void {
    const all = said.get(series) ?? new Map<Copies, number>()
    said.set(series, all)
    this.#leaving.push(() => {
      all.delete(this)
      series.set(combined(all, combine))
    })
    return value => {
      all.set(this, value)
      series.set(combined(all, combine))
    }
  }

  /** The object is no more: gauges go without it, totals stay. */
  leave(): void {
    for (const leave of this.#leaving) leave()
  }
}

function combined(all: Map<Copies, number>, combine: Combine): number {
  let result = 0
  for (const value of all.values()) result = combine === 'sum' ? result + value : Math.max(result, value)
  return result
}
