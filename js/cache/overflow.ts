/** What memory has and some tier shall only have when memory gives it up. */

import type { Clock } from '../clock.ts'
import { Barriers, type GivenUp, type GiveUpMode } from '../stores/barriers.ts'
import type { TierEntry } from '../stores/tier.ts'
import type { TierWrite } from './guarded-tier.ts'
import type { DisposeReason } from './memory-types.ts'

interface Resident {
  readonly entry: TierEntry
  /** What had been given up when it came, by number. */
  readonly era: number
  /** When memory gives it up whatever there is room for, in milliseconds since the Unix epoch. */
  readonly leavesAt: number
}

/** What an overflow is told by, and what it tells. */
export interface OverflowHost {
  readonly clock: Clock
  /** Whether memory has this value of `key`. */
  holds(key: string, value: unknown): boolean
  /** Writes to the tiers that wait for this. */
  spill(writes: readonly TierWrite[]): void
}

/** See the top of this file. */
export class Overflow {
  readonly #host: OverflowHost
  readonly #residents = new Map<string, Resident>()
  /** What memory has been given up for by name, so that it does not come back from below as if nothing had happened. */
  readonly #givenUp = new Barriers({ hasPaths: false })
  #incoming: (Resident & { readonly key: string }) | undefined

  constructor(host: OverflowHost) {
    this.#host = host
  }

  /** Memory is about to be given `entry`, and keeps it until `leavesAt`. */
  expect(key: string, entry: TierEntry, leavesAt: number): void {
    this.#incoming = { key, entry, era: this.#givenUp.last, leavesAt }
  }

  /** Memory has been given it. Whether it has kept it. */
  arrived(): boolean {
    const { key, ...resident } = this.#incoming ?? {}
    this.#incoming = undefined
    if (key === undefined) return false
    this.#residents.set(key, resident as Resident)
    return true
  }

  /** A copy of what the tiers below have needs no writing. */
  isBelow(key: string): void {
    this.#residents.delete(key)
  }

  /** An entry has left memory. */
  left(value: unknown, key: string, reason: DisposeReason): void {
    const isIncoming = reason !== 'set' && this.#incoming?.key === key && this.#incoming.entry.value === value
    const resident = isIncoming ? this.#incoming : this.#residents.get(key)
    if (resident === undefined || resident.entry.value !== value) return
    if (isIncoming) this.#incoming = undefined
    else this.#residents.delete(key)
    // Whoever writes the incoming one finds out that memory has not kept it.
    if (!isIncoming && (reason === 'evict' || reason === 'oversize' || this.#isOver(resident, reason)) && this.#isRight(key, resident))
      this.#host.spill([{ key, entry: resident.entry }])
  }

  /** What is meant is not to be found below later as if it were fresh. */
  giveUp(meant: GivenUp, mode: GiveUpMode): void {
    if (this.#residents.size > 0) this.#givenUp.raise(meant, mode, this.#givenUp.last)
  }

  /** Memory is about to be emptied for good: all goes down. */
  drain(): void {
    const writes: TierWrite[] = []
    for (const [key, resident] of this.#residents)
      if ((this.#host.holds(key, resident.entry.value) || this.#isOver(resident)) && this.#isRight(key, resident))
        writes.push({ key, entry: resident.entry })
    this.#residents.clear()
    if (writes.length > 0) this.#host.spill(writes)
  }

  /** Whether its time in memory is over, which is not always its own. */
  #isOver({ leavesAt }: Resident, reason: DisposeReason = 'expire'): boolean {
    return reason === 'expire' && leavesAt <= this.#host.clock.wall()
  }

  #isRight(key: string, { entry, era }: Resident): boolean {
    return entry.expiresAt > this.#host.clock.wall() && this.#givenUp.judge(era, key, entry.facts ?? {}) === undefined
  }
}
