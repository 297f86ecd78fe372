/** The metrics of one registry, by name. */

import type { Clock } from '../clock.ts'
import type { MetricsCore } from '../core/metrics-core.ts'
import type { CoreFamily } from '../core/metrics-families.ts'
import { InvalidArgumentError } from '../errors.ts'
import { durationMs, flag } from '../options.ts'
import { type AnyOptions, definitionText, familyOf, type Kind, Names } from './definition.ts'
import { type Expiry, expiryOf } from './expiry.ts'
import type { Counter, Gauge, Histogram, InstrumentOptions, Summary, Timer } from './instruments.ts'
import { checkedLabelNames } from './labels.ts'

/** Any instrument. */
export type AnyInstrument = Counter<string> | Gauge<string> | Histogram<string> | Summary<string> | Timer<string>

/** One set of labels, and where its numbers are. */
export interface RegisteredSeries {
  readonly labels: Readonly<Record<string, string>>
  /** What the core calls it. */
  readonly number: number
  readonly slot: number
  readonly series: unknown
}

/** A metric that is registered. */
export interface Registered {
  readonly kind: Kind
  readonly family: CoreFamily
  readonly definition: string
  readonly instrument: AnyInstrument
  readonly series: RegisteredSeries[]
  /** What the core calls it. */
  readonly number: number
  /** Where its series expire. */
  readonly expiry: Expiry | undefined
}

/** How a metric of some kind is made. */
export interface Maker<S> {
  build(options: InstrumentOptions<S>): AnyInstrument
  begin(slot: number, labels: Readonly<Record<string, string>>): S
}

/** What all metrics of a registry share. */
export interface CatalogueOptions {
  readonly core: MetricsCore
  readonly clock: Clock
  readonly defaultLabels: Readonly<Record<string, string>>
  readonly maxSeries: number
  readonly windows: boolean
  /** Milliseconds after which series that nobody uses leave. */
  readonly maxIdle: number
}

/** See the top of this file. */
export class Catalogue {
  readonly core: MetricsCore
  readonly #options: CatalogueOptions
  readonly #metrics = new Map<string, Registered>()
  readonly #names = new Names()
  #windows: boolean

  constructor(options: CatalogueOptions) {
    this.core = options.core
    this.#options = options
    this.#windows = options.windows
  }

  /** All metrics, in the order they were registered. */
  all(): Registered[] {
    return [...this.#metrics.values()]
  }

  /** The metric of that full name. */
  get(name: string): Registered | undefined {
    return this.#metrics.get(name)
  }

  /** Registers a metric, or finds it when it is registered with the same definition. `isNew` tells which. */
  register<S>(kind: Kind, options: AnyOptions, prefix: string, maker: Maker<S>): { instrument: AnyInstrument; isNew: boolean } {
    const family = familyOf(kind, options, prefix)
    const labelNames = checkedLabelNames(options.labelNames, 'labelNames')
    const windows = flag(options.windows ?? this.#windows, 'windows')
    const { defaultLabels, maxSeries, clock } = this.#options
    const maxIdle = options.maxIdle === undefined ? this.#options.maxIdle : durationMs(options.maxIdle, 'maxIdle')
    for (const label of labelNames) {
      if (Object.hasOwn(defaultLabels, label))
        throw new InvalidArgumentError('labelNames', 'other names than those of defaultLabels', label)
    }
    const definition = definitionText(kind, family, labelNames)
    const known = this.#metrics.get(family.name)
    if (known?.definition === definition) return { instrument: known.instrument, isNew: false }
    this.#names.claim(family)
    const number = this.core.addFamily(family)
    const names = [...Object.keys(defaultLabels), ...labelNames]
    const all: RegisteredSeries[] = []
    const expiry = labelNames.length === 0 ? undefined : expiryOf({ core: this.core, clock, maxIdle, told: all }, family)
    const begin = (values: string[]) => {
      const known = expiry?.recover(values)
      if (known !== undefined) return known as S
      const whole = [...Object.values(defaultLabels), ...values]
      const left = expiry?.place()
      if (left !== undefined) this.core.reuseSeries(left.number, names, whole)
      const place = left ?? this.core.addSeries(number, names, whole)
      const labels = Object.freeze(Object.fromEntries(names.map((name, at) => [name, whole[at] as string])))
      const series = maker.begin(place.slot, labels)
      const one = { labels, number: place.number, slot: place.slot, series }
      all.push(one)
      expiry?.began(one)
      return series
    }
    const isWindowed = family.kind === 'summary' ? family.window !== Number.POSITIVE_INFINITY : family.kind === 'histogram' && windows
    if (isWindowed) this.core.watchFamily(number)
    const { name, help } = family
    const slots = () => all.map(({ slot }) => slot)
    const instrument = maker.build({ name, help, labelNames, maxSeries, begin, expiry, core: this.core, clock, slots })
    this.#metrics.set(name, { kind, family, definition, instrument, series: all, number, expiry })
    return { instrument, isNew: true }
  }

  /** Series that nobody uses leave, where they do. */
  sweep(): void {
    const expiries = this.all().flatMap(({ expiry }) => expiry ?? [])
    if (expiries.length === 0) return
    const counts = this.core.counts()
    for (const expiry of expiries) expiry.sweep(counts)
  }

  /** From now on every metric of samples keeps them by time. */
  watchAll(): void {
    if (this.#windows) return
    this.#windows = true
    for (const { family, number } of this.#metrics.values()) {
      if (family.kind === 'histogram' || family.kind === 'summary') this.core.watchFamily(number)
    }
  }
}
