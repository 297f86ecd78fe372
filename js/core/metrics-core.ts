/**
 * The numbers of one registry, and the machine that counts, summarises and tells them (law L1).
 *
 * Counters and gauges are cells of a plain typed array. Histogram samples go into a log, pairs of series and value,
 * that is copied into the core when it is full and before every answer. Recording alone never makes the core, calls it
 * at most once in 1024 samples, and never throws because of it.
 *
 * After a trap the cells stand, families and series are defined again, and histograms begin with the samples that were
 * still in the log.
 */

import { CoreTrappedError } from '../errors.ts'
import { nextTask } from '../next-task.ts'
import { CoreHandle, type CoreNumbers } from './door.ts'
import { MetricsMachine, part } from './parts/metrics.ts'

/** A family of series as the core is told of it. */
export type CoreFamily =
  | { readonly kind: 'counter' | 'gauge'; readonly name: string; readonly help: string }
  | { readonly kind: 'histogram'; readonly name: string; readonly help: string; readonly bounds: Float64Array; readonly alpha: number }

/** Numbers in the summary of one histogram series: count, sum, min, max, p50, p95, p99. */
export const SUMMARY_WIDTH = 7

const LOG_LENGTH = 2048
const FIRST_CELLS = 64
/** Series are told to the core in portions, so that the first scrape of many does not stall. */
const PORTION = 256
/** Text is told in parts of about this many bytes, each a few milliseconds. */
const PART_BYTES = 128 * 1024

type Machine = MetricsMachine

interface CoreSeries {
  readonly family: number
  readonly slot: number
  readonly labels: string
}

/** See the top of this file. */
export class MetricsCore {
  /** The cells of counters and gauges. Read it anew each time: it is replaced when it grows. */
  cells: Float64Array = new Float64Array(FIRST_CELLS)
  /** Samples that were dropped because the core could not be had: no WebAssembly, or two traps in a row. */
  droppedSamples = 0
  /** How often a trap made the histograms begin again. */
  restarts = 0
  #cellCount = 0
  #histogramCount = 0
  readonly #log = new Float64Array(LOG_LENGTH)
  #logged = 0
  readonly #families: CoreFamily[] = []
  readonly #series: CoreSeries[] = []
  #handle: CoreHandle<Machine> | undefined
  #coreLog: CoreNumbers | undefined
  #knownFamilies = 0
  #knownSeries = 0

  /** Begins a family and numbers it. */
  addFamily(family: CoreFamily): number {
    return this.#families.push(family) - 1
  }

