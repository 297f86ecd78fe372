/**
 * The deadlines of calls that all have the same time, so that whoever began first is due first: a list, and one alarm.
 *
 * The alarm is not moved when calls end, which nearly all do in time: it rings now and then for nothing, and most calls set no timer.
 */

import { Alarm, type Driver } from '../core/driver.ts'

/** A call with a deadline. */
export interface Due {
  /** On the driver's timeline; the list's to write, as the other two. */
  at: number
  before: Due | undefined
  after: Due | undefined
  /** The time is up; it is in the list no more. */
  expire(): void
}

const NEVER = Number.POSITIVE_INFINITY
/** Later than any alarm that rings. */
const NEVER_RUNG = Number.MAX_VALUE

/** See the top of this file. */
export class Deadlines {
  readonly #driver: Driver
  readonly #ms: number
  readonly #alarm = new Alarm(now => this.#ring(now))
  /** Set while there are calls: somebody waits for them, so they hold the process. */
  readonly #hold = new Alarm(() => undefined, { holds: true })
  #first: Due | undefined
  #last: Due | undefined

  constructor(driver: Driver, ms: number) {
    this.#driver = driver
    this.#ms = ms
  }

  add(due: Due, now: number): void {
    due.at = now + this.#ms
    due.before = this.#last
    if (this.#last === undefined) {
      this.#first = due
      if (this.#alarm.at === NEVER) this.#driver.set(this.#alarm, due.at)
      this.#driver.set(this.#hold, NEVER_RUNG)
    } else this.#last.after = due
    this.#last = due
  }

  /** Does nothing when it is not in the list. */
  remove(due: Due): void {
    const { before, after } = due
    if (before === undefined && this.#first !== due) return
    if (before === undefined) this.#first = after
    else before.after = after
    if (after === undefined) this.#last = before
    else after.before = before
    due.before = undefined
    due.after = undefined
    if (this.#first === undefined) this.#driver.set(this.#hold, NEVER)
  }

  #ring(now: number): void {
    for (let due = this.#first; due !== undefined && due.at <= now; due = this.#first) {
      this.remove(due)
      due.expire()
    }
    if (this.#first !== undefined) this.#driver.set(this.#alarm, this.#first.at)
  }
}
