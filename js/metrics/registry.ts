/** The registry: metrics by name, and the two forms in which they are told. */

import type { Clock } from '../clock.ts'
import { MetricsCore } from '../core/metrics-core.ts'
import { InvalidArgumentError } from '../errors.ts'
import { clockOption, type Duration, durationMs, optionsObject, type Size, sizeInBytes, wholeNumber } from '../options.ts'
import { familyOf, type HistogramOptions, isMetricName, type Kind, type MetricOptions, Names, type TimerOptions } from './definition.ts'
import { Counter, Gauge, Histogram, type InstrumentOptions, Timer } from './instruments.ts'
import { checkedLabelNames, checkLabelName, type LabelValue, labelText } from './labels.ts'
import { CounterSeries, GaugeSeries, HistogramSeries } from './series.ts'
import { SlowLog } from './slow-log.ts'
import { distributionAt, type HistogramSeriesSnapshot, type MetricSnapshot, type RegistrySnapshot, windowedAt } from './snapshot.ts'
import { TimerSeries } from './timer-series.ts'
import { windowMs } from './window.ts'

/** Options of {@link createRegistry}. */
export interface RegistryOptions {
  /** Written before every name. Default: none. */
  prefix?: string
  /** Labels that every series gets. Default: none. */
  defaultLabels?: Readonly<Record<string, LabelValue>>
  /** Series of one metric; all beyond it are one `overflow` series. Default: 2000. */
  maxSeries?: number
  /** What timers and windows read. Default: the system's. */
  clock?: Clock
  /** Whether histograms and timers keep samples by time from the beginning; otherwise a series' windows begin when first asked for. Default: false. */
  windows?: boolean
  /** The longest window; at least 15 minutes are kept, at most a week. Default: 15 minutes. */
  retention?: Duration
  /** Bytes that samples kept for windows may take; beyond them windows reach less far back, and say so. Default: 16 MB. */
  maxWindowSize?: Size
  /** What takes a timer as long is listed in `slowOps`; `Infinity`: nothing. Default: 100 ms. */
  slowThreshold?: Duration
  /** Slow operations that are kept. Default: 100. */
  slowLogSize?: number
}

/** Options of {@link Registry.snapshot}. */
export interface SnapshotOptions {
  /** Windows that every series of histograms and timers is told for, beside all its samples: `['1m', '15m']`. Default: none. */
  windows?: readonly Duration[]
}

type AnyInstrument = Counter<string> | Gauge<string> | Histogram<string> | Timer<string>

interface Registered {
  /** The definition as text: equal texts are equal definitions. */
  readonly definition: string
  readonly instrument: AnyInstrument
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly series: { labels: Record<string, string>; slot: number }[]
  /** What the core calls it. */
  readonly number: number
}

/**
 * A registry of metrics.
 *
 * ```ts
 * const registry = createRegistry({ prefix: 'app_' })
 * const requests = registry.counter({ name: 'requests_total', labelNames: ['method'] })
 * const gets = requests.with({ method: 'GET' }) // resolved once
 * gets.inc()
 * registry.snapshot() // plain data with p50, p95 and p99
 * await registry.metrics() // Prometheus text
 * ```
 *
 * After a trap of the core, counters and gauges keep their numbers and histograms begin again with the samples not yet
 * handed to the core, as after a restart of the process; recording never throws because of it.
 */
export function createRegistry(options?: RegistryOptions): Registry {
  return new Registry(options)
}

/** See {@link createRegistry}. */
export class Registry {
  /** The media type of {@link metrics}. */
  readonly contentType = 'text/plain; version=0.0.4; charset=utf-8'
  /** The slow operations that timers noticed. */
  readonly slowOps: SlowLog
  readonly #prefix: string
  readonly #defaults: Record<string, string> = {}
  readonly #maxSeries: number
  readonly #clock: Clock
  readonly #core: MetricsCore
  readonly #slowThreshold: number
  #windows: boolean
  readonly #metrics = new Map<string, Registered>()
  readonly #names = new Names()
  readonly #collectors = new Set<{ readonly collect: () => void }>()
  #lastCollectError: unknown

