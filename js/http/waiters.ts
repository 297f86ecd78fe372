/** The callers who wait for one answer. Each is answered or rejected once, and leaves no listener behind. */

import type { Abortable } from '../abort-watch.ts'
import type { Ending } from '../core/schedule-types.ts'
import type { Desk } from './desk.ts'
import type { RequestTrace } from './errors.ts'
import type { Source, StoredResponse } from './record.ts'

/** What a caller gets. */
export interface Delivery {
  readonly record: StoredResponse
  readonly source: Source
  /** Why the attempt that brought it was the last. */
  readonly ending: Ending
  /** Where the time went; not said of what the cache had. */
  readonly trace: RequestTrace | undefined
}

interface Promised {
  readonly resolve: (delivery: Delivery) => void
  readonly reject: (error: unknown) => void
}

/** See the top of this file. */
export class Waiters {
  readonly #desk: Desk
  readonly #onDeserted: () => void
  readonly #waiting = new Set<Waiter>()

  /** `onDeserted` is called when the last caller has given up. */
  constructor(desk: Desk, onDeserted: () => void) {
    this.#desk = desk
    this.#onDeserted = onDeserted
  }

  /** One more caller. The signal must not be aborted yet. */
  join(signal: AbortSignal | undefined): Promise<Delivery> {
    return new Promise((resolve, reject) => {
      const waiter = new Waiter(this, signal, this.#desk.driver.now(), { resolve, reject })
      if (signal !== undefined) this.#desk.aborts.add(signal, waiter)
      this.#waiting.add(waiter)
    })
  }

  /** One caller gives up; the others are not disturbed. */
  leave(waiter: Waiter, reason: unknown): void {
    if (!this.#dismiss(waiter)) return
    this.#desk.failed(undefined)
    waiter.promised.reject(reason)
    if (this.#waiting.size === 0) this.#onDeserted()
  }

  /** Answers everyone; all but the first shared a request that was not theirs. */
  deliver(record: StoredResponse, source: Source, ending: Ending, trace: RequestTrace | undefined): void {
    let own = source
    for (const waiter of this.#waiting) {
      this.#dismiss(waiter)
      this.#desk.delivered(own, waiter.since)
      waiter.promised.resolve({ record, source: own, ending, trace })
      if (own === 'miss' || own === 'revalidated') own = 'coalesced'
    }
  }

  /** Rejects everyone; whoever has just given up, and is not told yet, with their own reason. */
  fail(error: unknown): void {
    for (const waiter of this.#waiting) {
      this.#dismiss(waiter)
      const why = waiter.signal?.aborted === true ? waiter.signal.reason : error
      this.#desk.failed(why)
      waiter.promised.reject(why)
    }
  }

  #dismiss(waiter: Waiter): boolean {
    if (waiter.signal !== undefined) this.#desk.aborts.remove(waiter.signal, waiter)
    return this.#waiting.delete(waiter)
  }
}

class Waiter implements Abortable {
  readonly signal: AbortSignal | undefined
  /** On the driver's timeline. */
  readonly since: number
  readonly promised: Promised
  readonly #waiters: Waiters

  constructor(waiters: Waiters, signal: AbortSignal | undefined, since: number, promised: Promised) {
    this.#waiters = waiters
    this.signal = signal
    this.since = since
    this.promised = promised
  }

  aborted(reason: unknown): void {
    this.#waiters.leave(this, reason)
  }
}
