/** What a memory cache counts beside its hits, and the statistics made of it. */

import type { Limits, ResolvedMemoryOptions } from './memory-options.ts'
import type { MemoryCacheStats } from './types.ts'

/** Counts since creation. */
export class MemoryCounts {
  staleHits = 0
  absent = 0
  expiredReads = 0
  sets = 0
  deletes = 0
  evictions = 0
  expirations = 0
  invalidations = 0
  oversized = 0
  traps = 0
}

/** What a cache knows of itself beside its counts. */
export interface MemoryState {
  readonly entries: number
  readonly size: number
  readonly hits: number
}

/** The statistics of a cache. */
export function memoryStats<K, V>(
  { absent, expiredReads, ...counts }: MemoryCounts,
  { entries, size, hits }: MemoryState,
  { max, maxSize }: Limits,
  { policy, sizeUnit }: ResolvedMemoryOptions<K, V>,
): MemoryCacheStats {
  const misses = absent + expiredReads
  const reads = hits + misses
  return {
    entries,
    size,
    max,
    maxSize,
    policy,
    sizeUnit,
    hits,
    misses,
    missesByReason: { absent, expired: expiredReads },
    hitRate: reads === 0 ? 0 : hits / reads,
    ...counts,
  }
}
