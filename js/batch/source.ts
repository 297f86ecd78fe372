/** Where the items of a run come from: an array that is there, or an iterable that is read as far as the run wants. */

/** What the run hears of its source. */
export interface SourceListener {
  /** How many items to read now. */
  wanted(): number
  /** `count` more items can be taken. */
  supplied(count: number): void
  /** There are no more, after an `error` if there was one. */
  ended(error?: { readonly cause: unknown }): void
}

/** See the top of this file. Items are taken in order, each once. */
export interface ItemSource<T> {
  /** How many items there are, if that is known from the start. */
  readonly total: number | undefined
  /** Begins or goes on to read. */
  read(listener: SourceListener): void
  /** The next `count` items. */
  take(count: number): T[]
  /** Reads no more, and tells the iterable so. Returns how many items were read that the listener has not heard of. */
  close(): number
}

/** The source over what the caller gave; `undefined` when it can not be iterated. */
export function sourceOf<T>(items: unknown, portion: number): ItemSource<T> | undefined {
  if (Array.isArray(items)) return new ArraySource<T>(items)
  if (typeof items !== 'object' || items === null) return undefined
  if (Symbol.asyncIterator in items) return new IterableSource((items as AsyncIterable<T>)[Symbol.asyncIterator](), portion)
  if (Symbol.iterator in items) return new IterableSource((items as Iterable<T>)[Symbol.iterator](), portion)
  return undefined
}

class ArraySource<T> implements ItemSource<T> {
  readonly total: number
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

  take(count: number): T[] {
    const begin = this.#next
    this.#next += count
    return this.#items.slice(begin, this.#next)
  }

  close(): number {
    return 0
  }
}

class IterableSource<T> implements ItemSource<T> {
  readonly total = undefined
  readonly #iterator: Iterator<T> | AsyncIterator<T>
  readonly #portion: number
  readonly #buffer: T[] = []
  #untold = 0
  #state: 'idle' | 'reading' | 'closed' = 'idle'

  constructor(iterator: Iterator<T> | AsyncIterator<T>, portion: number) {
    this.#iterator = iterator
    this.#portion = portion
  }

  read(listener: SourceListener): void {
    if (this.#state === 'idle') void this.#pump(listener)
  }

  take(count: number): T[] {
    return this.#buffer.splice(0, count)
  }

  close(): number {
    const untold = this.#untold
    this.#untold = 0
    if (this.#state !== 'closed') {
      this.#state = 'closed'
      void this.#giveBack()
    }
    return untold
  }

  /** Reads a batch at a time while the run wants more; the run hears of whole batches, not of items. */
  async #pump(listener: SourceListener): Promise<void> {
    this.#state = 'reading'
    for (let wanted = listener.wanted(); wanted > 0; wanted = listener.wanted()) {
      const portion = Math.min(wanted, this.#portion)
      const told = this.#buffer.length
      let end: { readonly cause?: unknown } | undefined
      try {
        for (let read = 0; read < portion && end === undefined; read += 1) {
          const step = this.#iterator.next()
          const { done, value } = isPromiseLike(step) ? await step : step
          if (this.#closed) return
          if (done) end = {}
          else this.#untold = this.#buffer.push(value) - told
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
