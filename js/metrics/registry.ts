/** The registry: metrics by name, and the forms in which they are told. */

import type { Clock } from '../clock.ts'
import { MetricsCore } from '../core/metrics-core.ts'
import { InvalidArgumentError } from '../errors.ts'
import { clockOption, durationMs, flag, optionalFunction, optionsObject, sizeInBytes, wholeNumber } from '../options.ts'
import { type AnyInstrument, Catalogue } from './catalogue.ts'
import {
  type AnyOptions,
  type HistogramOptions,
  isMetricName,
  type Kind,
  type MetricOptions,
  type SummaryOptions,
  type TimerOptions,
} from './definition.ts'
import { dumpOf, type MergeOptions, mergeDump, type RegistryDump } from './dump.ts'
import { CONTENT_TYPES, type TextFormat, textFormat } from './exposition.ts'
import { Counter, Gauge, Histogram, Summary, Timer } from './instruments.ts'
import { checkLabelName, labelText } from './labels.ts'
import type { RegistryOptions, SnapshotOptions } from './registry-options.ts'
import { type LabelSelector, Selection } from './selection.ts'
import { CounterSeries, GaugeSeries, HistogramSeries } from './series.ts'
import { SlowLog } from './slow-log.ts'
import type { RegistrySnapshot } from './snapshot.ts'
import { tell, windowNames } from './tell.ts'
import { TimerSeries } from './timer-series.ts'

export type { RegistryOptions, SnapshotOptions }

/** Options of gauges. */
export interface GaugeOptions<L extends string> extends MetricOptions<L> {
  /** Sets the gauge before every snapshot and text; also as a method of `this`. See {@link Registry.onCollect}. Default: none. */
  collect?: (this: Gauge<L>, gauge: Gauge<L>) => unknown
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
  readonly contentType: string = CONTENT_TYPES.prometheus
  /** The slow operations that timers noticed. */
  readonly slowOps: SlowLog
  readonly #prefix: string
  readonly #clock: Clock
  readonly #slowThreshold: number
  readonly #core: MetricsCore
  readonly #catalogue: Catalogue
  readonly #collectors = new Set<{ readonly collect: () => unknown }>()
  #lastCollectError: unknown

