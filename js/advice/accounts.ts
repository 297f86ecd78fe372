/** What a report says of each thing that is watched. */

import type { MemoryCacheStats } from '../cache/memory-types.ts'
import type { CacheStats } from '../cache/types.ts'
import type { FetchStats } from '../http/types.ts'
import { NUMBERS } from '../monitor/kinds.ts'
import type { LatencyPoint } from '../monitor/types.ts'
import type { Account } from './account.ts'
import type { CacheReport, FetchReport, OtherReport } from './types.ts'

/** See {@link CacheReport}. */
export function cacheReport(account: Account): CacheReport {
  const counts = account.since<CacheStats & MemoryCacheStats>()
  const now = account.stats() as CacheStats & MemoryCacheStats
  const isTiered = account.kind === 'cache'
  const [memory, levels] = isTiered ? [counts.memory, now.memory] : [counts, now]
  const reads = counts.hits + counts.misses
  const loadLatency = isTiered ? latencyOf(now.loadLatency) : null
  return {
    name: account.name,
    reads,
    hits: counts.hits,
    hitRate: reads === 0 ? 0 : counts.hits / reads,
    misses: counts.missesByReason,
    entries: levels.entries,
    size: levels.size,
    evictions: memory.evictions,
    saved: { loads: counts.hits, ms: counts.hits * (isTiered && now.loadLatency.count > 0 ? now.loadLatency.mean : 0) },
    loadLatency,
    tiers: (isTiered ? counts.tiers : []).map(({ name, hits, misses, errors }, at) => ({
      name,
      hits,
      misses,
      bytes: now.tiers[at]?.bytes ?? 0,
      errors: Object.values(errors).reduce((sum, count) => sum + count, 0),
    })),
  }
}

/** See {@link FetchReport}. */
export function fetchReport(account: Account): FetchReport {
  const counts = account.since<FetchStats>()
  const { latency } = account.stats() as FetchStats
  const answered = counts.misses + counts.revalidated
  const requests = counts.hits + counts.stale + counts.answered + counts.coalesced
  return {
    name: account.name,
    requests: counts.requests,
    sent: counts.sent,
    retries: counts.retries,
    failures: Object.fromEntries(Object.entries(counts.failures).filter(([, count]) => count > 0)),
    saved: { requests, bytes: answered === 0 ? 0 : Math.round((counts.bytes / answered) * (requests + counts.revalidated)) },
    latency: latencyOf(latency),
    circuits: hostsOf(account.thing).flatMap(({ host, circuit }) => (circuit === 'closed' ? [] : [host])),
  }
}

/** See {@link OtherReport}. */
export function otherReport(account: Account): OtherReport {
  const counts = account.since<Record<string, unknown>>()
  const now = account.stats() as Record<string, unknown>
  const { totals, levels } = NUMBERS[account.kind]
  return { name: account.name, kind: account.kind, counts: numbersOf(counts, totals), levels: numbersOf(now, levels) }
}

function numbersOf(from: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, number> {
  return Object.fromEntries(names.flatMap(name => (typeof from[name] === 'number' ? [[name, from[name]]] : [])))
}

function latencyOf(latency: { count: number; p50: number; p95: number; p99: number } | undefined): LatencyPoint | null {
  if (latency === undefined || latency.count === 0) return null
  const { count, p50, p95, p99 } = latency
  return { count, p50, p95, p99 }
}

function hostsOf(thing: object): readonly { readonly host: string; readonly circuit: string }[] {
  try {
    return (thing as { hosts?: () => readonly { host: string; circuit: string }[] }).hosts?.() ?? []
  } catch {
    return []
  }
}
