/** What a memory cache counts beside its hits, and the statistics made of it. */

import type { Limits, ResolvedMemoryOptions } from './memory-options.ts'
import type { MemoryCacheStats, MissReason } from './memory-types.ts'

/** Counts since creation. */
export class MemoryCounts {
  staleHits = 0
  expiredReads = 0
  sets = 0
  deletes = 0
  evictions = 0
  /** Those of the evictions for which there was room by number, and those that somebody else asked for. */
  evictedForSize = 0
  evictedForQuota = 0
  evictedForMemory = 0
  expirations = 0
  invalidations = 0
  oversized = 0
  traps = 0

  /** Counts the evictions that `action` makes as made for somebody else. */
  evictedFor(whom: 'evictedForQuota' | 'evictedForMemory', action: () => void): void {
    const { evictions, evictedForSize } = this
    action()
    this[whom] += this.evictions - evictions
    this.evictedForSize = evictedForSize
  }
}

/** What a cache knows of itself beside its counts. */
export interface MemoryState {
  readonly entries: number
  readonly size: number
  readonly hits: number
  /** Reads of keys that are not there, by reason. */
  readonly absent: Record<MissReason, number>
}

/** The statistics of a cache. */
export function memoryStats<K, V>(
  { expiredReads, evictedForSize, evictedForQuota, evictedForMemory, ...counts }: MemoryCounts,
  { entries, size, hits, absent }: MemoryState,
  { max, maxSize, maxEntrySize }: Limits,
  { policy, sizeUnit, ttlMs: ttl }: ResolvedMemoryOptions<K, V>,
): MemoryCacheStats {
  const missesByReason = { ...absent, expired: absent.expired + expiredReads }
  const misses = Object.values(missesByReason).reduce((sum, count) => sum + count, 0)
  const reads = hits + misses
  return {
    entries,
    size,
    max,
    maxSize,
    maxEntrySize,
    ttl,
    policy,
    sizeUnit,
    hits,
    misses,
    missesByReason,
    hitRate: reads === 0 ? 0 : hits / reads,
    ...counts,
    evictionsByReason: {
      max: counts.evictions - evictedForSize - evictedForQuota - evictedForMemory,
      size: evictedForSize,
      quota: evictedForQuota,
      memory: evictedForMemory,
    },
  }
}
