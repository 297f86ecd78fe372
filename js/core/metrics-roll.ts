/** The families and series of one registry, since when windows know them, and how many of them the machine knows: each new one is told of all. */

import type { CoreHandle } from './door.ts'
import { define } from './metrics-define.ts'
import { type CoreFamily, isSampled } from './metrics-families.ts'
import type { MetricsMachine } from './parts/metrics.ts'

/** One series. */
export interface CoreSeries {
  readonly family: number
  /** Which of its family it is. */
  readonly place: number
  /** A cell, or a number among the histograms. */
  readonly slot: number
  labels: string
  isTold: boolean
}

/** See the top of this file. */
export class MetricsRoll {
  readonly #families: CoreFamily[] = []
  /** How many series each family has. */
  readonly #places: number[] = []
  readonly #series: CoreSeries[] = []
  /** The families of histogram series, by slot. */
  readonly #histograms: number[] = []
  readonly #watchedFamilies = new Map<number, number>()
  readonly #watched = new Map<number, number>()
  #knownFamilies = 0
  #knownSeries = 0

  /** How many series have samples. */
  get histograms(): number {
    return this.#histograms.length
  }

  /** How many series the machine does not know. */
  get untold(): number {
    return this.#series.length - this.#knownSeries
  }

  /** Takes in a family and numbers it. */
  addFamily(family: CoreFamily): number {
    this.#places.push(0)
    return this.#families.push(family) - 1
  }

  /** Whether series of a family have samples. */
  isSampled(family: number): boolean {
    return isSampled(this.#families[family])
  }

  /** The slot of a series of samples that begins. */
  addHistogram(family: number): number {
    return this.#histograms.push(family) - 1
  }

  /** Takes in a series and numbers it. */
  addSeries(family: number, slot: number, labels: string): number {
    const place = this.#places[family] as number
    this.#places[family] = place + 1
    return this.#series.push({ family, place, slot, labels, isTold: true }) - 1
  }

  at(number: number): CoreSeries {
    return this.#series[number] as CoreSeries
  }

  /** Whether the machine knows a series. */
  knows(number: number): boolean {
    return number < this.#knownSeries
  }

  /** Windows know a family from `now` on. Whether the machine knows the family. */
  watchFamily(family: number, now: number): boolean {
    this.#watchedFamilies.set(family, now)
    return this.#knownFamilies > family
  }

  /** The same for a histogram series. */
  watch(slot: number, now: number): void {
    this.#watched.set(slot, now)
  }

  /** Whether windows know a family. */
  isFamilyWatched(family: number): boolean {
    return this.#watchedFamilies.has(family)
  }

  /** Whether windows know a histogram series, by itself or with its family; also of one that is not there there is nothing to begin. */
  isWatched(slot: number): boolean {
    const family = this.#histograms[slot]
    return family === undefined || this.#watchedFamilies.has(family) || this.#watched.has(slot)
  }

  /** Windows know a histogram series no more by itself. */
  unwatch(slot: number): void {
    this.#watched.delete(slot)
  }

  /** All windows begin anew. */
  watchAnew(now: number): void {
    for (const times of [this.#watchedFamilies, this.#watched]) for (const number of times.keys()) times.set(number, now)
  }

  /** The machine is another, and knows nothing. */
  forget(): void {
    this.#knownFamilies = 0
    this.#knownSeries = 0
  }

  /** Tells the machine of all that it does not know. */
  introduce(handle: CoreHandle<MetricsMachine>): void {
    for (let family = this.#families[this.#knownFamilies]; family !== undefined; family = this.#families[this.#knownFamilies]) {
      define(handle, family)
      const watched = this.#watchedFamilies.get(this.#knownFamilies)
      if (watched !== undefined) handle.use(machine => machine.watchFamily(this.#knownFamilies, watched))
      this.#knownFamilies += 1
    }
    for (let series = this.#series[this.#knownSeries]; series !== undefined; series = this.#series[this.#knownSeries]) {
      const { family, place, slot, labels, isTold } = series
      handle.use(machine => machine.addSeries(family, slot, labels))
      if (!isTold) handle.use(machine => machine.setTold(family, place, false))
      const watched = this.isSampled(family) ? this.#watched.get(slot) : undefined
      if (watched !== undefined) handle.use(machine => machine.watch(slot, watched))
      this.#knownSeries += 1
    }
  }
}
