/** What a cache with tiers reports to a registry, beside what its memory reports. */

import { Copies } from '../metrics/copies.ts'
import type { TimerSeries } from '../metrics/instruments.ts'
import type { Registry } from '../metrics/registry.ts'
import { tierReport } from './tier-metrics.ts'
import type { CacheStats } from './types.ts'

/** The instruments of one cache. */
export interface CacheReport {
  readonly loadTimer: TimerSeries
  stop(): void
}

/** Registers the series of a cache. Caches of one name add up. */
export function reportCache(registry: Registry, name: string, cache: { stats(): CacheStats }): CacheReport {
  const labels = { cache: name }
  const copies = new Copies()
  const loads = registry.counter({ name: 'cache_loads_total', help: 'Loader calls, by outcome', labelNames: ['cache', 'outcome'] })
  const loaded = copies.counter(loads.with({ ...labels, outcome: 'ok' }))
  const failed = copies.counter(loads.with({ ...labels, outcome: 'error' }))
  const counter = (metric: string, help: string) =>
    copies.counter(registry.counter({ name: metric, help, labelNames: ['cache'] }).with(labels))
  const coalesced = counter('cache_coalesced_total', 'Calls that shared the load of another')
  const stale = registry.counter({ name: 'cache_stale_total', help: 'Stale values given, by reason', labelNames: ['cache', 'reason'] })
  const revalidating = copies.counter(stale.with({ ...labels, reason: 'revalidate' }))
  const afterError = copies.counter(stale.with({ ...labels, reason: 'error' }))
  const afterTimeout = copies.counter(stale.with({ ...labels, reason: 'timeout' }))
  const negative = counter('cache_negative_hits_total', 'Reads answered with the knowledge that there is nothing')
  const refreshes = counter('cache_refreshes_total', 'Loads begun in the background')
  const timeouts = counter('cache_load_timeouts_total', 'Loads ended by the hard timeout')
  const backedOff = counter('cache_loads_backed_off_total', 'Loads not begun because one had just failed')
  const loadTimer = registry
    .timer({ name: 'cache_load_duration_seconds', help: 'Time that loaders took', labelNames: ['cache'] })
    .with(labels)
  const tiers = tierReport(registry, name, copies)
  const copy = () => {
    const stats = cache.stats()
    loaded(stats.loads - stats.loadErrors)
    failed(stats.loadErrors)
    coalesced(stats.coalesced)
    revalidating(stats.staleHits)
    afterError(stats.staleAfterError)
    afterTimeout(stats.staleAfterTimeout)
    negative(stats.negativeHits)
    refreshes(stats.refreshes)
    timeouts(stats.timeouts)
    backedOff(stats.backedOff)
    tiers(stats.tiers)
  }
  const stopCopying = registry.onCollect(copy)
  const stop = () => {
    copy()
    stopCopying()
    copies.leave()
  }
  return { loadTimer, stop }
}
