/** Whether what is on its way may still be kept: the leases that are out, and what was given up since each of them was taken. */

import { Barriers, type GivenUp, type GiveUpMode, GONE, type Marked } from '../stores/barriers.ts'
import { type Joint, type Lease, Leases } from './leases.ts'
import type { MissCode } from './miss-counts.ts'

/** See the top of this file. */
export class Claims {
  readonly leases = new Leases()
  /** What was given up, and which keys were changed, while something was under way; apart, for changes are many. */
  readonly #givenUp = new Barriers({ hasPaths: false })
  readonly #changes = new Barriers({ hasPaths: false })
  #era = 0

  /** The number of what was given up last. */
  get era(): number {
    return this.#era
  }

  /** The right to put into memory what is on its way for `key`. */
  take(key: string, why: MissCode): Lease {
    return this.leases.take(key, this.#era, why)
  }

  /** The right to put into memory what is on its way for many keys. */
  takeMany(): Joint {
    return this.leases.takeMany(this.#era)
  }

  /** What is under way and meant may not be kept. */
  giveUp(meant: GivenUp, mode: GiveUpMode): void {
    this.#raise(meant, mode, this.#givenUp)
  }

  /** `key` has another value, or none: what is made from the former one may not be kept. */
  changed(key: string): void {
    this.#raise({ source: key }, 'delete', this.#changes)
  }

  /** Something newer happened to `key`. */
  overtake(key: string): void {
    this.leases.revoke(key)
    if (this.leases.size > 0) this.changed(key)
  }

  /** What has become of something of number `era`, see {@link Barriers.judge}. */
  judge(era: number, key: string, marks: Marked = NO_MARKS): number | undefined {
    if (era === this.#era) return undefined
    const verdict = this.#givenUp.judge(era, key, marks)
    const changed = marks.dependsOn !== undefined && marks.dependsOn.length > 0 && this.#changes.judge(era, key, marks) !== undefined
    return changed ? GONE : verdict
  }

  isGivenUp(era: number, key: string, marks: Marked | undefined): boolean {
    return this.judge(era, key, marks) !== undefined
  }

  #raise(meant: GivenUp, mode: GiveUpMode, among: Barriers): void {
    if (this.leases.size === 0) return among.forget()
    this.#era += 1
    among.raise(meant, mode, this.#era)
  }
}

const NO_MARKS: Marked = {}
