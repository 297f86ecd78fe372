/** One load that several callers wait for, each on his own terms. */

import { type Abortable, AbortWatch } from '../abort-watch.ts'
import { Alarm, type Driver } from '../core/driver.ts'
import { ShelflifeError } from '../errors.ts'
import type { Marked } from '../stores/barriers.ts'
import { type Former, mayServe, type StaleUse } from './former.ts'

const NEVER = Number.POSITIVE_INFINITY
/** One for all caches: a signal often covers calls of several. */
const aborts = /* @__PURE__ */ new AbortWatch()

/** What a caller puts up with. */
export interface Terms {
  /** For how long after its end a value is good enough; `undefined` leaves that to the entry. */
  readonly swr: number | undefined
  readonly sie: number | undefined
  /** After so long he takes what is stale. */
  readonly softMs: number
}

/** The terms of somebody who wants the load's own result. */
export const NOTHING_STALE: Terms = { swr: -NEVER, sie: -NEVER, softMs: NEVER }

/** Whoever starts flights. */
export interface FlightHost<V> {
  readonly driver: Driver
  /** Nobody waits for `flight` any more, and it is about to be told. */
  abandoned(flight: Flight<V>): void
  /** A caller gets a stale value. */
  servedStale(key: string, value: V, use: StaleUse): void
}

/** Somebody who waits. */
class Waiter<V> implements Abortable {
  readonly flight: Flight<V>
  readonly terms: Terms
  readonly signal: AbortSignal | undefined
  readonly resolve: (value: V | undefined) => void
  readonly reject: (reason: unknown) => void
  readonly alarm: Alarm | undefined

  constructor(
    flight: Flight<V>,
    terms: Terms,
    signal: AbortSignal | undefined,
    { resolve, reject }: { resolve: (value: V | undefined) => void; reject: (reason: unknown) => void },
  ) {
    this.flight = flight
    this.terms = terms
    this.signal = signal
    this.resolve = resolve
    this.reject = reject
    this.alarm = terms.softMs === NEVER ? undefined : new Alarm(now => flight.impatient(this, now), { holds: true })
  }

  aborted(): void {
    this.flight.leave(this)
  }
}

/**
 * A caller who gives up leaves the others alone; when the last one has left, the load is told to stop, unless it goes
 * on in the background. Every caller is answered once.
 */
export class Flight<V> {
  readonly key: string
  /** What had been given up when the load began, by number, and what its value would be given up with, as far as that is known before. */
  era = 0
  marks: Marked = {}
  /** The value turned out to have been given up while it was loaded. */
  outdated = false
  readonly #host: FlightHost<V>
  /** Made when somebody asks for the signal: most loaders do not, and it costs more than the rest of a flight. */
  #controller: AbortController | undefined
  #stopped: { readonly reason: unknown } | undefined
  #cut: ((reason: unknown) => void) | undefined
  readonly #waiters = new Set<Waiter<V>>()
  #former: Former<V> | undefined
  #inBackground: boolean
  #detached = false
  #ended = false

  constructor(key: string, host: FlightHost<V>, { inBackground }: { inBackground: boolean }) {
    this.key = key
    this.#host = host
    this.#inBackground = inBackground
  }

  /** Aborts when the load shall stop. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#stopped !== undefined) this.#controller.abort(this.#stopped.reason)
    return this.#controller.signal
  }

  /** Whether it goes on when nobody waits. */
  get inBackground(): boolean {
    return this.#inBackground
  }

  /** Whether everybody has been answered, or nobody is left who wants to be. */
  get ended(): boolean {
    return this.#ended
  }

  /** Begins. What the task comes to when it was told to stop does not matter any more. */
  run(task: Promise<V | undefined>): void {
    task.then(
      value => this.#land(value),
      error => this.#fail(error),
    )
  }

