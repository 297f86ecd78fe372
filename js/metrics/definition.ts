/** What a metric is, as options say it, and whose every name in the text is. */

import type { CoreFamily } from '../core/metrics-core.ts'
import { InvalidArgumentError, ShelflifeError } from '../errors.ts'
import { type Duration, optionsObject } from '../options.ts'

/** Upper bounds of the buckets where nobody asks for others, in seconds for timers. */
export const DEFAULT_BUCKETS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Options of every metric. */
export interface MetricOptions<L extends string> {
  /** Like `requests_total`: letters, digits, `_` and `:`, in base units (seconds, bytes). */
  name: string
  /** One sentence. Default: none. */
  help?: string
  /** The labels that every series of the metric has. Default: none. */
  labelNames?: readonly L[]
}

/** Options of histograms and timers. */
export interface HistogramOptions<L extends string> extends MetricOptions<L> {
  /** Rising upper bounds of the buckets in the Prometheus text. Default: {@link DEFAULT_BUCKETS}, 0.005 to 10. */
  buckets?: readonly number[]
  /** The largest relative error of quantiles, above 0.0001 and below 1. Default: 0.01. */
  relativeError?: number
  /** Whether samples are kept by time from the beginning; otherwise a window begins when it is first asked for. Default: as the registry. */
  windows?: boolean
}

/** Options of timers. */
export interface TimerOptions<L extends string> extends HistogramOptions<L> {
  /** What takes as long is listed in `registry.slowOps`; `Infinity`: nothing. Default: as the registry. */
  slowThreshold?: Duration
}

/** The kinds of metrics. */
export type Kind = 'counter' | 'gauge' | 'histogram' | 'timer'

/** Families one registry holds; names come from code, so more of them is a mistake. */
const MOST_METRICS = 10_000

/** Reads the definition of a metric. Throws `ERR_INVALID_ARGUMENT`. */
export function familyOf(kind: Kind, options: HistogramOptions<string>, prefix: string): CoreFamily {
  const { name, help = '', buckets = DEFAULT_BUCKETS, relativeError = 0.01 } = optionsObject(options, 'options')
  if (typeof name !== 'string' || !isMetricName(prefix + name)) {
    throw new InvalidArgumentError('name', "a metric name such as 'requests_total'", name)
  }
  if (typeof help !== 'string') throw new InvalidArgumentError('help', 'a string', help)
  const named = { name: prefix + name, help }
  if (kind === 'counter' || kind === 'gauge') return { kind, ...named }
  if (!Array.isArray(buckets) || !buckets.every((bound, at) => Number.isFinite(bound) && (at === 0 || bound > buckets[at - 1]))) {
    throw new InvalidArgumentError('buckets', 'an array of finite numbers that rise', buckets)
  }
  if (typeof relativeError !== 'number' || !(relativeError >= 0.0001 && relativeError < 1)) {
    throw new InvalidArgumentError('relativeError', 'a number above 0.0001 and below 1', relativeError)
  }
  return { kind: 'histogram', ...named, bounds: Float64Array.from(buckets), alpha: relativeError }
}

/** Every name that the text uses, those of histograms with their suffixes too, and the metric it belongs to. */
export class Names {
  readonly #owners = new Map<string, string>()
  #metrics = 0

  /** Takes the names of a metric, which nobody may have. */
  claim({ kind, name }: CoreFamily): void {
    const used = kind === 'histogram' ? ['', '_bucket', '_sum', '_count'].map(suffix => name + suffix) : [name]
    for (const one of used) {
      const owner = this.#owners.get(one)
      if (owner !== undefined)
        throw new InvalidArgumentError('name', `free, or registered before with the same definition; ${one} belongs to ${owner}`, name)
    }
    if (this.#metrics >= MOST_METRICS) throw new ShelflifeError('ERR_SERIES_LIMIT', `a registry holds at most ${MOST_METRICS} metrics`)
    for (const one of used) this.#owners.set(one, name)
    this.#metrics += 1
  }
}

/** Whether `name` can be, or begin, the name of a metric. */
export function isMetricName(name: string): boolean {
  return /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name)
}
