/** What a memory cache does for the caches with which it shares limits, and with them. */

import type { Kin } from './family.ts'
import type { ResolvedMemoryOptions } from './memory-options.ts'
import type { Residents } from './residents.ts'

/** `end` closes the cache. */
export function kinOf<K, V>(residents: Residents<K, V>, options: ResolvedMemoryOptions<K, V>, end: () => void): Kin {
  const { counts, slots, table, ties } = residents
  const shrink = (share: number) => {
    while (residents.clearedExpired()) {}
    const [entries, size] = [slots.size * (1 - share), table.totalSize * (1 - share)]
    while ((slots.size > entries || table.totalSize > size) && residents.evict()) {}
  }
  return {
    limits: () => residents.limits,
    entries: () => slots.size,
    size: () => table.totalSize,
    bytes: () => (options.sizeUnit === 'estimated bytes' ? table.totalSize : 0),
    allow: largest => {
      residents.limits = { ...residents.limits, maxEntrySize: Math.min(options.maxEntrySize, largest) }
    },
    clearedExpired: () => residents.clearedExpired(),
    giveWay: () => counts.evictedFor('evictedForQuota', () => residents.evict()),
    shrink: share => counts.evictedFor('evictedForMemory', () => shrink(share)),
    giveUpTags: (tags, mode) => ties.giveUpTags(tags, mode),
    reap: () => residents.reap(),
    discard: () => residents.discard(),
    end,
    report: () => residents.report(),
  }
}