  /** For the task: the result of `work`, or a rejection as soon as the load shall stop; the work itself is not disturbed. */
  race<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#cut = reject
      if (this.#stopped !== undefined) reject(this.#stopped.reason)
      work.then(resolve, reject)
    })
  }

  /** For the task: as {@link race}, with a limit after which the load stops for the reason that `late` gives. */
  async raceFor<T>(limitMs: number, late: () => unknown, work: () => T | Promise<T>): Promise<T> {
    if (limitMs === NEVER) return this.race(Promise.resolve(work()))
    const { driver } = this.#host
    const alarm = new Alarm(() => this.#cutOff(late()), { holds: true })
    driver.set(alarm, driver.now() + limitMs)
    try {
      return await this.race(Promise.resolve(work()))
    } finally {
      driver.set(alarm, NEVER)
    }
  }

  /** Waits for the result, or for what `terms` allow. An abort of `signal` rejects with its reason, for this caller only. */
  join(terms: Terms, signal: AbortSignal | undefined): Promise<V | undefined> {
    return new Promise((resolve, reject) => {
      const waiter = new Waiter(this, terms, signal, { resolve, reject })
      this.#waiters.add(waiter)
      if (signal !== undefined) aborts.add(signal, waiter)
      const { driver } = this.#host
      if (waiter.alarm !== undefined) driver.set(waiter.alarm, driver.now() + terms.softMs)
      if (this.#former !== undefined) this.#offer(waiter, this.#former, 'revalidate', driver.now())
    })
  }

  /** There is something to give to those who take it. */
  learn(former: Former<V>): void {
    this.#former = former
    const now = this.#host.driver.now()
    for (const waiter of this.#waiters) this.#offer(waiter, former, 'revalidate', now)
  }

  /** The new value is there: from now on nobody is given an old one. */
  forget(): void {
    this.#former = undefined
  }

  /** For the waiter's alarm: he has waited as long as he wanted. */
  impatient(waiter: Waiter<V>, now: number): void {
    if (this.#former !== undefined) this.#offer(waiter, this.#former, 'slow', now)
  }

  /** For the waiter's signal. */
  leave(waiter: Waiter<V>): void {
    if (!this.#dismiss(waiter)) return
    waiter.reject(waiter.signal?.reason)
    this.#abandonIfAlone()
  }

  /** Nobody will find this load any more, and its result will not be kept: it goes on only for those who wait. */
  detach(): void {
    this.#detached = true
    this.#abandonIfAlone()
  }

  /** Rejects for everyone who waits, whatever stale value there is, and tells the load to stop. */
  stop(reason: unknown): void {
    this.#ended = true
    for (const waiter of this.#waiters) {
      this.#dismiss(waiter)
      waiter.reject(reason)
    }
    this.#cutOff(reason)
  }

  #land(value: V | undefined): void {
    this.#ended = true
    for (const waiter of this.#waiters) {
      this.#dismiss(waiter)
      waiter.resolve(value)
    }
  }

  #fail(error: unknown): void {
    this.#ended = true
    const now = this.#host.driver.now()
    for (const waiter of this.#waiters) {
      if (this.#former !== undefined && this.#offer(waiter, this.#former, 'error', now)) continue
      this.#dismiss(waiter)
      waiter.reject(error)
    }
  }

  /** Answers `waiter` with the stale value, if it is good enough for that. */
  #offer(waiter: Waiter<V>, former: Former<V>, use: StaleUse, now: number): boolean {
    if (!mayServe(former, use, waiter.terms, now) || !this.#dismiss(waiter)) return false
    this.#inBackground = true
    this.#host.servedStale(this.key, former.value, use)
    waiter.resolve(former.value)
    this.#abandonIfAlone()
    return true
  }

  #dismiss(waiter: Waiter<V>): boolean {
    if (!this.#waiters.delete(waiter)) return false
    if (waiter.signal !== undefined) aborts.remove(waiter.signal, waiter)
    if (waiter.alarm !== undefined) this.#host.driver.set(waiter.alarm, NEVER)
    return true
  }

  #abandonIfAlone(): void {
    if (this.#waiters.size > 0 || this.#ended || (this.#inBackground && !this.#detached)) return
    this.#ended = true
    this.#host.abandoned(this)
    this.#cutOff(new ShelflifeError('ERR_ABORTED', 'nobody waits for this load any more'))
  }

  #cutOff(reason: unknown): void {
    this.#stopped ??= { reason }
    this.#controller?.abort(reason)
    this.#cut?.(reason)
  }
}
