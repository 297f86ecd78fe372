/** What the tiers of a cache report to a registry: the numbers of `stats().tiers`, by the place and the name of each. */

import type { Copies } from '../metrics/copies.ts'
import type { Registry } from '../metrics/registry.ts'
import type { CacheTierStats } from './types.ts'

/** Totals, as `cache_tier_…_total`. */
const TOTALS = {
  hits: 'Reads answered by a tier',
  misses: 'Reads a tier could not answer',
  writes: 'Entries written to the medium of a tier',
  dropped: 'Writes to a tier that were given up',
  reclaimed: 'What a tier gave up for want of room',
  bypassed: 'Keys not asked of a tier, and changes not told to it, while it was left alone',
  timeouts: 'Keys that a tier did not answer for in time',
  failures: 'Calls that failed for reasons of a tier',
  repaired: 'Changes that a tier was told of later',
  outdated: 'Entries of another version',
} as const

/** Numbers as of now. */
const LEVELS = {
  entries: ['entries', 'Entries in a tier'],
  bytes: ['bytes', 'Bytes that a tier takes in its medium'],
  queued: ['queue_depth', 'Writes that wait for the medium of a tier'],
  queuedBytes: ['queue_bytes', 'Bytes of the writes that wait for the medium of a tier'],
  missed: ['missed', 'Changes that a tier has not been told of yet'],
} as const

/** As others number them. */
const CIRCUIT = { closed: 0, open: 1, 'half-open': 2 } as const

type Copy = (stats: CacheTierStats) => void

/** What copies the numbers of all tiers of a cache. Caches of one name add up. */
export function tierReport(registry: Registry, cache: string, copies: Copies): (tiers: readonly CacheTierStats[]) => void {
  const labelNames = ['cache', 'tier'] as const
  const reported = new Map<string, readonly Copy[]>()

  const begin = (tier: string): readonly Copy[] => {
    const labels = { cache, tier }
    const gauge = (name: string, help: string, combine?: 'max') =>
      copies.gauge(registry.gauge({ name: `cache_tier_${name}`, help, labelNames }).with(labels), combine)
    const errors = registry.counter({
      name: 'cache_tier_errors_total',
      help: 'What went wrong in a tier, by what it was',
      labelNames: [...labelNames, 'kind'],
    })
    const errorsBy = new Map<string, (total: number) => void>()
    const circuit = gauge('circuit_state', 'Whether a tier is left alone: 0 no, 1 yes, 2 it is tried again', 'max')
    return [
      ...entriesOf(TOTALS).map(([name, help]): Copy => {
        const total = copies.counter(registry.counter({ name: `cache_tier_${name}_total`, help, labelNames }).with(labels))
        return stats => total(stats[name])
      }),
      ...entriesOf(LEVELS).map(([of, [name, help]]): Copy => {
        const level = gauge(name, help)
        return stats => level(stats[of])
      }),
      stats => circuit(CIRCUIT[stats.circuit]),
      stats => {
        for (const [kind, count] of Object.entries(stats.errors)) {
          const total = errorsBy.get(kind) ?? copies.counter(errors.with({ ...labels, kind }))
          errorsBy.set(kind, total)
          total(count)
        }
      },
    ]
  }

  return tiers => {
    for (const [at, stats] of tiers.entries()) {
      const tier = `${at + 1}:${stats.name}`
      const all = reported.get(tier) ?? begin(tier)
      reported.set(tier, all)
      for (const copy of all) copy(stats)
    }
  }
}

function entriesOf<T extends object>(table: T): [keyof T, T[keyof T]][] {
  return Object.entries(table) as [keyof T, T[keyof T]][]
}