  constructor(options?: RegistryOptions) {
    const { prefix = '', defaultLabels = {}, maxSeries = 2000, clock, windows = false } = optionsObject(options, 'options')
    const { retention = '15m', maxWindowSize = '16mb', slowThreshold = 100, slowLogSize = 100 } = optionsObject(options, 'options')
    if (typeof prefix !== 'string' || (prefix !== '' && !isMetricName(prefix))) {
      throw new InvalidArgumentError('prefix', "the beginning of a name, such as 'app_'", prefix)
    }
    for (const [name, value] of Object.entries(optionsObject(defaultLabels, 'defaultLabels'))) {
      checkLabelName(name, 'defaultLabels')
      this.#defaults[name] = labelText(value, name)
    }
    this.#prefix = prefix
    this.#maxSeries = wholeNumber(maxSeries, 'maxSeries')
    this.#clock = clockOption(clock)
    this.#windows = flag(windows, 'windows')
    this.#slowThreshold = durationMs(slowThreshold, 'slowThreshold')
    this.slowOps = new SlowLog(this.#clock, wholeNumber(slowLogSize, 'slowLogSize'))
    this.#core = new MetricsCore({
      clock: this.#clock,
      retention: durationMs(retention, 'retention'),
      windowBytes: sizeInBytes(maxWindowSize, 'maxWindowSize'),
    })
  }

  /** A total that only rises: `inc(n)`, `with(labels).inc(n)`. Asked for again with the same definition, it is the same. */
  counter<const L extends string = never>(options: MetricOptions<L>): Counter<L> {
    return this.#register<CounterSeries>(
      'counter',
      options,
      instrument => new Counter<string>(instrument),
      slot => new CounterSeries(this.#core, slot),
    ) as Counter<L>
  }

  /** A number that goes up and down: `set(x)`, `inc(n)`, `dec(n)`. */
  gauge<const L extends string = never>(options: MetricOptions<L>): Gauge<L> {
    return this.#register<GaugeSeries>(
      'gauge',
      options,
      instrument => new Gauge<string>(instrument),
      slot => new GaugeSeries(this.#core, slot),
    ) as Gauge<L>
  }

  /** Samples: `observe(x)`. Buckets in the text, quantiles in the snapshot. */
  histogram<const L extends string = never>(options: HistogramOptions<L>): Histogram<L> {
    return this.#register<HistogramSeries>(
      'histogram',
      options,
      instrument => new Histogram<string>(instrument),
      slot => new HistogramSeries(this.#core, slot),
    ) as Histogram<L>
  }

  /** Durations in seconds: `const end = timer.start(); end()`, `timer.time(fn)`, `observe(seconds)`. */
  timer<const L extends string = never>(options: TimerOptions<L>): Timer<L> {
    const slowThreshold = durationMs(optionsObject(options, 'options').slowThreshold ?? this.#slowThreshold, 'slowThreshold') / 1000
    const shared = { core: this.#core, clock: this.#clock, slowOps: this.slowOps, slowThreshold }
    return this.#register<TimerSeries>(
      'timer',
      options,
      instrument => new Timer<string>(instrument),
      (slot, metric, labels) => new TimerSeries({ ...shared, slot, metric, labels }),
    ) as Timer<L>
  }

  /**
   * Calls `collect` before every snapshot and text, to copy numbers counted elsewhere. Returns what removes it. What it
   * throws is counted in `metrics_collect_errors_total` and kept as {@link lastCollectError}; the others still run.
   */
  onCollect(collect: () => void): () => void {
    if (typeof collect !== 'function') throw new InvalidArgumentError('collect', 'a function', collect)
    const entry = { collect }
    this.#collectors.add(entry)
    return () => void this.#collectors.delete(entry)
  }

  /** What the last failing collector threw. */
  get lastCollectError(): unknown {
    return this.#lastCollectError
  }

  /** Samples that were lost because the core could not be had. 0 unless WebAssembly is missing or trapped twice. */
  get droppedSamples(): number {
    return this.#core.droppedSamples
  }

  /** How often a trap of the core made the histograms begin again. */
  get restarts(): number {
    return this.#core.restarts
  }

  /** All numbers as plain data. Windows that are asked for begin with the first question, for all histograms and timers. */
  snapshot(options?: SnapshotOptions): RegistrySnapshot {
    const names = windowNames(optionsObject(options, 'options').windows)
    if (names.length > 0) this.#watchAll()
    this.#collect()
    const summaries = this.#core.summaries()
    const windows = names.map(name => ({ name, summaries: this.#core.summaries(windowMs({ window: name })) }))
    const told = (slot: number, labels: Record<string, string>): HistogramSeriesSnapshot => ({
      labels: { ...labels },
      ...distributionAt(summaries, slot),
      ...(names.length > 0 && {
        windows: Object.fromEntries(windows.map(({ name, summaries }) => [name, windowedAt(summaries, slot)])),
      }),
    })
    const metrics = [...this.#metrics.values()].map(({ instrument, type, series }): MetricSnapshot => {
      const { name, help, overflowed } = instrument
      const head = { name, help, overflowed }
      if (type === 'histogram') return { ...head, type, series: series.map(({ labels, slot }) => told(slot, labels)) }
      return {
        ...head,
        type,
        series: series.map(({ labels, slot }) => ({ labels: { ...labels }, value: this.#core.cells[slot] as number })),
      }
    })
    return { metrics }
  }

  /** All numbers as Prometheus text, format 0.0.4. A long text is made in parts, with turns for the event loop between them. */
  async metrics(): Promise<string> {
    this.#collect()
    return this.#core.text()
  }

  /** Sets every number to zero; metrics, series and collectors stay. */
  reset(): void {
    this.#core.reset()
  }

  /** From now on every histogram keeps samples by time. */
  #watchAll(): void {
    if (this.#windows) return
    this.#windows = true
    for (const { type, number } of this.#metrics.values()) if (type === 'histogram') this.#core.watchFamily(number)
  }

  #collect(): void {
    for (const { collect } of [...this.#collectors]) {
      try {
        collect()
      } catch (error) {
        this.#lastCollectError = error
        this.counter({ name: 'metrics_collect_errors_total', help: 'Failures of functions given to onCollect.' }).inc()
      }
    }
  }

  #register<S>(
    kind: Kind,
    options: HistogramOptions<string>,
    build: (instrument: InstrumentOptions<S>) => AnyInstrument,
    beginSeries: (slot: number, metric: string, labels: Readonly<Record<string, string>>) => S,
  ): AnyInstrument {
    const family = familyOf(kind, options, this.#prefix)
    const labelNames = checkedLabelNames(options.labelNames, 'labelNames')
    const windows = flag(options.windows ?? this.#windows, 'windows')
    for (const label of labelNames) {
      if (Object.hasOwn(this.#defaults, label))
        throw new InvalidArgumentError('labelNames', 'other names than those of defaultLabels', label)
    }
    const definition = JSON.stringify([
      kind,
      family.help,
      labelNames,
      family.kind === 'histogram' ? [[...family.bounds], family.alpha] : null,
    ])
    const known = this.#metrics.get(family.name)
    if (known?.definition === definition) return known.instrument
    this.#names.claim(family)
    const number = this.#core.addFamily(family)
    const names = [...Object.keys(this.#defaults), ...labelNames]
    const series: Registered['series'] = []
    const begin = (values: string[]) => {
      const all = [...Object.values(this.#defaults), ...values]
      const slot = this.#core.addSeries(number, names, all)
      const labels = Object.freeze(Object.fromEntries(names.map((name, at) => [name, all[at] as string])))
      series.push({ labels, slot })
      return beginSeries(slot, family.name, labels)
    }
    if (family.kind === 'histogram' && windows) this.#core.watchFamily(number)
    const instrument = build({
      name: family.name,
      help: family.help,
      labelNames,
      maxSeries: this.#maxSeries,
      begin,
      core: this.#core,
      slots: () => series.map(({ slot }) => slot),
    })
    this.#metrics.set(family.name, { definition, instrument, type: family.kind, series, number })
    return instrument
  }
}

function flag(value: unknown, name: string): boolean {
  if (typeof value !== 'boolean') throw new InvalidArgumentError(name, 'true or false', value)
  return value
}

function windowNames(windows: readonly Duration[] = []): readonly Duration[] {
  if (!Array.isArray(windows)) throw new InvalidArgumentError('windows', "an array of durations such as ['1m', '15m']", windows)
  for (const window of windows) durationMs(window, 'windows')
  return windows
}
