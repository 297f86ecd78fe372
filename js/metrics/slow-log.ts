/** The slow operations of late, each with what it was. */

import type { Clock } from '../clock.ts'

/** One operation that took at least as long as its timer's `slowThreshold`. */
export interface SlowOperation {
  /** 1, 2, 3, ... in the order they ended. */
  id: number
  /** The timer's full name. */
  metric: string
  labels: Readonly<Record<string, string>>
  /** What was done, as whoever started the time called it. */
  what?: string
  /** How long it took, in milliseconds. */
  duration: number
  /** When it ended, in milliseconds since the epoch. */
  at: number
}

/** A longer `what` is cut. */
const LONGEST_WHAT = 200

/** The last slow operations of a registry, at most as many as its `slowLogSize`. */
export class SlowLog {
  readonly #clock: Clock
  readonly #max: number
  readonly #ring: SlowOperation[] = []
  #seen = 0

  constructor(clock: Clock, max: number) {
    this.#clock = clock
    this.#max = max
  }

  /** How many slow operations there were, those no longer in the list too. */
  get seen(): number {
    return this.#seen
  }

  /** The slow operations that are kept, the latest first. */
  list(): SlowOperation[] {
    return [...this.#ring].sort((a, b) => b.id - a.id)
  }

  /** The same, the slowest first. */
  slowest(): SlowOperation[] {
    return [...this.#ring].sort((a, b) => b.duration - a.duration)
  }

  /** Forgets them. */
  clear(): void {
    this.#ring.length = 0
    this.#seen = 0
  }

  /** Takes one down. Timers do this. */
  note(metric: string, labels: Readonly<Record<string, string>>, seconds: number, what: string | undefined): void {
    const at = this.#seen++ % this.#max
    const named = what === undefined ? {} : { what: what.length > LONGEST_WHAT ? `${what.slice(0, LONGEST_WHAT - 1)}…` : what }
    this.#ring[at] = { id: this.#seen, metric, labels, ...named, duration: seconds * 1000, at: this.#clock.wall() }
  }
}
