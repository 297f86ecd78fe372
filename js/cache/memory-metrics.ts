/** What a memory cache reports to a registry. Its own counters are plain fields; they are copied when somebody looks. */

import { Copies } from '../metrics/copies.ts'
import type { Registry } from '../metrics/registry.ts'
import type { MemoryCacheStats } from './memory-types.ts'

/** Registers the series of a cache; the result copies what is left and stops the reporting. Caches of one name add up. */
export function reportMemoryCache(registry: Registry, name: string, cache: { stats(): MemoryCacheStats }): () => void {
  const labels = { cache: name }
  const copies = new Copies()
  const counter = (metric: string, help: string) =>
    copies.counter(registry.counter({ name: metric, help, labelNames: ['cache'] }).with(labels))
  const gauge = (metric: string, help: string) => copies.gauge(registry.gauge({ name: metric, help, labelNames: ['cache'] }).with(labels))
  const hits = counter('cache_hits_total', 'Reads answered from memory')
  const misses = registry.counter({
    name: 'cache_misses_total',
    help: 'Reads not answered from memory, by reason',
    labelNames: ['cache', 'reason'],
  })
  const missedBy = Object.keys(cache.stats().missesByReason).map(reason => {
    const copy = copies.counter(misses.with({ ...labels, reason }))
    // An estimate may be taken back; a total never.
    let most = 0
    return (count: number) => {
      most = Math.max(most, count)
      copy(most)
    }
  })
  const evictions = counter('cache_evictions_total', 'Entries that left for want of room')
  const invalidations = counter('cache_invalidations_total', 'Entries that were given up by tag, pattern, predicate or source')
  const expirations = counter('cache_expirations_total', 'Entries that left because their time was over')
  const entries = gauge('cache_entries', 'Entries in memory')
  const size = gauge('cache_size', 'Sum of the sizes of all entries, in the unit of maxSize')
  const copy = () => {
    const stats = cache.stats()
    hits(stats.hits)
    for (const [at, count] of Object.values(stats.missesByReason).entries()) missedBy[at]?.(count)
    evictions(stats.evictions)
    expirations(stats.expirations)
    invalidations(stats.invalidations)
    entries(stats.entries)
    size(stats.size)
  }
  const stop = registry.onCollect(copy)
  return () => {
    copy()
    stop()
    copies.leave()
  }
}
