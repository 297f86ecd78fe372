/** What a metric is, as options say it, and whose every name in the text is. */

import type { CoreFamily } from '../core/metrics-families.ts'
import { InvalidArgumentError, ShelflifeError } from '../errors.ts'
import { type Duration, durationMs, optionsObject } from '../options.ts'

/** Upper bounds of the buckets where nobody asks for others, in seconds for timers. */
const DEFAULT_BUCKETS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Options of every metric. */
export interface MetricOptions<L extends string> {
  /** Like `requests_total`: letters, digits, `_` and `:`, in base units (seconds, bytes). */
  name: string
  /** One sentence. Default: none. */
  help?: string
  /** The labels that every series of the metric has. Default: none. */
  labelNames?: readonly L[]
  /** After how long without use a series leaves; see the registry's option of the same name. Default: as the registry. `Infinity`: never. */
  maxIdle?: Duration
}

/** Options of histograms, timers and summaries. */
export interface SampleOptions<L extends string> extends MetricOptions<L> {
  /** The largest relative error of quantiles, at least 0.0001 and below 1. Default: 0.01. */
  relativeError?: number
  /** Whether samples are kept by time from the beginning; otherwise a window begins when it is first asked for. Default: as the registry. */
  windows?: boolean
}

/** Options of histograms. */
export interface HistogramOptions<L extends string> extends SampleOptions<L> {
  /** Rising upper bounds of the buckets in the Prometheus text. Default: 0.005 to 10, eleven of them. */
  buckets?: readonly number[]
}

/** Options of timers. */
export interface TimerOptions<L extends string> extends HistogramOptions<L> {
  /** What takes as long is listed in `registry.slowOps`; `Infinity`: nothing. Default: as the registry. */
  slowThreshold?: Duration
}

/** Options of summaries. */
export interface SummaryOptions<L extends string> extends SampleOptions<L> {
  /** The quantiles in the Prometheus text, 0 to 1. Default: 0.5, 0.9 and 0.99. */
  quantiles?: readonly number[]
  /** Of which samples: those of so long, up to the registry's `retention`, or `'all'`. Default: `'5m'`. */
  window?: Duration | 'all'
}

/** The kinds of metrics. */
export type Kind = 'counter' | 'gauge' | 'histogram' | 'timer' | 'summary'

/** Options of any metric. */
export type AnyOptions = HistogramOptions<string> & SummaryOptions<string>

/** Families one registry holds; names come from code, so more of them is a mistake. */
const MOST_METRICS = 10_000

/** Reads the definition of a metric. Throws `ERR_INVALID_ARGUMENT`. */
export function familyOf(kind: Kind, options: AnyOptions, prefix: string): CoreFamily {
  const { name, help = '', buckets = DEFAULT_BUCKETS, relativeError = 0.01 } = optionsObject(options, 'options')
  if (typeof name !== 'string' || !isMetricName(prefix + name)) {
    throw new InvalidArgumentError('name', "a metric name such as 'requests_total'", name)
  }
  if (typeof help !== 'string') throw new InvalidArgumentError('help', 'a string', help)
  const named = { name: prefix + name, help }
  if (kind === 'counter' || kind === 'gauge') return { kind, ...named }
  if (typeof relativeError !== 'number' || !(relativeError >= 0.0001 && relativeError < 1)) {
    throw new InvalidArgumentError('relativeError', 'a number from 0.0001 and below 1', relativeError)
  }
  const sampled = { ...named, alpha: relativeError }
  if (kind === 'summary') {
    const { quantiles = [0.5, 0.9, 0.99], window = '5m' } = options
    return {
      kind,
      ...sampled,
      quantiles: Float64Array.from(checkedQuantiles(quantiles)),
      window: window === 'all' ? Number.POSITIVE_INFINITY : durationMs(window, 'window'),
    }
  }
  if (!Array.isArray(buckets) || !buckets.every((bound, at) => Number.isFinite(bound) && (at === 0 || bound > buckets[at - 1]))) {
    throw new InvalidArgumentError('buckets', 'an array of finite numbers that rise', buckets)
  }
  return { kind: 'histogram', ...sampled, bounds: Float64Array.from(buckets) }
}

/** Numbers from 0 to 1. */
export function checkedQuantiles(quantiles: unknown): readonly number[] {
  if (!Array.isArray(quantiles) || !quantiles.every(q => typeof q === 'number' && q >= 0 && q <= 1))
    throw new InvalidArgumentError('quantiles', 'an array of numbers from 0 to 1', quantiles)
  return quantiles
}

/** A definition as text: equal texts are equal definitions. */
export function definitionText(kind: Kind, family: CoreFamily, labelNames: readonly string[]): string {
  const { name, kind: _, ...rest } = family
  return JSON.stringify([kind, labelNames, rest], (_key, value: unknown) => {
    if (value instanceof Float64Array) return [...value]
    return value === Number.POSITIVE_INFINITY ? 'all' : value
  })
}

/** Every name that the text uses, those of histograms with their suffixes too, and the metric it belongs to. */
export class Names {
  readonly #owners = new Map<string, string>()
  #metrics = 0

  /** Takes the names of a metric, which nobody may have. */
  claim({ kind, name }: CoreFamily): void {
    const used = suffixesOf(kind).map(suffix => name + suffix)
    for (const one of used) {
      const owner = this.#owners.get(one)
      if (owner === undefined) continue
      const why = owner === name ? 'there is a metric of that name with another definition' : `${one} belongs to ${owner}`
      throw new InvalidArgumentError('name', `free: ${why}`, name)
    }
    if (this.#metrics >= MOST_METRICS) throw new ShelflifeError('ERR_SERIES_LIMIT', `a registry holds at most ${MOST_METRICS} metrics`)
    for (const one of used) this.#owners.set(one, name)
    this.#metrics += 1
  }

  /** Whether nobody has the name. */
  isFree(name: string): boolean {
    return !this.#owners.has(name)
  }
}

/** Whether `name` can be, or begin, the name of a metric. */
export function isMetricName(name: string): boolean {
  return /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name)
}

function suffixesOf(kind: CoreFamily['kind']): readonly string[] {
  if (kind === 'histogram') return ['', '_bucket', '_sum', '_count']
  return kind === 'summary' ? ['', '_sum', '_count'] : ['']
}
