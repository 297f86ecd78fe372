/** Tells how far a run is: when something changed, and no more often than asked. */

import { Alarm, type Driver } from '../core/driver.ts'
import { type ShelflifeError, thrownBy } from '../errors.ts'
import type { BatchProgress } from './types.ts'

/** The counts that progress is told from. */
export interface Counts {
  readonly done: number
  readonly failed: number
  readonly aborted: number
  readonly skipped: number
  readonly answers: number
  readonly total: number | undefined
  readonly batchSize: number
}

/** See the top of this file. A listener that throws is not called again; the run goes on. */
export class ProgressTeller {
  #listener: ((progress: BatchProgress) => void) | undefined
  readonly #driver: Driver
  readonly #interval: number
  readonly #counts: () => Counts
  readonly #alarm = new Alarm(() => this.#tell())
  readonly #begin: number
  #due = Number.NEGATIVE_INFINITY
  #told = -1
  #toldTotal: number | undefined
  #error: ShelflifeError | undefined

  constructor(listener: ((progress: BatchProgress) => void) | undefined, interval: number, driver: Driver, counts: () => Counts) {
    this.#listener = listener
    this.#interval = interval
    this.#driver = driver
    this.#counts = counts
    this.#begin = driver.now()
  }

  /** What the listener threw. */
  get error(): ShelflifeError | undefined {
    return this.#error
  }

  /** Something changed: tells it now, or when the interval is over. */
  changed(): void {
    if (this.#listener === undefined) return
    if (this.#driver.now() >= this.#due) this.#tell()
    else this.#driver.set(this.#alarm, this.#due)
  }

  /** The run is over: tells the last state, unless it is told. */
  finish(): void {
    this.#driver.set(this.#alarm, Number.POSITIVE_INFINITY)
    const counts = this.#counts()
    // That there is nothing more may have come to light after the last item was settled.
    if (changes(counts) !== this.#told || counts.total !== this.#toldTotal) this.#tell()
    this.#listener = undefined
  }

  #tell(): void {
    this.#driver.set(this.#alarm, Number.POSITIVE_INFINITY)
    const now = this.#driver.now()
    const counts = this.#counts()
    const { done, failed, aborted, skipped, answers, total, batchSize } = counts
    this.#due = now + this.#interval
    this.#told = changes(counts)
    this.#toldTotal = total
    const settled = done + failed + aborted
    const elapsed = now - this.#begin
    const rate = elapsed > 0 ? (settled / elapsed) * 1000 : 0
    const remainingMs = total !== undefined && rate > 0 ? (Math.max(0, total - skipped - settled) / rate) * 1000 : undefined
    try {
      this.#listener?.({ done, failed, skipped, total, batches: answers, batchSize, rate, remainingMs })
    } catch (error) {
      this.#listener = undefined
      this.#error = thrownBy('onProgress', error)
    }
  }
}

/** Every count only rises, so the sum tells two states apart. */
function changes({ done, failed, aborted, answers }: Counts): number {
  return done + failed + aborted + answers
}
