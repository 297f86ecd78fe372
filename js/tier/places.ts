/** Where the values of many keys lie: the core's lines in one array, for an object of each would cost more than all else in a read of many. */

import { ROW } from '../stores/segment-row.ts'

/** See the top of this file. A place is known by the position of its key among those that were asked for. */
export class Places {
  readonly #rows: Float64Array

  constructor(count: number) {
    this.#rows = new Float64Array(count * ROW.columns)
  }

  /** Takes `count` lines that the core has found, for the positions from `at` on. */
  take(rows: Float64Array, at: number, count: number): void {
    this.#rows.set(rows.subarray(0, count * ROW.columns), at * ROW.columns)
  }

  /** The segment that holds the value; 0 where there is none. */
  segment(at: number): number {
    return this.#rows[at * ROW.columns + ROW.id] as number
  }

  offset(at: number): number {
    return this.#rows[at * ROW.columns + ROW.offset] as number
  }

  length(at: number): number {
    return this.#rows[at * ROW.columns + ROW.length] as number
  }

  check(at: number): number {
    return this.#rows[at * ROW.columns + ROW.check] as number
  }

  expiresAt(at: number): number {
    return this.#rows[at * ROW.columns + ROW.expiresAt] as number
  }

  writtenAt(at: number): number {
    return this.#rows[at * ROW.columns + ROW.writtenAt] as number
  }
}
