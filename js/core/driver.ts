/**
 * The driver of one clock: tells its time, and keeps ONE host timer for all alarms.
 *
 * Its timeline follows the monotonic clock, and leaps when the wall clock ran on while the machine slept, so that
 * what expired during sleep is expired on waking. It never goes back.
 */

import { type Clock, type ClockTimer, systemClock } from '../clock.ts'
import { report } from '../report.ts'

/** The two clocks may differ this much before the difference counts as sleep. */
const SLEEP_TOLERANCE_MS = 1000

const drivers = new WeakMap<Clock, Driver>()

/** The driver of `clock`; there is one for each clock. */
export function driverOf(clock: Clock): Driver {
  let driver = drivers.get(clock)
  if (driver === undefined) {
    driver = new Driver(clock)
    drivers.set(clock, driver)
  }
  return driver
}

/** Something that wants to be woken. `at` is the driver's to write; use {@link Driver.set}. */
export class Alarm {
  /** When it rings, on the driver's timeline; `Infinity` when it is not set. */
  at = Number.POSITIVE_INFINITY
  /** Where it stands in the driver's heap, or -1. */
  index = -1
  /** Whether somebody waits for it, so that it keeps the process alive. */
  readonly holds: boolean
  readonly ring: (now: number) => void

  constructor(ring: (now: number) => void, { holds = false } = {}) {
    this.ring = ring
    this.holds = holds
  }
}

/** Who goes by {@link Driver.recent} without asking whether it is too old. */
export interface Reliant {
  /** `recent` is another time now, or too old to go by. */
  timeMoved(): void
}

/** See the top of this file. */
export class Driver {
  readonly clock: Clock
  /** The latest reading of {@link Driver.read}. */
  recent = 0
  /** Whether `recent` is too old to go by. Always so for a test's clock; for the machine's own after each macrotask. */
  stale = true
  readonly #reliants: Reliant[] = []
  readonly #coarse: boolean
  #expiring = false
  readonly #heap: Alarm[] = []
  #holding = 0
  #timer: ClockTimer | undefined
  #timerAt = Number.POSITIVE_INFINITY
  #skew = 0
  #offset: number
  readonly #origin: number

  constructor(clock: Clock) {
    this.clock = clock
    this.#coarse = clock === systemClock
    this.#origin = clock.monotonic()
    this.#offset = clock.wall() - this.#origin
  }

  /** Milliseconds on the driver's timeline, which begins at zero. */
  now(): number {
    const monotonic = this.clock.monotonic()
    const drift = this.clock.wall() - monotonic - this.#offset
    if (drift > SLEEP_TOLERANCE_MS || drift < -SLEEP_TOLERANCE_MS) this.#offset += drift
    if (drift > SLEEP_TOLERANCE_MS) {
      this.#skew += drift
      this.#rearm()
    }
    return monotonic - this.#origin + this.#skew
  }

  /**
   * Reads the clock into `recent`, which then serves until the macrotask ends, or until somebody who makes many
   * readings has it read again: a hit costs 36 ns so, against 98 with a reading each.
   */
  read(): number {
    this.recent = this.now()
    this.#moveTime()
    if (this.#coarse) {
      this.stale = false
      if (!this.#expiring) this.#expire()
    }
    return this.recent
  }

  /**
   * Reads the clock again within a macrotask: how many milliseconds `recent` has moved on, or -1 when it was too old anyway. Whether the
   * machine slept is left to the next {@link Driver.read}, for that takes a second clock.
   */
  readAgain(): number {
    if (this.stale) return -1
    const before = this.recent
    this.recent = this.clock.monotonic() - this.#origin + this.#skew
    this.#moveTime()
    return this.recent - before
  }

  /** Tells `reliant`, once, when `recent` is another time, or too old to go by. Only while it is not. */
  rely(reliant: Reliant): void {
    this.#reliants.push(reliant)
  }

  #age(): void {
    this.stale = true
    this.#moveTime()
  }

