/** What the rules look at. Counts are those since the account was opened, levels and limits are those of now. */

import type { MemoryCacheStats, MissRatioPoint } from '../cache/memory-types.ts'
import type { CacheStats } from '../cache/types.ts'
import type { FetchStats } from '../http/types.ts'
import type { MonitorPoint } from '../monitor/types.ts'
import type { Account, Handle } from './account.ts'

/** Below what nothing is said. */
export interface Thresholds {
  readonly minSamples: number
  readonly minGain: number
}

/** A cache, with tiers and loaders or without. */
export interface CacheFacts {
  readonly name: string
  /** What can be resized. */
  readonly handle: Handle
  readonly now: MemoryCacheStats
  /** Counts of memory. */
  readonly memory: MemoryCacheStats
  /** Of a cache with loaders: its counts, and its settings. */
  readonly loading: { readonly counts: CacheStats; readonly now: CacheStats } | undefined
  readonly reads: number
  readonly hits: number
  readonly misses: MemoryCacheStats['missesByReason']
  /** What other sizes would answer, and the reads that this is known from. */
  readonly curve: { readonly reads: number; readonly points: readonly MissRatioPoint[] }
}

/** A client of `createFetch`. */
export interface FetchFacts {
  readonly name: string
  readonly now: FetchStats
  readonly counts: FetchStats
  readonly load: Load
}

/** Something that runs so much at a time and lets the rest wait: means over the time, and how much ended a second. */
export interface Load {
  readonly running: number
  readonly waiting: number
  readonly perSecond: number
}

/** See {@link CacheFacts}. */
export function cacheFacts(account: Account): CacheFacts {
  const { name, kind, thing } = account
  const curve = account.source.curve()
  const isTiered = kind === 'cache'
  const counts = account.since<CacheStats & MemoryCacheStats>()
  const now = account.stats() as CacheStats & MemoryCacheStats
  return {
    name,
    handle: thing,
    now: isTiered ? now.memory : now,
    memory: isTiered ? counts.memory : counts,
    loading: isTiered ? { counts, now } : undefined,
    reads: counts.hits + counts.misses,
    hits: counts.hits,
    misses: counts.missesByReason,
    curve,
  }
}

/** Means of levels over the points of a monitor at which there was something to do, and what of `totals` ended a second. */
export function loadOf(
  history: readonly MonitorPoint[],
  name: string,
  { running, waiting, totals }: { running: string; waiting: string; totals: readonly string[] },
): Load {
  let [seconds, run, wait, ended] = [0, 0, 0, 0]
  for (const point of history) {
    const source = point.sources[name]
    if (source === undefined || (source.levels[running] ?? 0) + (source.levels[waiting] ?? 0) === 0) continue
    seconds += point.seconds
    run += (source.levels[running] ?? 0) * point.seconds
    wait += (source.levels[waiting] ?? 0) * point.seconds
    for (const total of totals) ended += (source.rates[total] ?? 0) * point.seconds
  }
  return seconds === 0
    ? { running: 0, waiting: 0, perSecond: 0 }
    : { running: run / seconds, waiting: wait / seconds, perSecond: ended / seconds }
}

/** The highest number at which something answers nearly as well as it ever would: what a tenth of the gain would still be worth is not chased. */
export function enough<P extends { readonly hitRate: number }>(points: readonly P[], best: number, here: number): P | undefined {
  return points.find(point => point.hitRate >= best - Math.max((best - here) / 10, 0.002))
}
