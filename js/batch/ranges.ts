/** A set of whole numbers, kept as ranges: what a long run has settled is a few of them, however many items it has. */

/** See the top of this file. Ranges are half-open, ascending and do not touch each other. */
export class Ranges {
  /** Begin and end of each, in turns. */
  #bounds: number[]
  #count = 0

  /** `bounds` as {@link Ranges.bounds} gives them. */
  constructor(bounds: readonly number[] = []) {
    this.#bounds = [...bounds]
    for (let at = 0; at < bounds.length; at += 2) this.#count += (bounds[at + 1] as number) - (bounds[at] as number)
  }

  /** How many numbers are in it. */
  get count(): number {
    return this.#count
  }

  /** How many ranges there are. */
  get length(): number {
    return this.#bounds.length / 2
  }

  /** Begin and end of each range, in turns. A copy. */
  bounds(): number[] {
    return [...this.#bounds]
  }

  has(value: number): boolean {
    return this.#endsUpTo(value) % 2 === 1
  }

  /** Adds `from .. to`. */
  add(from: number, to: number): void {
    if (from >= to) return
    const bounds = this.#bounds
    const last = bounds.length - 1
    // Batches mostly end in order.
    if (last < 0 || from > (bounds[last] as number)) {
      bounds.push(from, to)
      this.#count += to - from
    } else if (from === bounds[last]) {
      bounds[last] = to
      this.#count += to - from
    } else this.#cut(from, to, true)
  }

  /** Takes `from .. to` out. */
  delete(from: number, to: number): void {
    if (from < to) this.#cut(from, to, false)
  }

  /** What lies between `from` and `to` and is not in it. */
  *gaps(from: number, to: number): Generator<[number, number], void, undefined> {
    let begin = from
    for (let at = this.#endsUpTo(from); begin < to; at += 1) {
      const bound = Math.min(this.#bounds[at] ?? to, to)
      // An odd place is the end of a range: what follows is a gap.
      if (at % 2 === 0 && bound > begin) yield [begin, bound]
      begin = Math.max(begin, bound)
      if (at >= this.#bounds.length) return
    }
  }

  /** Leaves at most `most` ranges, by adding what lies in the narrowest gaps between them. */
  widen(most: number): void {
    this.#thin(most, 1)
  }

  /** Leaves at most `most` ranges, by forgetting the shortest. */
  forget(most: number): void {
    this.#thin(most, 0)
  }

  /** Drops pairs of bounds, those nearest to each other first: from 0 they enclose ranges, from 1 gaps. */
  #thin(most: number, first: 0 | 1): void {
    const surplus = this.length - most
    if (surplus <= 0) return
    const bounds = this.#bounds
    const pairs: number[] = []
    for (let at = first; at + 1 < bounds.length; at += 2) pairs.push(at)
    const width = (at: number) => (bounds[at + 1] as number) - (bounds[at] as number)
    const dropped = new Set(pairs.sort((a, b) => width(a) - width(b)).slice(0, surplus))
    for (const at of dropped) this.#count += first === 0 ? -width(at) : width(at)
    this.#bounds = bounds.filter((_, at) => !dropped.has(at - ((at - first) & 1)))
  }

  /** How many bounds are `value` or less. */
  #endsUpTo(value: number): number {
    let [low, high] = [0, this.#bounds.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#bounds[middle] as number) <= value) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Makes `from .. to` all in or all out. */
  #cut(from: number, to: number, isIn: boolean): void {
    const bounds = this.#bounds
    let first = this.#endsUpTo(from)
    // Bounds at `from` itself are replaced, too.
    while (first > 0 && bounds[first - 1] === from) first -= 1
    const last = this.#endsUpTo(to)
    let covered = 0
    for (let at = first, begin = from; at <= last; at += 1) {
      const end = at === last ? to : (bounds[at] as number)
      if (at % 2 === 1) covered += end - begin
      begin = end
    }
    const edges: number[] = []
    if ((first % 2 === 1) !== isIn) edges.push(from)
    if ((last % 2 === 1) !== isIn) edges.push(to)
    bounds.splice(first, last - first, ...edges)
    this.#count += isIn ? to - from - covered : -covered
  }
}
