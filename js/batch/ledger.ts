/** What became of each item of a run: results in input order, failures, counts. */

import { type Flight, placeOf, type Whole } from './flight.ts'
import type { BatchMeters } from './meters.ts'
import { Ranges } from './ranges.ts'
import type { Accomplished } from './resume.ts'
import type { Portion } from './source.ts'
import type { FailedItem } from './types.ts'

/** Stands in the results where nothing is settled yet. */
const UNSETTLED: PromiseRejectedResult = { status: 'rejected', reason: undefined }

/** What is kept of each item, and who is told. */
export interface LedgerSettings {
  readonly keepsResults: boolean
  /** Failures that are kept. */
  readonly maxFailures: number
  /** Whether somebody wants to hear of each failure. */
  readonly tellsFailures: boolean
  readonly accomplished: Accomplished
  readonly meters: BatchMeters | undefined
}

/** See the top of this file. Items are kept as long as something in their batch is open. */
export class Ledger<T, R> {
  readonly results: PromiseSettledResult<R>[] = []
  readonly counts = { done: 0, failed: 0, aborted: 0 }
  readonly #settings: LedgerSettings
  readonly #settled = new Ranges()
  readonly #failed: FailedItem<T>[] = []
  /** In input order. */
  readonly #wholes: Whole<T>[] = []
  #total = 0
  #news: FailedItem<T>[] = []

  constructor(settings: LedgerSettings) {
    this.#settings = settings
  }

  /** Items that are known of. */
  get total(): number {
    return this.#total
  }

  /** `count` more items are known of. */
  expect(count: number): void {
    const known = this.#total
    this.#total += count
    if (!this.#settings.keepsResults) return
    this.results.length = this.#total
    this.results.fill(UNSETTLED, known)
  }

  /** The batch that the items from `start` on belong to; a fresh one, which comes behind all others, is got by `take`. */
  wholeAt(start: number, length: number, take: (count: number) => Portion<T>): Whole<T> {
    const known = this.#holding(start)
    if (known !== undefined) return known
    const whole = { start, ...take(length), open: length }
    this.#wholes.push(whole)
    return whole
  }

  /** Keeps what a handler answered, a value or an `Error` for each item; says how many were errors. */
  keep(flight: Flight<T>, answer: readonly unknown[]): number {
    let failed = 0
    let done = flight.start
    for (let at = 0; at < flight.length; at += 1) {
      const value = answer[at]
      const index = flight.start + at
      if (value instanceof Error) {
        this.#settle(flight.whole, done, index, false)
        this.#settle(flight.whole, index, index + 1, true)
        done = index + 1
        failed += 1
        this.#fail(flight.whole, index, value)
      } else if (this.#settings.keepsResults) this.results[index] = { status: 'fulfilled', value: value as R }
    }
    this.#settle(flight.whole, done, flight.start + flight.length, false)
    this.#close(flight.whole, flight.length)
    this.#count('failed', failed)
    this.#count('done', flight.length - failed)
    return failed
  }

  /** Rejects all items of a call. */
  reject(flight: Flight<T>, outcome: 'failed' | 'aborted', error: unknown): void {
    const { whole, start, length } = flight
    if (outcome === 'failed') this.#settle(whole, start, start + length, true)
    else this.#settled.add(start, start + length)
    for (let index = start; index < start + length; index += 1) this.#fail(whole, index, error, outcome)
    this.#close(whole, length)
    this.#count(outcome, length)
  }

  /**
   * Rejects whatever is unsettled: nothing is lost silently. It is not accomplished, even where the run has failed. Items that no batch has got
   * are taken if anybody wants to see them.
   */
  rejectRest(outcome: 'failed' | 'aborted', errorOf: (index: number) => unknown, take: (count: number) => Portion<T>): void {
    let count = 0
    for (const [from, to] of this.#settled.gaps(0, this.#total)) {
      count += to - from
      for (let index = from; index < to && this.#room > 0; ) {
        const length = Math.min(to - index, this.#room)
        const known = this.#holding(index)
        const whole = known ?? { start: index, ...take(length), open: length }
        const end = known === undefined ? index + length : Math.min(to, known.start + known.items.length)
        for (; index < end; index += 1) this.#fail(whole, index, errorOf(index), 'aborted')
      }
    }
    this.#settled.add(0, this.#total)
    this.#count(outcome, count)
  }

  /** The failures in input order. */
  failures(): FailedItem<T>[] {
    const inOrder = this.#failed.every(({ index }, at) => at === 0 || index > (this.#failed[at - 1] as FailedItem<T>).index)
    return inOrder ? this.#failed : this.#failed.sort((a, b) => a.index - b.index)
  }

  /** The failures since the last time. */
  takeNews(): FailedItem<T>[] {
    const news = this.#news
    if (news.length > 0) this.#news = []
    return news
  }

  /** How many more rejected items are kept. */
  get #room(): number {
    return this.#settings.keepsResults ? Number.POSITIVE_INFINITY : this.#settings.maxFailures - this.#failed.length
  }

  #fail(whole: Whole<T>, index: number, error: unknown, outcome: 'failed' | 'aborted' = 'failed'): void {
    const { keepsResults, maxFailures, tellsFailures } = this.#settings
    if (keepsResults) this.results[index] = { status: 'rejected', reason: error }
    const isHeard = outcome === 'failed' && tellsFailures
    if (!isHeard && this.#failed.length >= maxFailures) return
    const failure = { index: placeOf(whole, index), item: whole.items[index - whole.start] as T, error }
    if (this.#failed.length < maxFailures) this.#failed.push(failure)
    if (isHeard) this.#news.push(failure)
  }

  /** Items of one batch are accomplished, those of a row in one go. */
  #settle({ start, places, keys }: Whole<T>, from: number, to: number, isFailed: boolean): void {
    if (from === to) return
    this.#settled.add(from, to)
    const { accomplished } = this.#settings
    if (places === undefined) return accomplished.settle(from, to - from, isFailed, undefined)
    for (let begin = from - start; begin < to - start; ) {
      let end = begin + 1
      while (end < to - start && places[end] === (places[end - 1] as number) + 1) end += 1
      accomplished.settle(places[begin] as number, end - begin, isFailed, keys?.slice(begin, end))
      begin = end
    }
  }

  #close(whole: Whole<T>, settled: number): void {
    whole.open -= settled
    if (whole.open > 0) return
    if (this.#wholes[0] === whole) this.#wholes.shift()
    else this.#wholes.splice(this.#placeOf(whole.start), 1)
  }

  /** The batch that has this item, if one has it that is not settled. */
  #holding(index: number): Whole<T> | undefined {
    const whole = this.#wholes[this.#placeOf(index)]
    return whole !== undefined && index < whole.start + whole.items.length ? whole : undefined
  }

  /** Which of the batches begins last of those that begin at `index` or before; -1 for none. */
  #placeOf(index: number): number {
    let low = 0
    let high = this.#wholes.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#wholes[middle] as Whole<T>).start <= index) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  #count(outcome: 'done' | 'failed' | 'aborted', count: number): void {
    this.counts[outcome] += count
    if (count > 0) this.#settings.meters?.items(outcome === 'done' ? 'ok' : outcome, count)
  }
}
