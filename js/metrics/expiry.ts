/**
 * The series of one metric that nobody has used for a while: they leave, and give their room back.
 *
 * Whoever still holds one may use it again; then it is told again, with the number it had. One that nobody holds is forgotten, and its
 * place is for another. Nothing of that costs anything where numbers are recorded: whether a series was used is seen from its number.
 */

import { isSampled } from '../core/metrics-families.ts'
import type { CatalogueOptions, RegisteredSeries } from './catalogue.ts'
import type { SeriesTree } from './labels.ts'

/** Where the numbers of a series are. */
type Place = Pick<RegisteredSeries, 'number' | 'slot'>

/** What is known of a series that is not told. */
interface Retired extends Omit<RegisteredSeries, 'series'> {
  readonly values: readonly string[]
  readonly held: WeakRef<object>
}

/** When a series was last seen to be used, and its number then. */
interface Use {
  at: number
  count: number
}

/** What an expiry is made with. */
export interface ExpiryOptions extends Pick<CatalogueOptions, 'core' | 'clock'> {
  /** In milliseconds. */
  readonly maxIdle: number
  readonly isSampled: boolean
  /** Series that are told; the same array throughout. */
  readonly told: RegisteredSeries[]
}

/** See the top of this file. */
export class Expiry {
  /** How many series have left. */
  expired = 0
  readonly #options: ExpiryOptions
  readonly #uses = new Map<number, Use>()
  /** By their label values. */
  readonly #retired = new Map<string, Retired>()
  /** Nobody's. */
  readonly #free: Place[] = []
  #tree: SeriesTree<unknown> | undefined

  constructor(options: ExpiryOptions) {
    this.#options = options
  }

  /** Where its series are found by their labels. */
  attach(tree: SeriesTree<unknown>): void {
    this.#tree = tree
  }

  /** A series has begun. */
  began({ number, slot }: RegisteredSeries): void {
    this.#uses.set(number, { at: this.#options.clock.monotonic(), count: this.#count(slot, undefined) })
  }

  /** The series of these values that had left, if somebody still holds it. It is told again. */
  recover(values: readonly string[]): unknown {
    const retired = this.#retired.get(keyOf(values))
    const series = retired?.held.deref()
    if (retired === undefined || series === undefined) return undefined
    this.#return(retired, series, this.#options.clock.monotonic())
    return series
  }

  /** A place that a series has left for good. */
  place(): Place | undefined {
    return this.#free.pop()
  }

  /** Looks who is used. `counts` are those of all histogram series. */
  sweep(counts: Float64Array | undefined): void {
    const { clock, core, maxIdle, told, isSampled } = this.#options
    if (isSampled && counts === undefined) return
    const now = clock.monotonic()
    for (const retired of [...this.#retired.values()]) this.#lookAgain(retired, counts, now)
    const staying = told.filter(one => {
      if (this.#isUsed(one, counts, now) || now - (this.#uses.get(one.number)?.at ?? now) < maxIdle) return true
      const values = this.#tree?.valuesOf(one.labels) ?? []
      if (this.#tree?.remove(values) !== true) return true
      const { series, ...rest } = one
      this.#retired.set(keyOf(values), { ...rest, values, held: new WeakRef(series as object) })
      core.setTold(one.number, false)
      this.expired += 1
      return false
    })
    if (staying.length < told.length) told.splice(0, told.length, ...staying)
  }

  #lookAgain(retired: Retired, counts: Float64Array | undefined, now: number): void {
    const series = retired.held.deref()
    if (series !== undefined) {
      if (!this.#isUsed(retired, counts, now)) return
      this.#return(retired, series, now)
      this.#tree?.put(retired.values, series)
      return
    }
    const { number, slot } = retired
    this.#retired.delete(keyOf(retired.values))
    this.#uses.delete(number)
    this.#free.push({ number, slot })
  }

  #return({ values, held, ...rest }: Retired, series: object, now: number): void {
    this.#retired.delete(keyOf(values))
    const use = this.#uses.get(rest.number)
    if (use !== undefined) use.at = now
    this.#options.told.push({ ...rest, series })
    this.#options.core.setTold(rest.number, true)
  }

  #isUsed({ number, slot }: Place, counts: Float64Array | undefined, now: number): boolean {
    const use = this.#uses.get(number)
    const count = this.#count(slot, counts)
    const { touched } = this.#options.core
    const isTouched = !this.#options.isSampled && touched[slot] === 1
    if (use === undefined || (!isTouched && Object.is(count, use.count))) return false
    if (isTouched) touched[slot] = 0
    Object.assign(use, { at: now, count })
    return true
  }

  #count(slot: number, counts: Float64Array | undefined): number {
    return (this.#options.isSampled ? counts?.[slot] : this.#options.core.cells[slot]) ?? 0
  }
}

/** What an expiry is made of, where series of a metric expire. */
export function expiryOf(options: Omit<ExpiryOptions, 'isSampled'>, family: Parameters<typeof isSampled>[0]): Expiry | undefined {
  return options.maxIdle === Number.POSITIVE_INFINITY ? undefined : new Expiry({ ...options, isSampled: isSampled(family) })
}

function keyOf(values: readonly string[]): string {
  return JSON.stringify(values)
}
