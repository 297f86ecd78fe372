/** The timers of a registry, over the last seconds, read no more often than is cheap; and what was slow among them. */

import type { Registry } from '../metrics/registry.ts'
import type { LatencyPoint, SlowOperation } from './types.ts'

const MOST_TIMERS = 100
const LONGEST_NAME = 500
/** Percentiles of less jump about. */
const LEAST_WINDOW_MS = 10_000
/** The share of an interval that reading may take. */
const SHARE = 0.01

/** See the top of this file. */
export class Timers {
  readonly #registry: Registry
  readonly #now: () => number
  readonly #window: number
  #read: Record<string, LatencyPoint> = {}
  #due = Number.NEGATIVE_INFINITY

  constructor(registry: Registry, { now, interval }: { now: () => number; interval: number }) {
    this.#registry = registry
    this.#now = now
    this.#window = Math.max(LEAST_WINDOW_MS, interval)
    // Windows begin when they are first asked for.
    this.read()
  }

  /** What took longer than the thresholds of the timers, the latest first. */
  slow(): SlowOperation[] {
    return this.#registry.slowOps.list().map(({ metric, labels, what, duration, at }) => ({
      name: seriesName(metric.replace(/_seconds$/, ''), labels),
      ms: duration,
      at,
      ...(what === undefined ? {} : { detail: what }),
    }))
  }

  /** What they say; what they said before, where asking took long. */
  read(): Record<string, LatencyPoint> {
    const began = this.#now()
    if (began < this.#due) return this.#read
    const found: [string, LatencyPoint][] = []
    for (const metric of this.#registry.snapshot({ windows: [this.#window] }).metrics) {
      if (metric.type !== 'histogram' || !metric.name.endsWith('_seconds')) continue
      for (const { labels, windows = {} } of metric.series) {
        const [late] = Object.values(windows)
        if (found.length === MOST_TIMERS || late === undefined) break
        const { count, p50, p95, p99 } = late
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
  const all = texts.length === 0 ? name : `${name}{${texts.join(',')}}`
  return all.length > LONGEST_NAME ? `${all.slice(0, LONGEST_NAME)}…` : all
}