  #moveTime(): void {
    for (let reliant = this.#reliants.pop(); reliant !== undefined; reliant = this.#reliants.pop()) reliant.timeMoved()
  }

  #expire(): void {
    this.#expiring = true
    const handle: unknown = setTimeout(() => {
      this.#expiring = false
      this.#age()
    }, 0)
    if (typeof handle === 'object') (handle as { unref(): void }).unref()
  }

  /** Sets `alarm` to ring at `at`, in place of an earlier setting. `Infinity` takes it back. */
  set(alarm: Alarm, at: number): void {
    if (alarm.at === at) return
    const wasSet = alarm.index >= 0
    alarm.at = at
    if (at === Number.POSITIVE_INFINITY) this.#remove(alarm)
    else if (wasSet) this.#sift(alarm)
    else {
      alarm.index = this.#heap.push(alarm) - 1
      this.#up(alarm)
      if (alarm.holds) this.#hold(1)
    }
    this.#arm()
  }

  #ringAll(): void {
    this.#timer = undefined
    this.#timerAt = Number.POSITIVE_INFINITY
    const now = this.now()
    for (let first = this.#heap[0]; first !== undefined && first.at <= now; first = this.#heap[0]) {
      first.at = Number.POSITIVE_INFINITY
      this.#remove(first)
      try {
        first.ring(now)
      } catch (error) {
        // A callback of a user that throws must not silence the alarms behind it, nor end the process.
        report(error)
      }
    }
    this.#arm()
  }

  /** A timer that is too early only costs a wake-up; one that is too late is moved. */
  #arm(): void {
    const first = this.#heap[0]
    if (first === undefined) {
      // Where calls follow each other, it is early for the next one, too.
      if (this.#coarse) return
      this.#timer?.cancel()
      this.#timer = undefined
      this.#timerAt = Number.POSITIVE_INFINITY
      return
    }
    if (first.at >= this.#timerAt) return
    this.#timer?.cancel()
    this.#timerAt = first.at
    this.#timer = this.clock.timer(first.at + this.#origin - this.#skew, () => this.#ringAll())
    if (this.#holding > 0) this.#timer.hold(true)
  }

  /** The host's timer stood still while the machine slept: by the timeline of now it would ring as much too late. */
  #rearm(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#timerAt = Number.POSITIVE_INFINITY
    this.#arm()
  }

  #hold(change: 1 | -1): void {
    this.#holding += change
    if (this.#holding === (change === 1 ? 1 : 0)) this.#timer?.hold(change === 1)
  }

  #remove(alarm: Alarm): void {
    const { index } = alarm
    if (index < 0) return
    alarm.index = -1
    const last = this.#heap.pop() as Alarm
    if (last !== alarm) {
      this.#heap[index] = last
      last.index = index
      this.#sift(last)
    }
    if (alarm.holds) this.#hold(-1)
  }

  #sift(alarm: Alarm): void {
    this.#up(alarm)
    this.#down(alarm)
  }

  #up(alarm: Alarm): void {
    for (;;) {
      const parent = this.#heap[(alarm.index - 1) >> 1]
      if (alarm.index === 0 || parent === undefined || parent.at <= alarm.at) return
      this.#swap(alarm, parent)
    }
  }

  #down(alarm: Alarm): void {
    for (;;) {
      const left = this.#heap[alarm.index * 2 + 1]
      const right = this.#heap[alarm.index * 2 + 2]
      const child = right !== undefined && left !== undefined && right.at < left.at ? right : left
      if (child === undefined || child.at >= alarm.at) return
      this.#swap(child, alarm)
    }
  }

  #swap(a: Alarm, b: Alarm): void {
    const index = a.index
    a.index = b.index
    b.index = index
    this.#heap[a.index] = a
    this.#heap[b.index] = b
  }
}
