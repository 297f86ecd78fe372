/** The statistics of a cache with tiers and loaders. */

import type { ResolvedCacheOptions } from './cache-options.ts'
import type { Loading } from './loading.ts'
import type { MemoryCacheStats } from './memory-types.ts'
import type { NamedTiers } from './named-tiers.ts'
import type { CacheStats } from './types.ts'

/** Whoever reads the front of a cache reads that cache: what memory counts is part of it. */
export function cacheStats<V>(
  memory: MemoryCacheStats,
  loading: Loading<V>,
  tiers: NamedTiers | undefined,
  { windows, policy }: ResolvedCacheOptions<V>,
): CacheStats {
  const { misses, tierHits, staleHits, ...counts } = loading.tally.counts
  const hits = memory.hits + tierHits + staleHits
  const reads = hits + misses
  return {
    ...counts,
    hits,
    misses,
    missesByReason: loading.tally.misses.byReason(),
    hitRate: reads === 0 ? 0 : hits / reads,
    staleWhileRevalidate: windows.swr ?? 0,
    refreshesAhead: policy.aheadShare < 1 || policy.aheadMs > 0,
    loadLatency: loading.tally.latencies.summary(),
    staleHits: memory.staleHits + staleHits,
    memory,
    tiers: tiers?.stats() ?? [],
  }
}