  /** Begins a series of `family` and returns its slot: a cell, or a number among the histograms. No carriage returns. */
  addSeries(family: number, names: readonly string[], values: readonly string[]): number {
    const slot = this.#families[family]?.kind === 'histogram' ? this.#histogramCount++ : this.#addCell()
    const labels = names.map((name, at) => `${name}\r${values[at]}`).join('\r')
    this.#series.push({ family, slot, labels })
    if (this.#handle !== undefined && this.#series.length - this.#knownSeries >= PORTION) this.#quietly(() => {})
    return slot
  }

  /** Logs a sample of histogram series `slot`. `value` must be finite. */
  observe(slot: number, value: number): void {
    const log = this.#log
    const at = this.#logged
    log[at] = slot
    log[at + 1] = value
    this.#logged = at + 2
    if (at + 2 === LOG_LENGTH) this.#drainFull()
  }

  /** The summaries of all histogram series, {@link SUMMARY_WIDTH} numbers each; NaN where an empty one has none. */
  summaries(): Float64Array {
    if (this.#histogramCount === 0) return new Float64Array(0)
    return this.#withCore(handle => {
      this.#drain(handle)
      const pointer = handle.use(machine => machine.summarise())
      return handle.numbers(pointer, this.#histogramCount * SUMMARY_WIDTH).numbers.slice()
    })
  }

  /** The Prometheus text of everything. Long texts give the event loop turns in between. */
  async text(): Promise<string> {
    for (let traps = 0; ; traps += 1) {
      try {
        return await this.#tell()
      } catch (error) {
        if (traps > 0 || !(error instanceof CoreTrappedError)) throw error
      }
    }
  }

  /** Forgets all numbers; families and series stay. */
  reset(): void {
    this.cells.fill(0)
    this.#logged = 0
    if (this.#handle !== undefined) this.#withCore(handle => handle.use(machine => machine.reset()))
  }

  async #tell(): Promise<string> {
    const handle = this.#withCore(handle => {
      this.#drain(handle)
      const pointer = handle.use(machine => machine.cells(this.#cellCount))
      handle.numbers(pointer, this.#cellCount).numbers.set(this.cells.subarray(0, this.#cellCount))
      return handle
    })
    const parts: string[] = []
    for (let family = 0, series = 0; family >= 0; ) {
      if (parts.length > 0) await nextTask()
      handle.use(machine => {
        parts.push(machine.textPart(family, series, PART_BYTES))
        family = machine.nextFamily
        series = machine.nextSeries
      })
    }
    return parts.join('')
  }

  #addCell(): number {
    if (this.#cellCount === this.cells.length) {
      const grown = new Float64Array(this.cells.length * 2)
      grown.set(this.cells)
      this.cells = grown
    }
    return this.#cellCount++
  }

  #drainFull(): void {
    if (this.#quietly(handle => this.#drain(handle))) return
    this.droppedSamples += this.#logged / 2
    this.#logged = 0
  }

  #drain(handle: CoreHandle<Machine>): void {
    if (this.#logged === 0) return
    this.#coreLog?.numbers.set(this.#log.subarray(0, this.#logged))
    handle.use(machine => machine.drain(this.#logged))
    this.#logged = 0
  }

  /** For work that nobody asked for and that can be done later: whether it succeeded. */
  #quietly(action: (handle: CoreHandle<Machine>) => void): boolean {
    try {
      this.#withCore(action)
      return true
    } catch {
      return false
    }
  }

  /** Runs `action` on a machine that knows every series; a second time when a trap takes the first. */
  #withCore<T>(action: (handle: CoreHandle<Machine>) => T): T {
    for (let traps = 0; ; traps += 1) {
      try {
        const handle = this.#open()
        this.#introduce(handle)
        return action(handle)
      } catch (error) {
        if (traps > 0 || !(error instanceof CoreTrappedError)) throw error
      }
    }
  }

  #open(): CoreHandle<Machine> {
    if (this.#handle !== undefined && !this.#handle.lost) return this.#handle
    if (this.#handle === undefined) this.#handle = new CoreHandle(part, () => new MetricsMachine(LOG_LENGTH))
    else {
      this.#handle.renew()
      this.restarts += 1
    }
    this.#coreLog = this.#handle.numbers(
      this.#handle.use(machine => machine.logPointer()),
      LOG_LENGTH,
    )
    this.#knownFamilies = 0
    this.#knownSeries = 0
    return this.#handle
  }

  #introduce(handle: CoreHandle<Machine>): void {
    for (let family = this.#families[this.#knownFamilies]; family !== undefined; family = this.#families[this.#knownFamilies]) {
      define(handle, family)
      this.#knownFamilies += 1
    }
    for (let series = this.#series[this.#knownSeries]; series !== undefined; series = this.#series[this.#knownSeries]) {
      const { family, slot, labels } = series
      handle.use(machine => machine.addSeries(family, slot, labels))
      this.#knownSeries += 1
    }
  }
}

function define(handle: CoreHandle<Machine>, family: CoreFamily): void {
  handle.use(machine => {
    if (family.kind === 'histogram') machine.defineHistogram(family.name, family.help, family.bounds, family.alpha)
    else if (family.kind === 'gauge') machine.defineGauge(family.name, family.help)
    else machine.defineCounter(family.name, family.help)
  })
}
