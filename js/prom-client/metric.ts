/** What all metrics of the adapter have: a registry of shelflife each, so that one can be in many registries and leave them. */

import { InvalidArgumentError } from '../errors.ts'
import type { LabelValue } from '../metrics/labels.ts'
import { createRegistry, type Registry as OwnRegistry } from '../metrics/registry.ts'
import { type Registry, register } from './registry.ts'

/** The kinds of metrics. */
export type MetricType = 'counter' | 'gauge' | 'histogram' | 'summary'

/** Options of every metric. */
export interface MetricConfiguration<T extends string> {
  name: string
  help: string
  labelNames?: readonly T[]
  /** Where it is registered. Default: `[register]`. */
  registers?: Registry[]
  /** Called before it is told; may return a promise. */
  collect?: (this: never) => unknown
}

/** Labels that need not be complete. */
export type PartialLabels<T extends string> = Partial<Record<T, LabelValue>>

/** A metric as {@link Registry.getMetricsAsJSON} tells it. */
export interface MetricObject {
  name: string
  help: string
  type: MetricType
  values: { value: number; metricName?: string; labels: Record<string, string | number> }[]
  aggregator: 'sum'
}

/** Series of one metric; further ones are one. */
const MOST_SERIES = 100_000

/** See the top of this file. `S` is the series of one set of labels. */
export abstract class Metric<T extends string, S> {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly T[]
  abstract readonly type: MetricType
  readonly #collect: ((this: never) => unknown) | undefined
  readonly #create: (registry: OwnRegistry) => { with(labels: never): unknown }
  #registry: OwnRegistry
  #instrument: { with(labels: never): unknown }

  constructor(configuration: MetricConfiguration<T>, create: (registry: OwnRegistry) => { with(labels: never): unknown }) {
    if (typeof configuration !== 'object' || configuration === null) throw new TypeError('constructor expected a config object')
    const { name, help, labelNames = [], registers = [register], collect } = configuration
    const { enableExemplars } = configuration as { enableExemplars?: unknown }
    // Left out in silence, they would be missed in an incident.
    if (enableExemplars) throw new InvalidArgumentError('enableExemplars', 'false: there are no exemplars here', enableExemplars)
    if (!help) throw new Error('Missing mandatory help parameter')
    if (!name) throw new Error('Missing mandatory name parameter')
    this.name = name
    this.help = help
    this.labelNames = labelNames
    this.#collect = collect
    this.#create = create
    this.#registry = createRegistry({ maxSeries: MOST_SERIES })
    this.#instrument = create(this.#registry)
    for (const registry of registers) registry.registerMetric(this as unknown as Metric<string, unknown>)
  }

  /** Forgets all series. */
  reset(): void {
    this.#registry = createRegistry({ maxSeries: MOST_SERIES })
    this.#instrument = this.#create(this.#registry)
  }

  /** Forgets the series of these label values, or of an object of labels. */
  remove(...labels: [PartialLabels<T>] | LabelValue[]): void {
    const gone = this.complete(this.given(labels))
    const dump = this.#registry.dump()
    for (const metric of dump.metrics) {
      metric.series = metric.series.filter(({ values }) => this.labelNames.some((name, at) => String(gone[name]) !== values[at]))
    }
    this.reset()
    this.#registry.merge(dump)
  }

  /** Calls `collect`, and waits for it. */
  async collected(): Promise<void> {
    await this.#collect?.call(this as never)
  }

  /** Its text, with the head and without a last line end. */
  async text(openMetrics: boolean): Promise<string> {
    await this.collected()
    const text = await this.#registry.metrics(openMetrics ? 'openmetrics' : 'prom-client')
    if (text.startsWith('# HELP')) return text.replace(/\n(# EOF\n)?$/, '')
    const help = this.help.replace(/\\/g, '\\\\').replace(/\n/g, '\\n')
    return `# HELP ${this.name} ${help}\n# TYPE ${this.name} ${this.type}`
  }

  /** Its numbers, as prom-client tells them. */
  async get(): Promise<MetricObject> {
    const values: MetricObject['values'] = []
    for (const line of (await this.text(false)).split('\n')) {
      const [, name = '', labels = '', value = ''] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
      if (name === '' || line.startsWith('#')) continue
      values.push({
        value: Number(value.replace('Inf', 'Infinity')),
        ...(this.type === 'histogram' || name !== this.name ? { metricName: name } : {}),
        labels: readLabels(labels),
      })
    }
    return { name: this.name, help: this.help, type: this.type, values, aggregator: 'sum' }
  }

  /** The labels given as one object, or as values in the order of `labelNames`. */
  protected given(labels: [PartialLabels<T>] | LabelValue[]): PartialLabels<T> {
    const [first] = labels
    if (typeof first === 'object') return first
    if (labels.length !== this.labelNames.length) {
      const [values, names] = [labels.map(label => JSON.stringify(label)).join(', '), this.labelNames.join(', ')]
      throw new Error(`Invalid number of arguments (${labels.length}): ${values} for label names (${this.labelNames.length}): "${names}".`)
    }
    return Object.fromEntries(this.labelNames.map((name, at) => [name, labels[at]])) as PartialLabels<T>
  }

  /** The series of labels, of which some may be left out. */
  protected series(labels: PartialLabels<T>): S {
    return this.#instrument.with(this.complete(labels) as never) as S
  }

  /** All labels, those left out empty. */
  protected complete(labels: PartialLabels<T>): Record<T, LabelValue> {
    for (const name in labels) {
      if (!this.labelNames.includes(name)) {
        throw new Error(
          `Added label "${name}" is not included in initial labelset: [ ${this.labelNames.map(one => `'${one}'`).join(', ')} ]`,
        )
      }
    }
    const complete = {} as Record<T, LabelValue>
    for (const name of this.labelNames) complete[name] = labels[name] ?? ''
    return complete
  }
}

function readLabels(text: string): Record<string, string | number> {
  const labels: Record<string, string | number> = {}
  for (const [, name = '', value = ''] of text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
    const raw = value.replace(/\\(.)/g, (_, code: string) => (code === 'n' ? '\n' : code))
    const isBound = (name === 'le' || name === 'quantile') && raw !== '+Inf'
    labels[name] = isBound ? Number(raw) : raw
  }
  return labels
}
