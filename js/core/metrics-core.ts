/**
 * The numbers of one registry, and the machine that counts, summarises and tells them (law L1).
 *
 * Counters and gauges are cells of a plain typed array. Histogram samples go into a log, values and series beside each other,
 * that is copied into the core when it is full and before every answer. Recording alone never makes the core, calls it
 * at most once in 1024 samples, and never throws because of it.
 *
 * A log holds samples of one pane of time: where windows are wanted, the clock is read at its first sample, and it is handed
 * over when the pane ends. Nothing is read and no timer set where nobody asked for windows.
 *
 * After a trap the cells stand, families and series are defined again, and histograms begin with the samples that were
 * still in the log.
 */

import type { Clock, ClockTimer } from '../clock.ts'
import { CoreTrappedError } from '../errors.ts'
import { CoreHandle, type CoreNumbers } from './door.ts'
import type { CoreFamily } from './metrics-families.ts'
import type { CoreFormat } from './metrics-formats.ts'
import { MetricsRoll } from './metrics-roll.ts'
import { textOf } from './metrics-text.ts'
import { MetricsMachine, part } from './parts/metrics.ts'

/** Numbers in a summary before its quantiles: milliseconds that it spans, count, sum, min, max, latest. */
export const SUMMARY_HEAD = 6
/** Numbers in the summary of one histogram series, which has p50, p95 and p99. */
export const SUMMARY_WIDTH = SUMMARY_HEAD + 3

/** What the machine is made with. */
export interface MetricsCoreOptions {
  readonly clock: Clock
  /** The longest window, in milliseconds. */
  readonly retention: number
  /** Bytes of all samples kept for windows. */
  readonly windowBytes: number
}

/** Samples in the log. */
const LOG_LENGTH = 1024
const FIRST_CELLS = 64
/** The finest panes of the core's windows, in milliseconds. */
const PANE = 1000
/** Series are told to the core in portions, so that the first scrape of many does not stall. */
const PORTION = 256

/** See the top of this file. */
export class MetricsCore {
  /** The cells of counters and gauges. Read it anew each time: it is replaced when it grows. */
  cells: Float64Array = new Float64Array(FIRST_CELLS)
  /** Which of them were set since somebody looked, though perhaps to what they were. As long as `cells`. */
  touched: Uint8Array = new Uint8Array(FIRST_CELLS)
  /** Samples that were dropped because the core could not be had: no WebAssembly, or two traps in a row. */
  droppedSamples = 0
  /** How often a trap made the histograms begin again. */
  restarts = 0
  #cellCount = 0
  /** As the core has it: values, and behind them their slots in half as much room. */
  readonly #log = new Float64Array(LOG_LENGTH * 1.5)
  readonly #values = this.#log.subarray(0, LOG_LENGTH)
  readonly #slots = new Uint32Array(this.#log.buffer, LOG_LENGTH * Float64Array.BYTES_PER_ELEMENT, LOG_LENGTH)
  #logged = 0
  readonly #roll = new MetricsRoll()
  readonly #options: MetricsCoreOptions
  /** Whether there are windows. */
  #watching = false
  #began: number
  /** When the first sample in the log was taken, and when its pane ends. */
  #loggedSince = 0
  #paneEnd = Number.POSITIVE_INFINITY
  #timer: ClockTimer | undefined
  /** One text is told at a time. */
  #telling: Promise<unknown> = Promise.resolve()
  /** Those that are yet to begin, for all who ask until then: however many scrape at once, two are told of each format. */
  readonly #awaited = new Map<CoreFormat, Promise<string>>()
  #handle: CoreHandle<MetricsMachine> | undefined
  #coreLog: CoreNumbers | undefined

  constructor(options: MetricsCoreOptions) {
    this.#options = options
    this.#began = options.clock.monotonic()
  }

  /** Begins a family and numbers it. */
  addFamily(family: CoreFamily): number {
    return this.#roll.addFamily(family)
  }

