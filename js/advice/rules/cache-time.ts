/** Whether entries live long enough, and who waits when their time is over. */

import type { CacheFacts, Thresholds } from '../facts.ts'
import type { Recommendation } from '../types.ts'
import { percent, points, round, time } from '../words.ts'

/** How many lives a stale value may be given for: whoever reads it has it loaded anew at once. */
const STALE_LIVES = 10

/** Readers wait for what was here a moment ago. */
export function serveStale(
  { name, loading, reads, hits, misses }: CacheFacts,
  { minSamples, minGain }: Thresholds,
): Recommendation | undefined {
  if (loading === undefined || reads < minSamples) return undefined
  const { counts, now } = loading
  const share = misses.expired / reads
  if (now.staleWhileRevalidate > 0 || counts.loads === 0 || share < minGain || !Number.isFinite(now.memory.ttl)) return undefined
  return {
    id: `${name}:serve-stale`,
    source: name,
    severity: share >= 0.1 ? 'warning' : 'info',
    title: `${percent(share)} of the reads of ${name} wait for what has just expired`,
    detail: 'With staleWhileRevalidate the first reader of an expired value has it at once, and it is loaded anew behind him.',
    evidence: { reads, expired: misses.expired, ttlMs: now.memory.ttl, loadP95Ms: round(now.loadLatency.p95), loads: counts.loads },
    gain: `hit rate ${percent(hits / reads)} → ${percent(hits / reads + share)} (${points(share)}); these reads no longer wait ${time(now.loadLatency.p95)}`,
    option: `${name}.staleWhileRevalidate`,
    from: 0,
    to: now.memory.ttl * STALE_LIVES,
    predicted: { measure: 'hitRate', now: hits / reads, expected: hits / reads + share },
  }
}

/** Hot keys expire while many read them, and all of those wait for one load. */
export function refreshAhead({ name, loading, reads, misses }: CacheFacts, { minSamples }: Thresholds): Recommendation | undefined {
  if (loading === undefined || reads < minSamples) return undefined
  const { counts, now } = loading
  if (now.refreshesAhead || misses.expired < reads / 100 || counts.coalesced < counts.loads / 5) return undefined
  return {
    id: `${name}:refresh-ahead`,
    source: name,
    severity: 'info',
    title: `Hot keys of ${name} expire while they are read`,
    detail: 'A value that is read near the end of its life is loaded before that, and nobody waits.',
    evidence: { reads, expired: misses.expired, coalesced: counts.coalesced, loads: counts.loads, loadP95Ms: round(now.loadLatency.p95) },
    gain: `${counts.coalesced} reads waited for the load of another, ${time(now.loadLatency.p95)} at the 95th percentile`,
    option: `${name}.refreshAhead`,
    from: 'off',
    to: 0.8,
  }
}

/** What has no loader cannot be given stale; it can live longer. */
export function longerTtl(
  { name, loading, now, reads, hits, misses }: CacheFacts,
  { minSamples, minGain }: Thresholds,
): Recommendation | undefined {
  const share = misses.expired / reads
  if (loading !== undefined || reads < minSamples || share < minGain || !Number.isFinite(now.ttl)) return undefined
  return {
    id: `${name}:longer-ttl`,
    source: name,
    severity: share >= 0.1 ? 'warning' : 'info',
    title: `${percent(share)} of the reads of ${name} come after the end of what they ask for`,
    detail: 'How long values may live only you can say. With ten lives for one, keys in use expire a tenth as often.',
    evidence: { reads, expired: misses.expired, ttlMs: now.ttl },
    gain: `hit rate ${percent(hits / reads)} → up to ${percent(hits / reads + share * 0.9)}`,
    option: `${name}.ttl`,
    from: now.ttl,
    to: now.ttl * 10,
    predicted: { measure: 'hitRate', now: hits / reads, expected: hits / reads + share * 0.9 },
  }
}
