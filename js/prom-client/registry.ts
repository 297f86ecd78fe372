/** prom-client's registry: a set of metrics. */

import type { LabelValue } from '../metrics/labels.ts'
import type { Registry as OwnRegistry } from '../metrics/registry.ts'
import type { Metric, MetricObject } from './metric.ts'

type AnyMetric = Metric<string, unknown>

/** The media type of {@link Registry.metrics}, unless another is set. */
export const contentType = 'text/plain; version=0.0.4; charset=utf-8'
const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

/** See the top of this file. */
export class Registry {
  static readonly PROMETHEUS_CONTENT_TYPE = contentType
  static readonly OPENMETRICS_CONTENT_TYPE = OPEN_METRICS
  readonly #metrics = new Map<string, AnyMetric>()
  readonly #included = new Set<OwnRegistry>()
  #defaults: Record<string, string> = {}
  #contentType: string

  constructor(type: string = contentType) {
    this.#contentType = type
  }

  /** A registry with the metrics of several, as they are now. */
  static merge(registries: readonly Registry[]): Registry {
    const merged = new Registry()
    for (const registry of registries) for (const metric of registry.getMetricsAsArray()) merged.registerMetric(metric)
    return merged
  }

  get contentType(): string {
    return this.#contentType
  }

  /** Sets the format of the text by its media type. */
  setContentType(type: string): void {
    this.#contentType = type
  }

  /** Adds a metric. Throws when another has its name. */
  registerMetric(metric: AnyMetric): void {
    const known = this.#metrics.get(metric.name)
    if (known !== undefined && known !== metric) throw new Error(`A metric with the name ${metric.name} has already been registered.`)
    this.#metrics.set(metric.name, metric)
  }

  /** Tells the metrics of a registry of shelflife too, such as that which caches report to. */
  include(registry: OwnRegistry): void {
    this.#included.add(registry)
  }

  /** Removes all metrics and default labels. */
  clear(): void {
    this.#included.clear()
    this.#metrics.clear()
    this.#defaults = {}
  }

  removeSingleMetric(name: string): void {
    this.#metrics.delete(name)
  }

  getSingleMetric(name: string): AnyMetric | undefined {
    return this.#metrics.get(name)
  }

  getMetricsAsArray(): AnyMetric[] {
    return [...this.#metrics.values()]
  }

  /** Labels that every series is told with, unless it has one of that name. */
  setDefaultLabels(labels: Readonly<Record<string, LabelValue>>): void {
    this.#defaults = Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, escaped(String(value))]))
  }

  /** Forgets the numbers of all metrics. */
  resetMetrics(): void {
    for (const metric of this.#metrics.values()) metric.reset()
  }

  /** All numbers as text. */
  async metrics(): Promise<string> {
    const open = this.#contentType.startsWith('application/openmetrics-text')
    const texts: string[] = []
    for (const metric of this.getMetricsAsArray()) texts.push(this.#withDefaults(await metric.text(open), metric))
    for (const registry of this.#included) {
      const text = await registry.metrics(open ? 'openmetrics' : 'prom-client')
      const families = text.replace(/\n(# EOF\n)?$/, '').split(/\n(?=# HELP )/)
      for (const family of families) texts.push(this.#withDefaults(family, { labelNames: [] }))
    }
    return open ? `${texts.join('\n')}\n# EOF\n` : `${texts.join('\n\n')}\n`
  }

  /** The text of one metric. */
  async getSingleMetricAsString(name: string): Promise<string> {
    const metric = this.#metrics.get(name)
    if (metric === undefined) throw new Error(`there is no metric ${name}`)
    return this.#withDefaults(await metric.text(false), metric)
  }

  /** All numbers as objects. */
  async getMetricsAsJSON(): Promise<MetricObject[]> {
    const metrics = await Promise.all(this.getMetricsAsArray().map(metric => metric.get()))
    for (const { values } of metrics) for (const one of values) one.labels = { ...this.#defaults, ...one.labels }
    return metrics
  }

  #withDefaults(text: string, { labelNames, type }: { labelNames: readonly string[]; type?: string }): string {
    const added = Object.entries(this.#defaults).filter(([name]) => !labelNames.includes(name))
    if (added.length === 0) return text
    const defaults = added.map(([name, value]) => `${name}="${value}"`).join(',')
    // Where prom-client has them: behind the bound of a bucket, and otherwise behind the labels of its own.
    const isSampled = type === 'histogram' || type === 'summary'
    return text.replace(/^([a-zA-Z_:][\w:]*)(?:\{((?:le|quantile)="[^"]*")?,?(.*)\})? (\S+)$/gm, (_, name, bound, own, value) => {
      const labels = (isSampled ? [bound, defaults, own] : [own, defaults]).filter(part => part !== undefined && part !== '')
      return `${name}{${labels.join(',')}} ${value}`
    })
  }
}

/** The registry that metrics are in when no other is named. */
export const register: Registry = /* @__PURE__ */ new Registry()

function escaped(value: string): string {
  return value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')
}
