/** Where the values of many keys lie: numbers in one array, for an object of each would cost more than all else in a read of many. */

const COLUMNS = 6

/** See the top of this file. A place is known by the position of its key among those that were asked for. */
export class Places {
  readonly #numbers: Float64Array

  constructor(count: number) {
    this.#numbers = new Float64Array(count * COLUMNS)
  }

  put(at: number, segment: number, offset: number, length: number, check: number, expiresAt: number, writtenAt: number): void {
    const from = at * COLUMNS
    const numbers = this.#numbers
    numbers[from] = segment
    numbers[from + 1] = offset
    numbers[from + 2] = length
    numbers[from + 3] = check
    numbers[from + 4] = expiresAt
    numbers[from + 5] = writtenAt
  }

  /** The segment that holds the value; 0 where there is none. */
  segment(at: number): number {
    return this.#numbers[at * COLUMNS] as number
  }

  offset(at: number): number {
    return this.#numbers[at * COLUMNS + 1] as number
  }

  length(at: number): number {
    return this.#numbers[at * COLUMNS + 2] as number
  }

  check(at: number): number {
    return this.#numbers[at * COLUMNS + 3] as number
  }

  expiresAt(at: number): number {
    return this.#numbers[at * COLUMNS + 4] as number
  }

  writtenAt(at: number): number {
    return this.#numbers[at * COLUMNS + 5] as number
  }
}
