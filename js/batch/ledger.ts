/** What became of each item of a run: results in input order, failures, counts. */

import type { Flight, Whole } from './flight.ts'
import type { BatchMeters } from './meters.ts'
import type { FailedItem } from './types.ts'

/** Stands in the results where nothing is settled yet. */
const UNSETTLED: PromiseRejectedResult = { status: 'rejected', reason: undefined }

/** See the top of this file. Items are kept as long as something in their batch is open. */
export class Ledger<T, R> {
  readonly results: PromiseSettledResult<R>[] = []
  readonly counts = { done: 0, failed: 0, aborted: 0 }
  readonly #meters: BatchMeters | undefined
  readonly #failed: FailedItem<T>[] = []
  /** In input order. */
  readonly #wholes: Whole<T>[] = []

  constructor(meters: BatchMeters | undefined) {
    this.#meters = meters
  }

  /** Items that are known of. */
  get total(): number {
    return this.results.length
  }

  /** `count` more items are known of. */
  expect(count: number): void {
    const known = this.results.length
    this.results.length = known + count
    this.results.fill(UNSETTLED, known)
  }

  /** The batch that the items from `start` on belong to; a fresh one, which comes behind all others, is got by `take`. */
  wholeAt(start: number, length: number, take: (count: number) => T[]): Whole<T> {
    const known = this.#holding(start)
    if (known !== undefined) return known
    const whole = { start, items: take(length), open: length }
    this.#wholes.push(whole)
    return whole
  }

  /** Keeps what a handler answered, a value or an `Error` for each item; says how many were errors. */
  keep(flight: Flight<T>, answer: readonly unknown[]): number {
    let failed = 0
    for (let at = 0; at < flight.length; at += 1) {
      const value = answer[at]
      const index = flight.start + at
      if (value instanceof Error) {
        failed += 1
        this.#fail(index, itemAt(flight.whole, index), value)
      } else this.results[index] = { status: 'fulfilled', value: value as R }
    }
    this.#close(flight.whole, flight.length)
    this.#count('failed', failed)
    this.#count('done', flight.length - failed)
    return failed
  }

  /** Rejects all items of a call. */
  reject(flight: Flight<T>, outcome: 'failed' | 'aborted', error: unknown): void {
    for (let index = flight.start; index < flight.start + flight.length; index += 1) this.#fail(index, itemAt(flight.whole, index), error)
    this.#close(flight.whole, flight.length)
    this.#count(outcome, flight.length)
  }

  /** Rejects whatever is unsettled: nothing is lost silently. Items that no batch has got are taken one by one. */
  rejectRest(outcome: 'failed' | 'aborted', errorOf: (index: number) => unknown, take: (count: number) => T[]): void {
    let count = 0
    for (let index = 0; index < this.results.length; index += 1) {
      if (this.results[index] !== UNSETTLED) continue
      const whole = this.#holding(index)
      this.#fail(index, whole === undefined ? (take(1)[0] as T) : itemAt(whole, index), errorOf(index))
      count += 1
    }
    this.#count(outcome, count)
  }

  /** The failures in input order. */
  failures(): FailedItem<T>[] {
    return this.#failed.sort((a, b) => a.index - b.index)
  }

  #fail(index: number, item: T, error: unknown): void {
    this.results[index] = { status: 'rejected', reason: error }
    this.#failed.push({ index, item, error })
  }

  #close(whole: Whole<T>, settled: number): void {
    whole.open -= settled
    if (whole.open === 0) this.#wholes.splice(this.#wholes.indexOf(whole), 1)
  }

  /** The batch that has this item, if one has it that is not settled. */
  #holding(index: number): Whole<T> | undefined {
    let [low, high] = [0, this.#wholes.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#wholes[middle] as Whole<T>).start <= index) low = middle + 1
      else high = middle
    }
    const whole = this.#wholes[low - 1]
    return whole !== undefined && index < whole.start + whole.items.length ? whole : undefined
  }

  #count(outcome: 'done' | 'failed' | 'aborted', count: number): void {
    this.counts[outcome] += count
    if (count > 0) this.#meters?.items(outcome === 'done' ? 'ok' : outcome, count)
  }
}

function itemAt<T>({ start, items }: Whole<T>, index: number): T {
  return items[index - start] as T
}