  /** Begins a series of `family`: its number, and its slot, a cell or a number among the histograms. No carriage returns. */
  addSeries(family: number, names: readonly string[], values: readonly string[]): { number: number; slot: number } {
    const slot = this.#roll.isSampled(family) ? this.#roll.addHistogram(family) : this.#addCell()
    const number = this.#roll.addSeries(family, slot, labelsOf(names, values))
    if (this.#handle !== undefined && this.#roll.untold >= PORTION) this.#quietly(() => {})
    return { number, slot }
  }

  /** Begins a series in the place and the slot of one that nobody uses any more. */
  reuseSeries(number: number, names: readonly string[], values: readonly string[]): void {
    const series = this.#roll.at(number)
    const { family, place, slot } = series
    const labels = labelsOf(names, values)
    Object.assign(series, { labels, isTold: true })
    if (this.#roll.isSampled(family)) this.#roll.unwatch(slot)
    else this.cells[slot] = this.touched[slot] = 0
    if (this.#roll.knows(number)) this.#quietly(handle => handle.use(machine => machine.reuseSeries(family, place, labels)))
  }

  /** Whether texts tell a series. */
  setTold(number: number, isTold: boolean): void {
    const series = this.#roll.at(number)
    series.isTold = isTold
    if (this.#roll.knows(number)) this.#quietly(handle => handle.use(machine => machine.setTold(series.family, series.place, isTold)))
  }

  /** How many samples each histogram series has recorded, by slot; `undefined` where the core cannot be had. */
  counts(): Float64Array | undefined {
    let counts: Float64Array | undefined
    this.#quietly(handle => {
      this.#drain(handle)
      counts = handle.use(machine => machine.counts())
    })
    return counts
  }

  /** Logs a sample of histogram series `slot`. `value` must be finite. */
  observe(slot: number, value: number): void {
    const at = this.#logged
    if (at === 0 && this.#watching) this.#beginPane()
    this.#values[at] = value
    this.#slots[at] = slot
    this.#logged = at + 1
    if (at + 1 === LOG_LENGTH) this.#drainFull()
  }

  /** The same for one who knows the time. */
  observeAt(slot: number, value: number, now: number): void {
    if (now >= this.#paneEnd) this.#drainFull()
    this.observe(slot, value)
  }

  /** Windows know all series of a histogram family from now on. */
  watchFamily(family: number): void {
    if (this.#roll.isFamilyWatched(family)) return
    const now = this.#beginWatch()
    if (this.#roll.watchFamily(family, now)) this.#quietly(handle => handle.use(machine => machine.watchFamily(family, now)))
  }

  /**
   * The summaries of all histogram series, {@link SUMMARY_WIDTH} numbers each; NaN where an empty one has none. Of the last
   * `window` milliseconds, or of all samples.
   */
  summaries(window = Number.POSITIVE_INFINITY): Float64Array {
    const count = this.#roll.histograms
    if (count === 0) return new Float64Array(0)
    return this.#withCore(handle => {
      this.#drain(handle)
      const now = this.#options.clock.monotonic()
      const pointer = handle.use(machine => machine.summarise(window, now))
      const summaries = handle.numbers(pointer, count * SUMMARY_WIDTH).numbers.slice()
      for (let at = 0; at < summaries.length; at += SUMMARY_WIDTH) summaries[at] = Math.max(0, now - (summaries[at] as number))
      return summaries
    })
  }

  /** What histogram series recorded together, as a summary with these quantiles. Asking for a window begins it. */
  describe(slots: readonly number[], window: number, quantiles: readonly number[]): Float64Array {
    return this.#withCore(handle => {
      this.#drain(handle)
      if (window !== Number.POSITIVE_INFINITY) for (const slot of slots) this.#watch(handle, slot)
      const now = this.#options.clock.monotonic()
      const described = handle.use(machine => machine.describe(Uint32Array.from(slots), window, now, Float64Array.from(quantiles)))
      if (described.length > 0) described[0] = Math.max(0, now - (described[0] as number))
      return described
    })
  }

  /** What a histogram series recorded, as numbers for {@link merge}. */
  dump(slot: number): Float64Array {
    return this.#withCore(handle => {
      this.#drain(handle)
      return handle.use(machine => machine.dump(slot))
    })
  }

  /** Adds what another series with the same buckets and relative error dumped; whether the numbers fit. */
  merge(slot: number, numbers: Float64Array): boolean {
    return this.#withCore(handle => {
      this.#drain(handle)
      return handle.use(machine => machine.merge(slot, numbers, this.#options.clock.monotonic()))
    })
  }

