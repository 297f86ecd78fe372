/** Reads that found nothing, by reason. */

import type { MissReason } from './memory-types.ts'

/** What is known of a miss: 0 is nothing; else the number of the reason, and above its two bits how many such reads this one stands for. */
export type MissCode = number

export const COLD: MissCode = 0
const REASONS: readonly MissReason[] = ['evicted', 'expired', 'invalidated', 'deleted']

/** The code of a reason that counts for `weight`. */
export function missCode(reason: number, weight: number): MissCode {
  return (weight << 2) | reason
}

/** The code of an entry that was found past its time. */
export const EXPIRED = missCode(1, 1)

/** What a code says. */
export function reasonOf(code: MissCode): MissReason {
  return code === COLD ? 'cold' : (REASONS[code & 3] as MissReason)
}

/** How many reads a code stands for. */
export function weightOf(code: MissCode): number {
  return code >> 2
}

/** Counts misses; those that stand for others count for these too, but all together are no more than there were. */
export class MissCounts {
  #total = 0
  readonly #found = [0, 0, 0, 0]

  add(code: MissCode): void {
    this.#total += 1
    if (code !== COLD) this.#found[code & 3] = (this.#found[code & 3] as number) + weightOf(code)
  }

  byReason(): Record<MissReason, number> {
    const sum = this.#found.reduce((all, one) => all + one, 0)
    const share = sum > this.#total ? this.#total / sum : 1
    const [evicted, expired, invalidated, deleted] = this.#found.map(count => Math.floor(count * share)) as [number, number, number, number]
    return { cold: this.#total - evicted - expired - invalidated - deleted, expired, evicted, invalidated, deleted }
  }
}
