/** How many values each label of a metric has had, when its series are too many: the label with the most is the one that explodes. */

/** Registers of one counter; the relative error is about 1.04 / sqrt(1024), 3 per cent. */
const REGISTERS = 1024
const REGISTER_BITS = 10
/** Flajolet, Fusy, Gandouet and Meunier: HyperLogLog, 2007. */
const ALPHA = 0.7213 / (1 + 1.079 / REGISTERS)

/** Counts different strings in one kilobyte, within a few per cent. */
class DistinctCounter {
  readonly #registers = new Uint8Array(REGISTERS)

  /** Takes a string, again or for the first time. */
  add(text: string): void {
    const hash = hashOf(text)
    const register = hash >>> (32 - REGISTER_BITS)
    const rank = Math.clz32((hash << REGISTER_BITS) | (1 << (REGISTER_BITS - 1))) + 1
    if (rank > (this.#registers[register] as number)) this.#registers[register] = rank
  }

  /** About how many different ones there were. */
  get count(): number {
    let sum = 0
    let empty = 0
    for (const rank of this.#registers) {
      sum += 2 ** -rank
      if (rank === 0) empty += 1
    }
    const raw = (ALPHA * REGISTERS * REGISTERS) / sum
    return Math.round(raw <= 2.5 * REGISTERS && empty > 0 ? REGISTERS * Math.log(REGISTERS / empty) : raw)
  }
}

/** FNV-1a with a final mix; the low bits alone are not random enough. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** How many values a label has had. */
export interface LabelCardinality {
  label: string
  /** Exact up to the limit of series, within a few per cent beyond it. */
  values: number
}

/** The labels of one metric whose series are more than it may have. */
export class Cardinality {
  readonly #names: readonly string[]
  readonly #counters: DistinctCounter[]

  /** `known`: the label values of the series that there are. */
  constructor(names: readonly string[], known: Iterable<readonly string[]>) {
    this.#names = names
    this.#counters = names.map(() => new DistinctCounter())
    for (const values of known) this.add(values)
  }

  /** Takes the label values of one more. */
  add(values: readonly string[]): void {
    for (let at = 0; at < this.#counters.length; at += 1) this.#counters[at]?.add(values[at] as string)
  }

  /** The labels, those with most values first. */
  labels(): LabelCardinality[] {
    return this.#names.map((label, at) => ({ label, values: this.#counters[at]?.count ?? 0 })).sort((a, b) => b.values - a.values)
  }
}