  /** The text of everything at one moment, in one of the formats. Long texts give the event loop turns in between. */
  text(format: CoreFormat): Promise<string> {
    const awaited = this.#awaited.get(format)
    if (awaited !== undefined) return awaited
    const text = this.#telling.then(async () => {
      this.#awaited.delete(format)
      for (let traps = 0; ; traps += 1) {
        try {
          return await this.#tell(format)
        } catch (error) {
          if (traps > 0 || !(error instanceof CoreTrappedError)) throw error
        }
      }
    })
    this.#awaited.set(format, text)
    this.#telling = text.catch(() => undefined)
    return text
  }

  /** Forgets all numbers; families and series stay. */
  reset(): void {
    this.cells.fill(0)
    this.#logged = 0
    this.#paneEnd = Number.POSITIVE_INFINITY
    const now = this.#options.clock.monotonic()
    this.#beginAnew(now)
    if (this.#handle !== undefined) this.#withCore(handle => handle.use(machine => machine.reset(now)))
  }

  #tell(format: CoreFormat): Promise<string> {
    const { clock } = this.#options
    const began = clock.monotonic()
    const handle = this.#withCore(handle => {
      this.#drain(handle)
      const pointer = handle.use(machine => machine.cells(this.#cellCount))
      handle.numbers(pointer, this.#cellCount).numbers.set(this.cells.subarray(0, this.#cellCount))
      handle.use(machine => machine.beginText(began))
      return handle
    })
    return textOf(handle, format, clock, began)
  }

  #addCell(): number {
    if (this.#cellCount === this.cells.length) {
      const grown = new Float64Array(this.cells.length * 2)
      const touched = new Uint8Array(grown.length)
      grown.set(this.cells)
      touched.set(this.touched)
      this.cells = grown
      this.touched = touched
    }
    return this.#cellCount++
  }

  #drainFull(): void {
    if (this.#quietly(handle => this.#drain(handle))) return
    this.droppedSamples += this.#logged
    this.#logged = 0
  }

  #drain(handle: CoreHandle<MetricsMachine>): void {
    if (this.#logged === 0) return
    const numbers = this.#coreLog?.numbers
    numbers?.set(this.#values.subarray(0, this.#logged))
    numbers?.set(this.#log.subarray(LOG_LENGTH, LOG_LENGTH + Math.ceil(this.#logged / 2)), LOG_LENGTH)
    handle.use(machine => machine.drain(this.#logged, this.#loggedSince))
    this.#logged = 0
    this.#paneEnd = Number.POSITIVE_INFINITY
  }

  /** The log begins with a sample of now. */
  #beginPane(): void {
    const { clock } = this.#options
    this.#loggedSince = clock.monotonic()
    this.#paneEnd = (Math.floor(this.#loggedSince / PANE) + 1) * PANE
    this.#timer ??= clock.timer(this.#paneEnd, () => {
      this.#timer = undefined
      if (this.#logged > 0) this.#drainFull()
    })
  }

  #beginWatch(): number {
    // What waits in the log was taken before.
    if (!this.#watching && this.#logged > 0) this.#drainFull()
    this.#watching = true
    return this.#options.clock.monotonic()
  }

  #watch(handle: CoreHandle<MetricsMachine>, slot: number): void {
    if (this.#roll.isWatched(slot)) return
    const now = this.#beginWatch()
    this.#roll.watch(slot, now)
    handle.use(machine => machine.watch(slot, now))
  }

  /** For work that nobody asked for and that can be done later: whether it succeeded. */
  #quietly(action: (handle: CoreHandle<MetricsMachine>) => void): boolean {
    try {
      this.#withCore(action)
      return true
    } catch {
      return false
    }
  }

  /** Runs `action` on a machine that knows every series; a second time when a trap takes the first. */
  #withCore<T>(action: (handle: CoreHandle<MetricsMachine>) => T): T {
    for (let traps = 0; ; traps += 1) {
      try {
        const handle = this.#open()
        this.#roll.introduce(handle)
        return action(handle)
      } catch (error) {
        if (traps > 0 || !(error instanceof CoreTrappedError)) throw error
      }
    }
  }

  #open(): CoreHandle<MetricsMachine> {
    if (this.#handle !== undefined && !this.#handle.lost) return this.#handle
    const { retention, windowBytes, clock } = this.#options
    const make = () => new MetricsMachine(LOG_LENGTH, retention, windowBytes, this.#began)
    if (this.#handle === undefined) this.#handle = new CoreHandle(part, make)
    else {
      this.#beginAnew(clock.monotonic())
      this.#handle.renew()
      this.restarts += 1
    }
    this.#coreLog = this.#handle.numbers(
      this.#handle.use(machine => machine.logPointer()),
      this.#log.length,
    )
    this.#roll.forget()
    return this.#handle
  }

  #beginAnew(now: number): void {
    this.#began = now
    this.#roll.watchAnew(now)
  }
}

function labelsOf(names: readonly string[], values: readonly string[]): string {
  return names.map((name, at) => `${name}\r${values[at]}`).join('\r')
}
