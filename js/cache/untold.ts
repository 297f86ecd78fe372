/**
 * What a tier has not been told when its cache is closed, kept in a nearer one that outlives the process: it is told when the cache is made
 * again, before the tier is believed. A process that dies keeps nothing.
 */

import type { Clock } from '../clock.ts'
import { namespaced, pathWithin } from '../stores/namespaced.ts'
import type { Invalidation } from '../stores/tier.ts'
import type { GuardedTier } from './guarded-tier.ts'

/** Keys and invalidations of which a tier may have something older; of `isAll` everything. */
export interface Untold {
  readonly keys: readonly string[]
  readonly meant: readonly Invalidation[]
  readonly isAll: boolean
}

/** No namespace of a user has this name. */
const PATH = /* @__PURE__ */ pathWithin('', '')

/** See the top of this file. */
export class Memo {
  readonly #keeper: GuardedTier
  readonly #key: string
  readonly #clock: Clock
  #recalled: Untold | undefined

  /** What is kept in `keeper` of the tier that is called `tier`. */
  constructor(keeper: GuardedTier, tier: string, clock: Clock) {
    this.#keeper = keeper
    this.#key = namespaced(PATH, `untold:${tier}`)
    this.#clock = clock
  }

  /** What was kept by the process before, or by another one. */
  async recall(): Promise<Untold | undefined> {
    this.#recalled = await this.#read()
    return this.#recalled
  }

  /** Keeps `untold`, beside what others have kept meanwhile; without it, what was recalled has been told. Rejects when that is not stored. */
  async keep(untold: Untold | undefined): Promise<void> {
    if (untold === undefined && this.#recalled === undefined) return
    const kept = await this.#read()
    if (untold !== undefined) {
      const value: Untold = {
        keys: [...new Set([...untold.keys, ...(kept?.keys ?? [])])],
        // What was recalled and not told is in both.
        meant: [...new Map([...untold.meant, ...(kept?.meant ?? [])].map(one => [JSON.stringify(one), one])).values()],
        isAll: untold.isAll || kept?.isAll === true,
      }
      const entry = { value, writtenAt: this.#clock.wall(), expiresAt: Number.POSITIVE_INFINITY }
      await this.#keeper.set([{ key: this.#key, entry }], { persist: 'stored' })
    } else if (JSON.stringify(kept) === JSON.stringify(this.#recalled)) await this.#keeper.remove([this.#key], { persist: 'stored' })
  }

  async #read(): Promise<Untold | undefined> {
    const [entry] = await this.#keeper.getMany([this.#key]).catch(() => [])
    const value = entry?.value
    return isUntold(value) ? value : undefined
  }
}

/** Whoever else writes there may have written anything. */
function isUntold(value: unknown): value is Untold {
  const { keys, meant, isAll } = (value ?? {}) as Partial<Record<keyof Untold, unknown>>
  const isList = Array.isArray(keys) && keys.every(key => typeof key === 'string')
  return isList && Array.isArray(meant) && meant.every(one => typeof one === 'object' && one !== null) && typeof isAll === 'boolean'
}
