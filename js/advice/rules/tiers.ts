/** Whether the tiers of a cache do it any good. */

import type { CacheTierStats } from '../../cache/types.ts'
import type { CacheFacts, Thresholds } from '../facts.ts'
import type { Recommendation } from '../types.ts'
import { bytes, percent, round } from '../words.ts'

/** Below so many bytes compression has not shown what it can do. */
const BYTES_TO_JUDGE = 100_000

/** One word on each tier at most: the worst. */
export function tiers(facts: CacheFacts, thresholds: Thresholds): Recommendation[] {
  const { loading } = facts
  if (loading === undefined) return []
  return loading.now.tiers.flatMap((now, at) => {
    const counts = loading.counts.tiers[at]
    if (counts === undefined) return []
    const rules = [off, failing, compression, asked]
    for (const rule of rules) {
      const found = rule(facts.name, now, counts, thresholds)
      if (found !== undefined) return [found]
    }
    return []
  })
}

type TierRule = (cache: string, now: CacheTierStats, counts: CacheTierStats, thresholds: Thresholds) => Recommendation | undefined

const off: TierRule = (cache, now) => {
  if (now.state !== 'off' && now.state !== 'read-only') return undefined
  return {
    id: `${cache}.${now.name}:${now.state}`,
    source: cache,
    severity: 'critical',
    title: `The tier ${now.name} of ${cache} is ${now.state}`,
    detail: now.reason ?? '',
    evidence: { state: now.state, dropped: now.dropped, ...now.errors },
    gain: 'what it had, after the next start',
    option: `${cache}.tiers.${now.name}`,
  }
}

const failing: TierRule = (cache, now, counts, { minSamples }) => {
  const failures = Object.values(counts.errors).reduce((sum, count) => sum + count, 0)
  const asks = counts.hits + counts.misses
  if (asks < minSamples || failures < asks / 50) return undefined
  return {
    id: `${cache}.${now.name}:failing`,
    source: cache,
    severity: 'warning',
    title: `The tier ${now.name} of ${cache} fails ${percent(failures / asks)} of the time`,
    evidence: { asks, failures, ...counts.errors },
    gain: 'reads that it could answer, and the time they wait for it',
    option: `${cache}.tiers.${now.name}`,
  }
}

const compression: TierRule = (cache, now, { compressed }) => {
  if (compressed === undefined || compressed.before < BYTES_TO_JUDGE || compressed.after < compressed.before * 0.95) return undefined
  return {
    id: `${cache}.${now.name}:compression`,
    source: cache,
    severity: 'info',
    title: `Compression does not pay in the tier ${now.name} of ${cache}`,
    evidence: { bytesBefore: compressed.before, bytesAfter: compressed.after, ratio: round(compressed.after / compressed.before) },
    gain: `${bytes(compressed.before)} were compressed to save ${bytes(compressed.before - compressed.after)}`,
    option: `${cache}.tiers.${now.name}.compression`,
    from: 'on',
    to: 'none',
  }
}

const asked: TierRule = (cache, now, { hits, misses }, { minSamples }) => {
  const asks = hits + misses
  if (asks < minSamples || hits >= asks / 100) return undefined
  return {
    id: `${cache}.${now.name}:unused`,
    source: cache,
    severity: 'info',
    title: `The tier ${now.name} of ${cache} had ${percent(hits / asks)} of what it was asked for`,
    detail: 'Unless the program has only just started with it, its entries are older or fewer than what is asked for.',
    evidence: { asks, hits, entries: now.entries, bytes: now.bytes },
    gain: `${asks - hits} reads would not have gone by it`,
    option: `${cache}.tiers.${now.name}`,
    from: 'a tier',
    to: 'none, or a larger one',
  }
}
