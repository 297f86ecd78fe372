/**
 * The limits of a cache and its namespaces. A pool within a pool is a namespace.
 *
 * A limit holds for a cache and everything within it. Where one is reached, what has expired goes first. Then whoever holds most of
 * what is scarce gives way, the entry that is to come counted as held: a namespace that grows takes nothing from one
 * that is smaller (max-min fairness; a switch that drops from its longest queue does the same).
 */

import { reportAll } from './departures.ts'
import type { Limits } from './memory-options.ts'

/** What there may be too much of. */
type Scarce = 'entries' | 'size'

/** One cache, without its namespaces. */
export interface Member {
  limits(): Limits
  entries(): number
  size(): number
  /** The limits around it allow no larger entry. */
  allow(largest: number): void
  /** Whether clearing away what has expired may have made room. */
  clearedExpired(): boolean
  /** Its least valuable entry leaves. */
  giveWay(): void
  /** Tells its owner who has left. */
  report(): void
}

/** So many entries, of such a size together. */
interface Load {
  readonly entries: number
  readonly size: number
}

export const NOTHING: Load = { entries: 0, size: 0 }

/** The entry that another one takes the place of. A policy may let it go all the same. */
interface Replaced extends Load {
  isThere(): boolean
}

const NONE: Replaced = { ...NOTHING, isThere: () => true }

/** What is coming in, and for whom. */
interface Arrival {
  readonly to: Pool
  readonly more: Load
  readonly replaced: Replaced
}

/** See the top of this file. */
export class Pool {
  readonly #own: Member
  readonly #around: Pool | undefined
  #within: readonly Pool[] = []
  /** Others that had to give way for the sake of this one, and have told nobody yet. */
  readonly #displaced = new Set<Member>()

  constructor(own: Member, around?: Pool) {
    this.#own = own
    this.#around = around
    if (around !== undefined) around.#within = [...around.#within, this]
    this.resized()
  }

  /** The cache is closed. */
  leave(): void {
    if (this.#around !== undefined) this.#around.#within = this.#around.#within.filter(pool => pool !== this)
  }

  /** The limits of the cache have changed. */
  resized(): void {
    if (this.#around !== undefined) {
      const { maxEntrySize, maxSize } = this.#around.#own.limits()
      this.#own.allow(Math.min(maxEntrySize, maxSize))
    }
    for (const pool of this.#within) pool.resized()
  }

  /** Makes room for so much more, in the cache and in all around it; gives up when what is `replaced` is no longer there. */
  makeRoom(more: Load, replaced: Replaced = NONE): void {
    for (let pool: Pool | undefined = this; pool !== undefined; pool = pool.#around) pool.#shrink({ to: this, more, replaced })
  }

  /** Tells the owners of the cache and of those who had to give way for it. */
  report(): void {
    const all = [this.#own, ...this.#displaced]
    this.#displaced.clear()
    reportAll(all)
  }

  /** Recounts and throws where a limit is exceeded. For tests. */
  validate(): void {
    for (let pool: Pool | undefined = this; pool !== undefined; pool = pool.#around) {
      const { max, maxSize } = pool.#own.limits()
      if (pool.#held('entries') > max || pool.#held('size') > maxSize) throw new Error('a limit is exceeded, namespaces counted')
    }
  }

  #held(what: Scarce): number {
    let held = this.#own[what]()
    for (const pool of this.#within) held += pool.#within.length === 0 ? pool.#own[what]() : pool.#held(what)
    return held
  }

  #shrink(arrival: Arrival): void {
    const { to, more, replaced } = arrival
    const { max, maxSize } = this.#own.limits()
    let before = Number.POSITIVE_INFINITY
    while (replaced.isThere()) {
      const entries = this.#held('entries')
      const isSizeScarce = maxSize < Number.POSITIVE_INFINITY && this.#held('size') + more.size > maxSize
      const scarce = entries + more.entries > max ? 'entries' : isSizeScarce ? 'size' : undefined
      if (scarce === undefined || entries >= before) return
      if (this.#clearedExpired(to)) continue
      before = entries
      this.#giveWay(scarce, arrival)
    }
  }

  #clearedExpired(to: Pool): boolean {
    if (this.#own.clearedExpired()) {
      if (this !== to) to.#displaced.add(this.#own)
      return true
    }
    for (const pool of this.#within) if (pool.#clearedExpired(to)) return true
    return false
  }

  #giveWay(scarce: Scarce, arrival: Arrival): void {
    const { to, more, replaced } = arrival
    let largest: Pool = this
    let most = this === to ? shareOf(this.#own[scarce](), more[scarce], replaced[scarce]) : this.#own[scarce]()
    for (const pool of this.#within) {
      const held = pool.#held(scarce)
      const share = pool.#isAround(to) ? shareOf(held, more[scarce], replaced[scarce]) : held
      if (share <= most) continue
      largest = pool
      most = share
    }
    if (largest !== this) return largest.#giveWay(scarce, arrival)
    if (this !== to) to.#displaced.add(this.#own)
    if (most > 0) this.#own.giveWay()
  }

  #isAround(pool: Pool): boolean {
    for (let at: Pool | undefined = pool; at !== undefined; at = at.#around) if (at === this) return true
    return false
  }
}

/** What somebody holds for whom more is coming: nothing that could be given, when all of it is what is replaced. */
function shareOf(held: number, more: number, replaced: number): number {
  return held > replaced ? held + more : 0
}
