/** Whether what is kept is worth keeping. */

import type { CacheFacts, Thresholds } from '../facts.ts'
import type { Recommendation } from '../types.ts'
import { bytes, percent, points, round } from '../words.ts'

/** Much of what is stored is never read, and pushes out what is. */
export function admission(
  { name, now, memory, reads, hits, curve }: CacheFacts,
  { minSamples, minGain }: Thresholds,
): Recommendation | undefined {
  if (now.policy !== 'lru' || memory.sets < minSamples || memory.evictions === 0) return undefined
  // A hit is the first of at most one entry: so many were never read, if not more.
  const unread = 1 - memory.hits / memory.sets
  if (unread < 0.5) return undefined
  const here = curve.points.find(({ scale }) => scale === 1)?.hitRate ?? 0
  const freed = Math.min(4, 1 / (1 - unread))
  const most = curve.points.findLast(({ scale }) => scale <= freed)?.hitRate ?? here
  if (most - here < minGain) return undefined
  return {
    id: `${name}:policy`,
    source: name,
    severity: 'info',
    title: `At least ${percent(unread)} of what ${name} stored was never read`,
    detail: 'A policy that admits by frequency keeps the room for what is read again; auto watches several and follows the best.',
    evidence: { sets: memory.sets, hits: memory.hits, evictions: memory.evictions, hitRate: round(hits / reads) },
    gain: `up to ${points(most - here)} of hit rate, were none of it kept`,
    option: `${name}.policy`,
    from: 'lru',
    to: 'auto',
  }
}

/** Values are refused for their size, and asked for again. */
export function oversized({ name, now, memory, reads, hits }: CacheFacts, { minSamples, minGain }: Thresholds): Recommendation | undefined {
  if (reads < minSamples || memory.oversized < memory.sets / 100) return undefined
  const limit = Math.min(now.maxEntrySize, now.maxSize)
  // Less often than the others are found now: they take room from them.
  const gain = (memory.oversized / reads) * (hits / reads)
  if (gain < minGain) return undefined
  const mayGrow = now.maxEntrySize < now.maxSize
  return {
    id: `${name}:oversized`,
    source: name,
    severity: 'warning',
    title: `${name} refused ${memory.oversized} values for being larger than ${now.sizeUnit === 'calculated' ? limit : bytes(limit)}`,
    detail: 'Each of them is loaded again whenever it is asked for.',
    evidence: { refused: memory.oversized, sets: memory.sets, limit, reads },
    gain: `about ${points(gain)} of hit rate, if they are read as often as the rest`,
    option: `${name}.${mayGrow ? 'maxEntrySize' : 'maxSize'}`,
    from: limit,
    to: mayGrow ? now.maxSize : now.maxSize * 4,
    predicted: { measure: 'hitRate', now: hits / reads, expected: hits / reads + gain },
  }
}

/** Hardly anything is read twice. */
export function unused({ name, reads, hits, memory }: CacheFacts, { minSamples }: Thresholds): Recommendation | undefined {
  if (reads < minSamples || memory.sets < minSamples || hits / reads >= 0.02) return undefined
  return {
    id: `${name}:unused`,
    source: name,
    severity: 'info',
    title: `${name} answers ${percent(hits / reads)} of its reads`,
    detail: 'Either keys hold something that never comes again, such as a time, or nothing here is worth caching.',
    evidence: { reads, hits, sets: memory.sets },
    gain: 'the time and memory that the cache takes',
    option: `${name}`,
    from: 'a cache',
    to: 'none, or other keys',
  }
}
