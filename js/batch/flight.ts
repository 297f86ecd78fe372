/** One batch in the hands of the handler. */

import { LateSignal } from '../late-signal.ts'
import type { Portion } from './source.ts'
import type { BatchContext } from './types.ts'

/** Items that went out together first; parts and retries come out of it again. */
export interface Whole<T> extends Portion<T> {
  readonly start: number
  /** Items that are not settled yet. */
  open: number
}

/** What the handler is told, and what the run must know to settle it. Signal and indexes are made when asked for. */
export class Flight<T> implements BatchContext {
  readonly token: number
  readonly whole: Whole<T>
  readonly start: number
  readonly length: number
  readonly attempt: number
  readonly begunAt: number
  readonly #late = new LateSignal()

  constructor(action: { token: number; start: number; length: number; attempt: number }, whole: Whole<T>, begunAt: number) {
    this.token = action.token
    this.whole = whole
    this.start = action.start
    this.length = action.length
    this.attempt = action.attempt
    this.begunAt = begunAt
  }

  get signal(): AbortSignal {
    return this.#late.signal
  }

  get indexes(): readonly number[] {
    return Array.from({ length: this.length }, (_, at) => placeOf(this.whole, this.start + at))
  }

  /** A copy of the items, so that a handler may do with it what it likes. */
  items(): T[] {
    const from = this.start - this.whole.start
    return this.whole.items.slice(from, from + this.length)
  }

  /** Aborts the signal. */
  stop(reason: unknown): void {
    this.#late.abort(reason)
  }
}

/** Where in the input the item is that is the `index`th of the run. */
export function placeOf({ start, places }: Whole<unknown>, index: number): number {
  return places?.[index - start] ?? index
}
