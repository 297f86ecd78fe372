/**
 * Turns by their priority, and within one in the order in which they came. Joining and leaving cost the same however many wait; the first of a priority, and the
 * last one, the logarithm of how many priorities are in use.
 */

import { type Turn, Turnline } from './turn.ts'

/** Those of one priority. */
class Rank extends Turnline {
  priority: number
  /** Where it stands in the heap. */
  index: number

  constructor(priority: number, index: number) {
    super()
    this.priority = priority
    this.index = index
  }
}

/** See the top of this file. */
export class PriorityLine {
  length = 0
  /** The highest on top. One that is alone stays when nobody is left in it: most queues have one for ever. */
  readonly #heap: Rank[] = []
  readonly #ranks = new Map<number, Rank>()

  /** Whose turn is next. */
  get first(): Turn | undefined {
    return this.#heap[0]?.first
  }

  push(turn: Turn): void {
    this.#rankOf(turn.priority).push(turn)
    this.length += 1
  }

  /** Takes a turn out, which must be in. */
  remove(turn: Turn): void {
    const rank = this.#rankOf(turn.priority)
    rank.remove(turn)
    this.length -= 1
    if (rank.length === 0 && this.#heap.length > 1) this.#drop(rank)
  }

  /** Takes the first one out. */
  shift(): Turn | undefined {
    const { first } = this
    if (first !== undefined) this.remove(first)
    return first
  }

  *[Symbol.iterator](): Iterator<Turn> {
    for (const rank of [...this.#heap].sort((a, b) => b.priority - a.priority)) yield* rank
  }

  #rankOf(priority: number): Rank {
    const top = this.#heap[0]
    if (top?.priority === priority) return top
    if (top !== undefined && top.length === 0) {
      // Alone, and empty: it serves for any other.
      this.#ranks.delete(top.priority)
      top.priority = priority
      this.#ranks.set(priority, top)
      return top
    }
    const known = this.#ranks.get(priority)
    if (known !== undefined) return known
    const rank = new Rank(priority, this.#heap.length)
    this.#ranks.set(priority, rank)
    this.#heap.push(rank)
    this.#rise(rank)
    return rank
  }

  #drop(rank: Rank): void {
    this.#ranks.delete(rank.priority)
    const last = this.#heap.pop() as Rank
    if (last === rank) return
    this.#put(last, rank.index)
    this.#rise(last)
    this.#sink(last)
  }

  #rise(rank: Rank): void {
    for (let { index } = rank; index > 0; index = rank.index) {
      const above = this.#heap[(index - 1) >> 1] as Rank
      if (above.priority > rank.priority) return
      this.#put(above, index)
      this.#put(rank, (index - 1) >> 1)
    }
  }

  #sink(rank: Rank): void {
    for (;;) {
      const { index } = rank
      const [left, right] = [this.#heap[index * 2 + 1], this.#heap[index * 2 + 2]]
      const higher = right !== undefined && left !== undefined && right.priority > left.priority ? right : left
      if (higher === undefined || higher.priority < rank.priority) return
      const from = higher.index
      this.#put(higher, index)
      this.#put(rank, from)
    }
  }

  #put(rank: Rank, index: number): void {
    this.#heap[index] = rank
    rank.index = index
  }
}
