/**
 * A rate limiter in the core, seen from here: calls get through at once, wait in line, or are refused. One alarm rings for
 * the first in line; it holds the process, since somebody awaits it.
 */

import { CoreTrappedError } from '../errors.ts'
import { CoreHandle } from './door.ts'
import { Alarm, type Driver } from './driver.ts'
import { LimiterHandle, part } from './parts/schedule.ts'

/** How often, and who may wait; times are milliseconds. */
export interface LimiterConfig {
  readonly tokens: number
  readonly interval: number
  readonly burst: number
  readonly maxWait: number
  readonly maxQueue: number
}

/** A call in line. It is told one of these, once, unless it is cancelled. None may throw. */
export interface CallInLine {
  /** Its name in the core, or -1; the limiter's to write. */
  ticket: number
  admitted(): void
  refused(retryAfterMs: number): void
  /** The line is no more: the core trapped. */
  lost(error: Error): void
}

/** The answer to a call. */
export type Entry = 'admitted' | 'waiting' | Refusal

/** Why a call does not get through, and after how long it would, had it waited. */
export interface Refusal {
  readonly reason: 'wait' | 'queue'
  readonly retryAfterMs: number
}

const NEVER = Number.POSITIVE_INFINITY

/** See the top of this file. */
export class LimiterCore {
  readonly #core: CoreHandle<LimiterHandle>
  readonly #driver: Driver
  readonly #alarm = new Alarm(() => this.#guarded(() => this.#serve()), { holds: true })
  readonly #calls = new Map<number, CallInLine>()

  constructor({ tokens, interval, burst, maxWait, maxQueue }: LimiterConfig, driver: Driver) {
    this.#driver = driver
    this.#core = new CoreHandle(part, () => new LimiterHandle(tokens, interval, burst, maxWait, maxQueue, driver.now()))
  }

  /** Asks for `cost` tokens, at most the burst. Whether the call waits is told at once. Throws `ERR_CORE_TRAPPED` when the core traps. */
  admit(cost: number, call: CallInLine): Entry {
    return this.#guarded(() => {
      const now = this.#driver.now()
      const code = this.#core.use(core => core.admit(cost, now))
      if (code !== 1) return this.#entry(code)
      call.ticket = this.#core.use(core => core.answer)
      this.#calls.set(call.ticket, call)
      if (this.#calls.size === 1) this.#arm()
      return 'waiting'
    })
  }

  /** Takes `cost` tokens, at most the burst, now or not at all. */
  take(cost: number): Entry {
    return this.#guarded(() => {
      const now = this.#driver.now()
      return this.#entry(this.#core.use(core => core.take(cost, now)))
    })
  }

  /** Takes a call out of line. Does nothing when it is not in line. */
  cancel(call: CallInLine): void {
    if (call.ticket < 0) return
    this.#calls.delete(call.ticket)
    this.#guarded(() => {
      this.#core.use(core => core.cancel(call.ticket))
      this.#arm()
    })
    call.ticket = -1
  }

  /** Admits nobody before `until`, on the driver's timeline. */
  holdUntil(until: number): void {
    this.#guarded(() => {
      const now = this.#driver.now()
      this.#core.use(core => core.holdUntil(until, now))
      this.#serve()
    })
  }

  /** Calls in line. */
  get waiting(): number {
    return this.#calls.size
  }

  /** Tokens that are there for newcomers. */
  tokens(): number {
    return this.#guarded(() => {
      const now = this.#driver.now()
      return this.#core.use(core => core.tokens(now))
    })
  }

  /** Gives the core back, and returns those who were in line. */
  close(): CallInLine[] {
    this.#driver.set(this.#alarm, NEVER)
    this.#core.free()
    return this.#forget()
  }

  #entry(code: number): Entry {
    if (code === 0) return 'admitted'
    return { reason: code === 3 ? 'queue' : 'wait', retryAfterMs: this.#core.use(core => core.answer) }
  }

  /** Tells all whose wait is over. */
  #serve(): void {
    const now = this.#driver.now()
    for (;;) {
      const ticket = this.#core.use(core => core.poll(now))
      if (ticket < 0) break
      const retryAfterMs = this.#core.use(core => core.answer)
      const call = this.#calls.get(ticket)
      if (call === undefined) continue
      this.#calls.delete(ticket)
      call.ticket = -1
      if (retryAfterMs === 0) call.admitted()
      else call.refused(retryAfterMs)
    }
    this.#arm()
  }

  #arm(): void {
    this.#driver.set(
      this.#alarm,
      this.#core.use(core => core.pollAt()),
    )
  }

  /** After a trap everybody in line is told, and the bucket begins empty: how much was in it nobody knows. */
  #guarded<T>(action: () => T): T {
    if (this.#core.lost) this.#restart(new CoreTrappedError(undefined))
    try {
      return action()
    } catch (error) {
      if (error instanceof CoreTrappedError) this.#restart(error)
      throw error
    }
  }

  #restart(error: CoreTrappedError): void {
    this.#driver.set(this.#alarm, NEVER)
    this.#core.renew()
    this.#core.use(core => core.empty())
    for (const call of this.#forget()) call.lost(error)
  }

  #forget(): CallInLine[] {
    const calls = [...this.#calls.values()]
    this.#calls.clear()
    for (const call of calls) call.ticket = -1
    return calls
  }
}
