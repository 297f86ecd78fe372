/** One run of `processBatch`: performs what the plan in the core decides. */

import { BatchCore, type BatchPlan } from '../core/batch-core.ts'
import { Alarm, type Driver } from '../core/driver.ts'
import { type ShelflifeError, TimeoutError, thrownBy } from '../errors.ts'
import { nextTask } from '../next-task.ts'
import { Audience, type AudienceSettings } from './audience.ts'
import { BatchAbortedError, BatchResultError } from './errors.ts'
import { Flight } from './flight.ts'
import { GivenUp } from './given-up.ts'
import { Ledger, type LedgerSettings } from './ledger.ts'
import { outcomeOf } from './outcome.ts'
import type { Counts } from './progress.ts'
import type { ItemSource } from './source.ts'
import { Turns } from './turns.ts'
import type { BatchHandler, BatchResult } from './types.ts'

/** Options, checked and complete. */
export interface RunSettings<T> extends AudienceSettings<T>, LedgerSettings {
  readonly plan: BatchPlan
  readonly driver: Driver
  readonly signal: AbortSignal | undefined
  /** Items that a source of unknown length is said to have. */
  readonly total: number | undefined
}

/** See the top of this file. */
export class BatchRun<T, R> {
  readonly #source: ItemSource<T>
  readonly #handler: BatchHandler<T, R>
  readonly #settings: RunSettings<T>
  readonly #core: BatchCore
  readonly #resolve: (result: BatchResult<T, R>) => void
  readonly #alarm = new Alarm(() => this.#drive(), { holds: true })
  readonly #audience: Audience<T>
  readonly #begunAt: number
  #endedAt = 0
  readonly #flights = new Map<number, Flight<T>>()
  readonly #ledger: Ledger<T, R>
  readonly #errors: ShelflifeError[] = []
  readonly #counts = { calls: 0, answers: 0, retries: 0, splits: 0 }
  #total: number | undefined
  /** Of the next fresh batch. */
  #batchSize: number
  #state: 'idle' | 'driving' | 'resting' | 'finished' = 'idle'
  readonly #turns: Turns
  /** The last reading of the clock. */
  #now = 0
  #aborted: { readonly reason: unknown } | undefined
  readonly #onAbort = () => this.#abort()
  readonly #learns: boolean
  /** Whether it matters how long a handler takes. The clock is read less often where it does not. */
  readonly #measures: boolean
  readonly #take = (count: number) => this.#source.take(count)

  constructor(source: ItemSource<T>, handler: BatchHandler<T, R>, settings: RunSettings<T>, resolve: (result: BatchResult<T, R>) => void) {
    this.#source = source
    this.#handler = handler
    this.#settings = settings
    this.#resolve = resolve
    this.#core = new BatchCore(settings.plan)
    this.#ledger = new Ledger(settings)
    this.#learns = settings.plan.smallest !== settings.plan.largest
    this.#measures = this.#learns || settings.plan.timeout !== Number.POSITIVE_INFINITY || settings.meters !== undefined
    this.#batchSize = settings.plan.smallest
    this.#total = source.total ?? settings.total
    this.#begunAt = settings.driver.now()
    this.#turns = new Turns(this.#begunAt, () => this.#rested())
    this.#audience = new Audience(settings, () => this.#progress())
  }

