/** A clock that stands still until it is told to move. */

import type { Clock, ClockTimer } from '../clock.ts'
import { nextTask } from '../next-task.ts'

/**
 * A clock for tests: time moves only by {@link ManualClock.advance} and {@link ManualClock.setWall}.
 *
 * ```ts
 * const clock = new ManualClock()
 * const cache = createMemoryCache({ max: 10, ttl: '1m', clock })
 * clock.advance(60_000)
 * ```
 */
export class ManualClock implements Clock {
  #wall: number
  #monotonic = 0
  #serial = 0
  readonly #timers = new Map<number, { at: number; serial: number; wake: () => void; held: boolean }>()

  /** `wall`: the wall clock's first reading, in milliseconds since the epoch. Default: 2026-01-01. */
  constructor({ wall = Date.UTC(2026, 0, 1) }: { wall?: number } = {}) {
    this.#wall = wall
  }

  wall(): number {
    return this.#wall
  }

  monotonic(): number {
    return this.#monotonic
  }

  timer(at: number, wake: () => void): ClockTimer {
    this.#serial += 1
    const serial = this.#serial
    const entry = { at, serial, wake, held: false }
    this.#timers.set(serial, entry)
    return {
      cancel: () => this.#timers.delete(serial),
      hold: on => {
        entry.held = on
      },
    }
  }

  /** How many timers are set. */
  get timers(): number {
    return this.#timers.size
  }

  /** How many of them would keep a process alive. */
  get heldTimers(): number {
    return [...this.#timers.values()].filter(timer => timer.held).length
  }

  /** Moves both clocks on by `ms` milliseconds; timers fire on the way, each at its time, in order. */
  advance(ms: number): void {
    const end = this.#monotonic + ms
    for (let next = this.#due(end); next !== undefined; next = this.#due(end)) this.#fire(next)
    this.#moveTo(end)
  }

  /** Like {@link ManualClock.advance}, with promise reactions run before, between and after the timers. */
  async advanceAsync(ms: number): Promise<void> {
    const end = this.#monotonic + ms
    await nextTask()
    for (let next = this.#due(end); next !== undefined; next = this.#due(end)) {
      this.#fire(next)
      await nextTask()
    }
    this.#moveTo(end)
    await nextTask()
  }

  /** Sets the wall clock, as an administrator or a time server would; monotonic time and timers do not notice. */
  setWall(wall: number): void {
    this.#wall = wall
  }

  /** The machine sleeps for `ms`: the wall clock runs on, the monotonic clock and the timers stand still. */
  sleep(ms: number): void {
    this.#wall += ms
  }

  #due(end: number) {
    let first: { at: number; serial: number; wake: () => void } | undefined
    for (const timer of this.#timers.values()) {
      if (timer.at <= end && (first === undefined || timer.at < first.at || (timer.at === first.at && timer.serial < first.serial)))
        first = timer
    }
    return first
  }

  #fire({ at, serial, wake }: { at: number; serial: number; wake: () => void }): void {
    this.#moveTo(Math.max(at, this.#monotonic))
    this.#timers.delete(serial)
    wake()
  }

  #moveTo(at: number): void {
    this.#wall += at - this.#monotonic
    this.#monotonic = at
  }
}