  constructor(options?: RegistryOptions) {
    const { prefix = '', defaultLabels = {}, maxSeries = 2000, clock, windows = false } = optionsObject(options, 'options')
    const { maxWindowSize = '16mb', slowThreshold = 100, slowLogSize = 100 } = optionsObject(options, 'options')
    const { retention = '15m', maxIdle = Number.POSITIVE_INFINITY } = optionsObject(options, 'options')
    if (typeof prefix !== 'string' || (prefix !== '' && !isMetricName(prefix))) {
      throw new InvalidArgumentError('prefix', "the beginning of a name, such as 'app_'", prefix)
    }
    const defaults: Record<string, string> = {}
    for (const [name, value] of Object.entries(optionsObject(defaultLabels, 'defaultLabels'))) {
      checkLabelName(name, 'defaultLabels')
      defaults[name] = labelText(value, name)
    }
    this.#prefix = prefix
    this.#clock = clockOption(clock)
    this.#slowThreshold = durationMs(slowThreshold, 'slowThreshold')
    this.slowOps = new SlowLog(this.#clock, wholeNumber(slowLogSize, 'slowLogSize'))
    this.#core = new MetricsCore({
      clock: this.#clock,
      retention: durationMs(retention, 'retention'),
      windowBytes: sizeInBytes(maxWindowSize, 'maxWindowSize'),
    })
    this.#catalogue = new Catalogue({
      core: this.#core,
      clock: this.#clock,
      defaultLabels: defaults,
      maxSeries: wholeNumber(maxSeries, 'maxSeries'),
      windows: flag(windows, 'windows'),
      maxIdle: durationMs(maxIdle, 'maxIdle'),
    })
  }

  /** A total that only rises: `inc(n)`, `with(labels).inc(n)`. Asked for again with the same definition, it is the same. */
  counter<const L extends string = never>(options: MetricOptions<L>): Counter<L> {
    return this.#create('counter', options, this.#prefix) as Counter<L>
  }

  /** A number that goes up and down: `set(x)`, `inc(n)`, `dec(n)`; or one that `collect` sets when somebody looks. */
  gauge<const L extends string = never>(options: GaugeOptions<L>): Gauge<L> {
    return this.#create('gauge', options as AnyOptions, this.#prefix) as unknown as Gauge<L>
  }

  /** Samples: `observe(x)`. Buckets in the text, quantiles in the snapshot. */
  histogram<const L extends string = never>(options: HistogramOptions<L>): Histogram<L> {
    return this.#create('histogram', options, this.#prefix) as Histogram<L>
  }

  /** Samples: `observe(x)`. Quantiles in the text too, of the last five minutes. Unlike buckets they cannot be added up by whoever reads them. */
  summary<const L extends string = never>(options: SummaryOptions<L>): Summary<L> {
    return this.#create('summary', options, this.#prefix) as Summary<L>
  }

  /**
   * Durations in seconds: `const end = timer.start(); end()`, `using operation = timer.begin()`, `timer.time(fn)`, `observe(seconds)`.
   * Failures of `time` and `begin` are counted in `<name without _seconds>_failures_total`.
   */
  timer<const L extends string = never>(options: TimerOptions<L>): Timer<L> {
    return this.#create('timer', options, this.#prefix) as Timer<L>
  }

  /** The metric of that name, with or without the registry's prefix. */
  get(name: string): AnyInstrument | undefined {
    return (this.#catalogue.get(name) ?? this.#catalogue.get(this.#prefix + name))?.instrument
  }

  /**
   * Series of the metric of that name, by some of their labels, to be read together; `undefined` where there is no such metric. What
   * {@link onCollect} copies is as old as the last snapshot, text or call of {@link collect}.
   *
   * ```ts
   * registry.select('requests_total', { status: /^5/ })?.value()
   * registry.select('load_seconds')?.quantile(0.99, { window: '5m' })
   * ```
   */
  select(name: string, labels?: LabelSelector): Selection | undefined {
    const found = this.#catalogue.get(name) ?? this.#catalogue.get(this.#prefix + name)
    optionsObject(labels, 'labels')
    return found && new Selection(this.#core, found, labels)
  }

  /** Has everything copied that {@link onCollect} copies, for those who read series themselves. */
  collect(): void {
    void this.#collect()
  }

  /**
   * Calls `collect` before every snapshot and text, to copy numbers counted elsewhere. Returns what removes it. What it
   * throws is counted in `metrics_collect_errors_total` and kept as {@link lastCollectError}; the others still run. A text waits for the
   * promise that it returns, a snapshot does not.
   */
  onCollect(collect: () => unknown): () => void {
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

  /** All numbers as plain data. Windows that are asked for begin with the first question, for all histograms, timers and summaries. */
  snapshot(options?: SnapshotOptions): RegistrySnapshot {
    const windows = windowNames(optionsObject(options, 'options').windows)
    if (windows.length > 0) this.#catalogue.watchAll()
    void this.#collect()
    this.#catalogue.sweep()
    return { metrics: tell(this.#catalogue, windows) }
  }

  /**
   * All numbers as text: Prometheus 0.0.4, or OpenMetrics 1.0.0. A long text is made in slices of a few milliseconds, with turns for the
   * event loop between them. All its numbers are of one moment, unless more than a million samples come meanwhile, or somebody takes a snapshot.
   */
  async metrics(format: TextFormat = 'prometheus'): Promise<string> {
    if (!Object.hasOwn(CONTENT_TYPES, format))
      throw new InvalidArgumentError('format', "'prometheus', 'openmetrics' or 'prom-client'", format)
    await Promise.all(this.#collect())
    this.#catalogue.sweep()
    return this.#core.text(format)
  }

  /** The text that an `Accept` header prefers, and its media type: what an endpoint for scrapers answers. */
  async exposition(accept?: string | null): Promise<{ contentType: string; body: string }> {
    if (accept !== undefined && accept !== null && typeof accept !== 'string')
      throw new InvalidArgumentError('accept', 'the text of an Accept header', accept)
    const format = textFormat(accept)
    return { contentType: CONTENT_TYPES[format], body: await this.metrics(format) }
  }

  /**
   * All numbers in a form that {@link merge} of another registry adds to its own: that of another thread, tab or process. With `reset` they are
   * zero afterwards, so that dumps sent from time to time can be added one after the other.
   *
   * ```ts
   * setInterval(() => postMessage(registry.dump({ reset: true })), 1000) // in a worker
   * worker.onmessage = ({ data }) => registry.merge(data) // outside
   * ```
   */
  dump(options?: { reset?: boolean }): RegistryDump {
    const { reset = false } = optionsObject(options, 'options')
    void this.#collect()
    this.#catalogue.sweep()
    const dump = dumpOf(this.#catalogue)
    if (flag(reset, 'reset')) this.reset()
    return dump
  }

  /**
   * Adds a dump: counters and histograms add up, gauges as the option says. Metrics are registered by their full names; default labels
   * are those of this registry. A metric that is here with another definition is `ERR_INVALID_ARGUMENT`, and nothing is added.
   */
  merge(dump: RegistryDump, options?: MergeOptions): void {
    mergeDump(this.#catalogue, dump, options, (kind, definition) => this.#create(kind, definition, '') as Counter<string>)
  }

  /** Sets every number to zero; metrics, series and collectors stay. */
  reset(): void {
    this.#core.reset()
    for (const { series } of this.#catalogue.all())
      for (const one of series) if (one.series instanceof TimerSeries) one.series.resetFailures()
  }

  #create(kind: Kind, options: AnyOptions & { collect?: unknown; slowThreshold?: unknown }, prefix: string): AnyInstrument {
    const core = this.#core
    const given = optionsObject(options, 'options') as typeof options
    if (kind === 'counter') {
      const begin = (slot: number) => new CounterSeries(core, slot)
      return this.#catalogue.register(kind, given, prefix, { build: all => new Counter<string>(all), begin }).instrument
    }
    if (kind === 'gauge') return this.#createGauge(given, prefix)
    if (kind === 'timer') return this.#createTimer(given, prefix)
    const build = kind === 'summary' ? Summary<string> : Histogram<string>
    const begin = (slot: number) => new HistogramSeries(core, slot)
    return this.#catalogue.register(kind, given, prefix, { build: all => new build(all), begin }).instrument
  }

  #createGauge(options: AnyOptions & { collect?: unknown }, prefix: string): AnyInstrument {
    const { collect } = options
    optionalFunction(collect, 'collect')
    const begin = (slot: number) => new GaugeSeries(this.#core, slot)
    const { instrument, isNew } = this.#catalogue.register('gauge', options, prefix, { build: all => new Gauge<string>(all), begin })
    if (isNew && collect !== undefined) this.onCollect(() => (collect as (gauge: unknown) => unknown).call(instrument, instrument))
    return instrument
  }

  #createTimer(options: AnyOptions & { slowThreshold?: unknown }, prefix: string): AnyInstrument {
    const slowThreshold = durationMs(options.slowThreshold ?? this.#slowThreshold, 'slowThreshold') / 1000
    const shared = { core: this.#core, clock: this.#clock, slowOps: this.slowOps, slowThreshold }
    const metric = `${prefix}${options.name}`
    const name = `${metric.replace(/_seconds$/, '')}_failures_total`
    const labelNames = options.labelNames ?? []
    const failures = (labels: Readonly<Record<string, string>>) => {
      try {
        const counter = this.#create('counter', { name, help: `Failures of what ${metric} timed.`, labelNames }, '') as Counter<string>
        return counter.with(Object.fromEntries(labelNames.map(label => [label, labels[label] as string])))
      } catch {
        // The name is somebody else's: then only the snapshot tells.
        return undefined
      }
    }
    return this.#catalogue.register<TimerSeries>('timer', options, prefix, {
      build: all => new Timer<string>(all),
      begin: (slot: number, labels) => new TimerSeries({ ...shared, slot, metric, labels, failures: () => failures(labels) }),
    }).instrument
  }

  /** Calls the collectors. The promises are of those that take longer. */
  #collect(): Promise<void>[] {
    const pending: Promise<void>[] = []
    for (const { collect } of [...this.#collectors]) {
      try {
        const result = collect()
        if (result instanceof Promise)
          pending.push(
            result.then(
              () => undefined,
              error => this.#collectFailed(error),
            ),
          )
      } catch (error) {
        this.#collectFailed(error)
      }
    }
    return pending
  }

  #collectFailed(error: unknown): void {
    this.#lastCollectError = error
    this.counter({ name: 'metrics_collect_errors_total', help: 'Failures of functions given to onCollect.' }).inc()
  }
}
