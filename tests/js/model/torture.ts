/** What `npm run torture` runs: each gets seeds by the slice. */

import { runSequence, type Seen } from './cache-invalidation-model.ts'
import { checkSchedules } from './cache-schedules.ts'
import { checkMemoryCache } from './memory-cache-model.ts'
import { checkRequestAborts } from './request-aborts.ts'
import { checkTierSchedules } from './tier-schedules.ts'

/** One kind of random test. */
export interface Ordeal {
  readonly name: string
  /** The variable of the environment that says how many, and how many there are otherwise. */
  readonly variable: string
  readonly usual: number
  /** Runs `count` of them from `seed` on and throws at the first that goes wrong; what it saw, in numbers. */
  run(count: number, seed: number): Promise<Record<string, number>>
}

export const ordeals: readonly Ordeal[] = [
  {
    name: 'sequences of operations on memory caches, all features mixed, against a naive model',
    variable: 'SHELFLIFE_SEQUENCES',
    usual: 1_000_000,
    run: async (count, seed) => ({ ...checkMemoryCache(count, seed) }),
  },
  {
    name: 'schedules of concurrent reads, loads, writes, deletions, invalidations and aborts',
    variable: 'SHELFLIFE_SCHEDULES',
    usual: 100_000,
    run: async (count, seed) => ({ schedules: count, ...(await checkSchedules(count, seed)) }),
  },
  {
    name: 'sequences of invalidations of all kinds in memory and tiers, with restarts, against what may be read',
    variable: 'SHELFLIFE_INVALIDATIONS',
    usual: 100_000,
    run: async (count, first) => {
      const seen: Seen = { fresh: 0, stale: 0, nothing: 0, fromTier: 0, kept: 0, discarded: 0, restarts: 0, survivors: 0 }
      for (let seed = first; seed < first + count; seed += 1) await runSequence(seed, seen)
      return { sequences: count, ...seen }
    },
  },
  {
    name: 'schedules over two tiers that are slow or dead at times',
    variable: 'SHELFLIFE_TIERS',
    usual: 20_000,
    run: async (count, seed) => ({ schedules: count, ...(await checkTierSchedules(count, seed)) }),
  },
  {
    name: 'requests that are aborted in any phase',
    variable: 'SHELFLIFE_ABORTS',
    usual: 100_000,
    run: async (count, seed) => ({ ...(await checkRequestAborts(count, seed)) }),
  },
]
