/** The timers of a registry, read no more often than is cheap. */

import type { Registry } from '../metrics/registry.ts'
import type { LatencyPoint } from './types.ts'

const MOST_TIMERS = 100
/** The share of an interval that reading may take. */
const SHARE = 0.01

/** See the top of this file. */
export class Timers {
  readonly #registry: Registry
  readonly #now: () => number
  #read: Record<string, LatencyPoint> = {}
  #due = Number.NEGATIVE_INFINITY

  constructor(registry: Registry, now: () => number) {
    this.#registry = registry
    this.#now = now
  }

  /** What they say; what they said before, where asking took long. */
  read(): Record<string, LatencyPoint> {
    const began = this.#now()
    if (began < this.#due) return this.#read
    const found: [string, LatencyPoint][] = []
    for (const metric of this.#registry.snapshot().metrics) {
      if (metric.type !== 'histogram' || !metric.name.endsWith('_seconds')) continue
      for (const { labels, count, p50, p95, p99 } of metric.series) {
        if (found.length === MOST_TIMERS) break
        found.push([seriesName(metric.name, labels), { count, p50: inMs(p50), p95: inMs(p95), p99: inMs(p99) }])
      }
    }
    this.#read = Object.fromEntries(found)
    const now = this.#now()
    this.#due = now + (now - began) / SHARE - (now - began)
    return this.#read
  }
}

const inMs = (seconds: number | null): number | null => (seconds === null ? null : seconds * 1000)

function seriesName(name: string, labels: Readonly<Record<string, string>>): string {
  const texts = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`)
  return texts.length === 0 ? name : `${name}{${texts.join(',')}}`
}
