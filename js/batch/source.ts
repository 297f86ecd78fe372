/** Where the items of a run come from: an array that is there, or an iterable that is read as far as the run wants. */

import { nextTask } from '../next-task.ts'
import type { ItemKey } from './types.ts'

/** What the run hears of its source. */
export interface SourceListener {
  /** How many items to read now. */
  wanted(): number
  /** `count` more items can be taken. */
  supplied(count: number): void
  /** There are no more, after an `error` if there was one. */
  ended(error?: { readonly cause: unknown }): void
}

/** Items in a row. */
export interface Portion<T> {
  readonly items: T[]
  /** Their places in the input, where some of it was passed over. */
  readonly places?: number[]
  readonly keys?: ItemKey[]
}

/** See the top of this file. Items are taken in order, each once. */
export interface ItemSource<T> {
  /** How many items there are, if that is known from the start. */
  readonly total: number | undefined
  /** How many were passed over so far. */
  readonly skipped: number
  /** Begins or goes on to read. */
  read(listener: SourceListener): void
  /** The next `count` items. */
  take(count: number): Portion<T>
  /** Reads no more, and tells the iterable so. Returns how many items were read that the listener has not heard of. */
  close(): number
}

/** How items are told apart, and which of them to pass over. */
export interface Selection<T> {
  readonly keyOf: ((item: T, index: number) => ItemKey) | undefined
  isDone(index: number, key: ItemKey | undefined): boolean
}

/** The source over what the caller gave; `undefined` when it can not be iterated. Without a `selection`, all items are wanted. */
export function sourceOf<T>(items: unknown, portion: number, selection?: Selection<T>): ItemSource<T> | undefined {
  if (Array.isArray(items) && selection === undefined) return new ArraySource<T>(items)
  if (typeof items !== 'object' || items === null) return undefined
  const total = Array.isArray(items) ? items.length : undefined
  const given = items as Partial<AsyncIterable<T> & Iterable<T>>
  const iterator = (given[Symbol.asyncIterator] ?? given[Symbol.iterator]) as (() => Iterator<T> | AsyncIterator<T>) | undefined
  return typeof iterator === 'function' ? new IterableSource(iterator.call(items), portion, selection, total) : undefined
}

class ArraySource<T> implements ItemSource<T> {
  readonly total: number
  readonly skipped = 0
  readonly #items: readonly T[]
  #next = 0
  #told = false

  constructor(items: readonly T[]) {
    this.#items = items
    this.total = items.length
  }

  read(listener: SourceListener): void {
    if (this.#told) return
    this.#told = true
    listener.supplied(this.total)
    listener.ended()
  }

  take(count: number): Portion<T> {
    const begin = this.#next
    this.#next += count
    return { items: this.#items.slice(begin, this.#next) }
  }

  close(): number {
    if (this.#told) return 0
    this.#told = true
    return this.total
  }
}

/** So many items in a row are passed over before the event loop has a turn: of a run that was nearly done, that may be millions. */
const PASSED_AT_ONCE = 4096

class IterableSource<T> implements ItemSource<T> {
  readonly total: number | undefined
  skipped = 0
  readonly #iterator: Iterator<T> | AsyncIterator<T>
  readonly #portion: number
  readonly #selection: Selection<T> | undefined
  readonly #buffer: T[] = []
  readonly #places: number[] = []
  readonly #keys: ItemKey[] = []
  #place = 0
  #untold = 0
  #state: 'idle' | 'reading' | 'closed' = 'idle'

  constructor(iterator: Iterator<T> | AsyncIterator<T>, portion: number, selection: Selection<T> | undefined, total: number | undefined) {
    this.#iterator = iterator
    this.#portion = portion
    this.#selection = selection
    this.total = total
  }

  read(listener: SourceListener): void {
    if (this.#state === 'idle') void this.#pump(listener)
  }

  take(count: number): Portion<T> {
    const items = this.#buffer.splice(0, count)
    if (this.#selection === undefined) return { items }
    const places = this.#places.splice(0, count)
    return this.#selection.keyOf === undefined ? { items, places } : { items, places, keys: this.#keys.splice(0, count) }
  }

  close(): number {
    if (this.#state !== 'closed') {
      this.#state = 'closed'
      if (this.total === undefined) void this.#giveBack()
      else this.#readRest()
    }
    const untold = this.#untold
    this.#untold = 0
    return untold
  }

  /** Reads a batch at a time while the run wants more; the run hears of whole batches, not of items. */
  async #pump(listener: SourceListener): Promise<void> {
    this.#state = 'reading'
    for (let wanted = listener.wanted(); wanted > 0; wanted = listener.wanted()) {
      const portion = Math.min(wanted, this.#portion)
      let end: { readonly cause?: unknown } | undefined
      try {
        while (this.#untold < portion && end === undefined) {
          const step = this.#iterator.next()
          const { done, value } = isPromiseLike(step) ? await step : step
          if (this.#closed) return
          if (done) end = {}
          else if (this.#isWanted(value)) {
            // While the next one is waited for, others may be taken: the length of the buffer says nothing of how many are new.
            this.#buffer.push(value)
            this.#untold += 1
          } else if (this.skipped % PASSED_AT_ONCE === 0) {
            await nextTask()
            if (this.#closed) return
          }
        }
      } catch (cause) {
        end = { cause }
      }
      if (this.#closed) return
      if (end !== undefined) this.#state = 'closed'
      const supplied = this.#untold
      this.#untold = 0
      listener.supplied(supplied)
      if (end !== undefined) return listener.ended('cause' in end ? { cause: end.cause } : undefined)
      if (this.#closed) return
    }
    this.#state = 'idle'
  }

  #isWanted(item: T): boolean {
    if (this.#selection === undefined) return true
    const place = this.#place
    const key = this.#keyOf(item, place)
    this.#place = place + 1
    if (this.#selection.isDone(place, key)) {
      this.skipped += 1
      return false
    }
    this.#places.push(place)
    if (key !== undefined) this.#keys.push(key)
    return true
  }

  #keyOf(item: T, place: number): ItemKey | undefined {
    try {
      return this.#selection?.keyOf?.(item, place)
    } catch (error) {
      void this.#giveBack()
      throw error
    }
  }

  /** Of an array it is known which items are not done, also when nobody gets them any more. */
  #readRest(): void {
    try {
      for (const item of { [Symbol.iterator]: () => this.#iterator as Iterator<T> }) {
        if (this.#isWanted(item)) {
          this.#buffer.push(item)
          this.#untold += 1
        }
      }
    } catch {
      // As where the source is given back.
    }
  }

  get #closed(): boolean {
    return this.#state === 'closed'
  }

  async #giveBack(): Promise<void> {
    try {
      await this.#iterator.return?.()
    } catch {
      // The run has ended, and with it the interest in how its source ends.
    }
  }
}

function isPromiseLike<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as { then?: unknown }).then === 'function'
}
