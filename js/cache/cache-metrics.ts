/** What a cache with tiers reports to a registry, beside what its memory reports. */

import type { TimerSeries } from '../metrics/instruments.ts'
import type { Registry } from '../metrics/registry.ts'
import type { CacheStats } from './types.ts'

/** The instruments of one cache. */
export interface CacheReport {
  readonly loadTimer: TimerSeries
  stop(): void
}

/** Registers the series of a cache. */
export function reportCache(registry: Registry, name: string, cache: { stats(): CacheStats }): CacheReport {
  const labels = { cache: name }
  const loads = registry.counter({ name: 'cache_loads_total', help: 'Loader calls, by outcome', labelNames: ['cache', 'outcome'] })
  const loaded = loads.with({ ...labels, outcome: 'ok' })
  const failed = loads.with({ ...labels, outcome: 'error' })
  const coalesced = registry
    .counter({ name: 'cache_coalesced_total', help: 'Calls that shared the load of another', labelNames: ['cache'] })
    .with(labels)
  const counter = (metric: string, help: string) => registry.counter({ name: metric, help, labelNames: ['cache'] }).with(labels)
  const stale = registry.counter({ name: 'cache_stale_total', help: 'Stale values given, by reason', labelNames: ['cache', 'reason'] })
  const revalidating = stale.with({ ...labels, reason: 'revalidate' })
  const afterError = stale.with({ ...labels, reason: 'error' })
  const afterTimeout = stale.with({ ...labels, reason: 'timeout' })
  const negative = counter('cache_negative_hits_total', 'Reads answered with the knowledge that there is nothing')
  const refreshes = counter('cache_refreshes_total', 'Loads begun in the background')
  const timeouts = counter('cache_load_timeouts_total', 'Loads ended by the hard timeout')
  const backedOff = counter('cache_loads_backed_off_total', 'Loads not begun because one had just failed')
  const byTier = { labelNames: ['cache', 'tier'] }
  const tierHits = registry.counter({ name: 'cache_tier_hits_total', help: 'Reads answered by a tier', ...byTier })
  const tierMisses = registry.counter({ name: 'cache_tier_misses_total', help: 'Reads a tier could not answer', ...byTier })
  const tierBytes = registry.gauge({ name: 'cache_tier_bytes', help: 'Bytes that a tier takes in its medium', ...byTier })
  const loadTimer = registry
    .timer({ name: 'cache_load_duration_seconds', help: 'Time that loaders took', labelNames: ['cache'] })
    .with(labels)
  const stop = registry.onCollect(() => {
    const stats = cache.stats()
    loaded.setTotal(stats.loads - stats.loadErrors)
    failed.setTotal(stats.loadErrors)
    coalesced.setTotal(stats.coalesced)
    revalidating.setTotal(stats.staleHits)
    afterError.setTotal(stats.staleAfterError)
    afterTimeout.setTotal(stats.staleAfterTimeout)
    negative.setTotal(stats.negativeHits)
    refreshes.setTotal(stats.refreshes)
    timeouts.setTotal(stats.timeouts)
    backedOff.setTotal(stats.backedOff)
    for (const [at, tier] of stats.tiers.entries()) {
      const tierLabels = { ...labels, tier: `${at + 1}:${tier.name}` }
      tierHits.with(tierLabels).setTotal(tier.hits)
      tierMisses.with(tierLabels).setTotal(tier.misses)
      tierBytes.with(tierLabels).set(tier.bytes)
    }
  })
  return { loadTimer, stop }
}
