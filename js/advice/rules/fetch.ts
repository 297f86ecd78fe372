/** How a client of `createFetch` could do better. */

import type { FetchFacts, Thresholds } from '../facts.ts'
import type { Recommendation } from '../types.ts'
import { percent, points, round, time } from '../words.ts'
import { roomier } from './load.ts'

/** Requests wait for a slot while the hosts are idle enough. */
export function moreAtOnce({ name, now, counts, load }: FetchFacts, { minSamples }: Thresholds): Recommendation | undefined {
  const { latency, perHost, concurrency } = now
  if (counts.sent < minSamples / 10 || latency === undefined || load.waiting < 1) return undefined
  // Whichever limit it is that is reached.
  const option = load.running >= concurrency * 0.8 ? 'concurrency' : 'perHost'
  const limit = now[option]
  const found = roomier(load, limit)
  const failures = Object.values(counts.failures).reduce((sum, count) => sum + count, 0)
  if (found === undefined || failures > counts.requests / 20 || found.savedMs < latency.p95 / 10) return undefined
  const then = Math.max(found.serviceMs, latency.p95 - found.savedMs)
  return {
    id: `${name}:${option === 'perHost' ? 'per-host' : option}`,
    source: name,
    severity: 'warning',
    title: `Requests of ${name} wait ${time(found.waitMs)} for one of ${limit} slots, and take ${time(found.serviceMs)}`,
    detail: `By the mean of those that wait and those that run. If the hosts get slower with more at once, use adaptive concurrency instead.`,
    evidence: {
      waiting: round(load.waiting),
      running: round(load.running),
      perSecond: round(load.perSecond),
      limit,
      p95Ms: round(latency.p95),
    },
    gain: `95th percentile ${time(latency.p95)} → ${time(then)}`,
    option: `${name}.${option}`,
    from: perHost === limit ? perHost : limit,
    to: found.to,
    predicted: { measure: 'p95Ms', now: latency.p95, expected: then },
  }
}

/** What is asked anew has not changed. */
export function fresherForLonger({ name, counts }: FetchFacts, { minSamples, minGain }: Thresholds): Recommendation | undefined {
  const asked = counts.revalidated + counts.changed
  const share = counts.revalidated / counts.requests
  if (counts.requests < minSamples || asked < minSamples / 20 || counts.revalidated < asked * 0.8 || share < minGain) return undefined
  const hits = (counts.hits + counts.stale) / counts.requests
  return {
    id: `${name}:ttl-too-short`,
    source: name,
    severity: 'warning',
    title: `${percent(counts.revalidated / asked)} of what ${name} asked anew had not changed`,
    detail:
      'The lives that the origin gives its answers (max-age), or the ttl of this client, are shorter than what they tell of stays true.',
    evidence: { requests: counts.requests, unchanged: counts.revalidated, changed: counts.changed },
    gain: `hit rate ${percent(hits)} → ${percent(hits + share)} (${points(share)})`,
    option: `${name}.ttl`,
    to: 'longer',
    predicted: { measure: 'hitRate', now: hits, expected: hits + share },
  }
}

/** Readers were given what was not true any more. */
export function staleForTooLong({ name, counts }: FetchFacts, { minSamples }: Thresholds): Recommendation | undefined {
  const asked = counts.revalidated + counts.changed
  if (counts.stale < minSamples / 20 || asked < minSamples / 20 || counts.changed < asked * 0.8) return undefined
  return {
    id: `${name}:ttl-too-long`,
    source: name,
    severity: 'warning',
    title: `${percent(counts.changed / asked)} of what ${name} asked anew had changed, and ${counts.stale} readers were given the old`,
    evidence: { stale: counts.stale, unchanged: counts.revalidated, changed: counts.changed },
    gain: 'readers see changes sooner',
    option: `${name}.staleWhileRevalidate`,
    to: 'shorter',
  }
}

/** Retries make a bad day worse. */
export function retryBudget({ name, counts }: FetchFacts, { minSamples }: Thresholds): Recommendation | undefined {
  if (counts.sent < minSamples / 10 || counts.retries < counts.sent * 0.2) return undefined
  const failures = Object.values(counts.failures).reduce((sum, count) => sum + count, 0)
  return {
    id: `${name}:retries`,
    source: name,
    severity: 'warning',
    title: `${percent(counts.retries / counts.sent)} of what ${name} sends are retries`,
    detail:
      'A budget lets retries help with single failures, and stops them when everything fails; a circuit breaker leaves the host alone.',
    evidence: { sent: counts.sent, retries: counts.retries, failures, requests: counts.requests },
    gain: `up to ${counts.retries} requests to hosts that are in trouble`,
    option: `${name}.retry.budget`,
    to: 0.2,
  }
}

/** A few answers take many times as long as the rest. */
export function hedge({ name, now: { latency }, counts }: FetchFacts, { minSamples }: Thresholds): Recommendation | undefined {
  if (latency === undefined || counts.sent < minSamples || latency.p99 < latency.p50 * 8 || latency.p95 > latency.p50 * 4) return undefined
  return {
    id: `${name}:hedge`,
    source: name,
    severity: 'info',
    title: `One in a hundred requests of ${name} takes ${round(latency.p99 / latency.p50)} times the median`,
    evidence: { p50Ms: round(latency.p50), p95Ms: round(latency.p95), p99Ms: round(latency.p99), sent: counts.sent },
    gain: `99th percentile ${time(latency.p99)} → about ${time(latency.p95 * 2)}, for 5 % more requests`,
    option: `${name}.hedge`,
    from: 'off',
    to: '{}',
  }
}