  /** Begins. */
  start(): void {
    const { signal } = this.#settings
    signal?.addEventListener('abort', this.#onAbort, { once: true })
    if (signal?.aborted) this.#abort()
    else this.#drive()
  }

  // What the source tells.

  wanted(): number {
    return this.#state === 'finished' ? 0 : (this.#guarded(() => this.#core.wanted()) ?? 0)
  }

  supplied(count: number): void {
    if (this.#state === 'finished' || count === 0) return
    this.#ledger.expect(count)
    this.#guarded(() => this.#core.supply(count))
    this.#drive()
  }

  ended(error?: { readonly cause: unknown }): void {
    if (this.#state === 'finished') return
    if (error !== undefined) this.#errors.push(thrownBy('the source of items', error.cause))
    this.#total = this.#given
    this.#guarded(() => this.#core.end())
    this.#drive()
  }

  // What the plan decides.

  /** Performs actions until there is none. Handlers that answer at once are settled within, without recursion. */
  #drive(): void {
    if (this.#state !== 'idle') return
    this.#state = 'driving'
    this.#guarded(() => {
      this.#now = this.#settings.driver.now()
      for (;;) {
        if (this.#turns.isDue(this.#now)) {
          this.#state = 'resting'
          return
        }
        const action = this.#core.poll(this.#now)
        if (action === undefined) break
        if (action.kind === 'expire') this.#expire(action.token)
        else this.#begin(new Flight(action, this.#ledger.wholeAt(action.start, action.length, this.#take), this.#now))
        if (this.#finished) return
        if (this.#measures) this.#now = this.#settings.driver.now()
      }
      this.#settings.driver.set(this.#alarm, this.#core.pollAt())
    })
    if (this.#state !== 'driving') return
    this.#state = 'idle'
    this.#guarded(() => {
      if (this.#core.finished) this.#finish()
      else this.#source.read(this)
    })
  }

  /** Handlers that answer at once, or without a turn of the event loop, would leave timers, aborts and a page no time. */
  #rested(): void {
    if (this.#state !== 'resting') return
    this.#state = 'idle'
    this.#drive()
  }

  #begin(flight: Flight<T>): void {
    this.#flights.set(flight.token, flight)
    this.#counts.calls += 1
    let answer: readonly (R | Error)[] | PromiseLike<readonly (R | Error)[]>
    try {
      answer = this.#handler(flight.items(), flight)
    } catch (error) {
      this.#handlerThrew(flight, error)
      return
    }
    if (isPromiseLike(answer)) {
      Promise.resolve(answer).then(
        results => this.#guarded(() => this.#answered(flight, results)),
        error => this.#guarded(() => this.#handlerThrew(flight, error)),
      )
    } else this.#answered(flight, answer)
  }

  #expire(token: number): void {
    const flight = this.#flights.get(token)
    if (flight === undefined) return
    const error = new TimeoutError('attempt', this.#settings.plan.timeout)
    this.#threw(flight, error)
    flight.stop(error)
  }

  // How a batch ends.

  #answered(flight: Flight<T>, answer: unknown): void {
    const { token, length } = flight
    if (!Array.isArray(answer) || answer.length !== length) return this.#refused(flight, new BatchResultError(length, answer))
    if (!this.#land(flight)) return
    // Results are kept before the core hears of them, so that a trap there takes none of them back.
    const failed = this.#ledger.keep(flight, answer)
    if (this.#learns) this.#learn(flight)
    this.#now = this.#settings.driver.now()
    this.#core.answered(token, failed, this.#now)
    this.#moved()
  }

  #learn({ length, begunAt }: Flight<T>): void {
    this.#core.learn(length, this.#settings.driver.now() - begunAt)
    this.#batchSize = this.#core.batchSize
  }

  #handlerThrew(flight: Flight<T>, error: unknown): void {
    if (!(error instanceof GivenUp)) this.#threw(flight, thrownBy('the handler', error))
    else if (error.scope === 'batch') this.#refused(flight, error.error)
    else if (!this.#finished) this.#collapse(error.error)
  }

  #refused(flight: Flight<T>, error: ShelflifeError): void {
    if (!this.#land(flight)) return
    this.#ledger.reject(flight, 'failed', error)
    this.#core.refused(flight.token, this.#settings.driver.now())
    this.#moved()
  }

  #threw(flight: Flight<T>, error: ShelflifeError): void {
    if (!this.#land(flight)) return
    this.#now = this.#settings.driver.now()
    const verdict = this.#core.threw(flight.token, this.#now)
    if (verdict === 'retry') this.#counts.retries += 1
    else if (verdict === 'split') this.#counts.splits += 1
    else if (this.#aborted === undefined) this.#ledger.reject(flight, 'failed', error)
    else this.#ledger.reject(flight, 'aborted', new BatchAbortedError(true, this.#aborted.reason))
    this.#moved()
  }

  /** Takes the flight off the list. False when it was settled before: its time had passed, or the run is over. */
  #land(flight: Flight<T>): boolean {
    if (this.#finished || !this.#flights.delete(flight.token)) return false
    this.#counts.answers += 1
    this.#settings.meters?.call(flight.length, (this.#settings.driver.now() - flight.begunAt) / 1000)
    return true
  }

  #moved(): void {
    this.#audience.changed(this.#ledger.takeNews())
    this.#drive()
  }

  // How the run ends.

  #abort(): void {
    if (this.#finished || this.#aborted !== undefined) return
    const reason = this.#settings.signal?.reason
    this.#aborted = { reason }
    for (const flight of [...this.#flights.values()]) flight.stop(reason)
    this.#guarded(() => this.#core.abort())
    if (this.#flights.size === 0) this.#finish()
    // A handler that answers its signal at once keeps its answer; nobody waits for the others.
    else void nextTask().then(() => this.#finish())
  }

  /** Runs `action`; a trap of the core ends the run, and every item not yet settled is rejected with it. */
  #guarded<V>(action: () => V): V | undefined {
    try {
      return action()
    } catch (error) {
      if (!this.#finished) this.#collapse(thrownBy('the run', error))
      return undefined
    }
  }

  #collapse(error: ShelflifeError): void {
    this.#errors.push(error)
    const flights = [...this.#flights.values()]
    this.#finish(error)
    for (const flight of flights) flight.stop(error)
  }

  #finish(fatal?: ShelflifeError): void {
    if (this.#finished) return
    const { driver, signal } = this.#settings
    signal?.removeEventListener('abort', this.#onAbort)
    driver.set(this.#alarm, Number.POSITIVE_INFINITY)
    this.#ledger.expect(this.#source.close())
    this.#total = this.#given
    this.#rejectRest(fatal)
    this.#state = 'finished'
    this.#endedAt = driver.now()
    this.#core.free()
    const last = this.#audience.finish()
    if (last === undefined) this.#resolve(this.#result())
    else void last.then(() => this.#resolve(this.#result()))
  }

  #result(): BatchResult<T, R> {
    return outcomeOf(this.#ledger, {
      isAborted: this.#aborted !== undefined,
      skipped: this.#source.skipped,
      counts: this.#counts,
      durationMs: this.#endedAt - this.#begunAt,
      errors: this.#errors,
      beside: this.#audience.errors,
      token: this.#settings.accomplished.token(),
    })
  }

  #rejectRest(fatal: ShelflifeError | undefined): void {
    if (fatal === undefined && this.#aborted === undefined) return
    const started = new Set<number>()
    for (const { start, length } of this.#flights.values()) for (let at = 0; at < length; at += 1) started.add(start + at)
    const fresh = fatal ?? new BatchAbortedError(false, this.#aborted?.reason)
    const begun = fatal ?? new BatchAbortedError(true, this.#aborted?.reason)
    this.#ledger.rejectRest(fatal === undefined ? 'aborted' : 'failed', index => (started.has(index) ? begun : fresh), this.#take)
    this.#flights.clear()
  }

  #progress(): Counts {
    return {
      ...this.#ledger.counts,
      skipped: this.#source.skipped,
      answers: this.#counts.answers,
      total: this.#total,
      batchSize: this.#batchSize,
    }
  }

  /** Items there have been so far, those passed over included. */
  get #given(): number {
    return this.#source.skipped + this.#ledger.total
  }

  get #finished(): boolean {
    return this.#state === 'finished'
  }
}

function isPromiseLike(value: unknown): value is PromiseLike<never> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
