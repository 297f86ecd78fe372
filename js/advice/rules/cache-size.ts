/** Whether a cache has the size that it should have, by its miss-ratio curve. */

import type { MissRatioPoint } from '../../cache/memory-types.ts'
import { type CacheFacts, enough, type Thresholds } from '../facts.ts'
import type { Recommendation } from '../types.ts'
import { percent, points, round } from '../words.ts'

/** More room would answer more reads. */
export function largerCache(facts: CacheFacts, { minSamples, minGain }: Thresholds): Recommendation | undefined {
  const { curve, memory } = facts
  const here = curve.points.find(({ scale }) => scale === 1)
  if (here === undefined || curve.reads < minSamples || memory.evictions === 0) return undefined
  const larger = curve.points.filter(({ scale }) => scale > 1)
  const best = Math.max(...larger.map(({ hitRate }) => hitRate))
  const found = enough(larger, best, here.hitRate)
  if (found === undefined || found.hitRate - here.hitRate < minGain) return undefined
  const gain = found.hitRate - here.hitRate
  return {
    ...resized(facts, here, found),
    id: `${facts.name}:larger`,
    severity: gain >= 0.1 ? 'critical' : 'warning',
    title: `${facts.name} is too small: ${memory.evictions} entries left for want of room`,
    detail: 'Of a sample of its keys it is known how long ago each was used before, and so what a larger cache would have had.',
    gain: `hit rate ${percent(here.hitRate)} → ${percent(found.hitRate)} (${points(gain)})`,
    predicted: { measure: 'hitRate', now: here.hitRate, expected: found.hitRate },
  }
}

/** Less room would do as well. */
export function smallerCache(facts: CacheFacts, { minSamples }: Thresholds): Recommendation | undefined {
  const { curve, now } = facts
  const here = curve.points.find(({ scale }) => scale === 1)
  // Where nothing is found, its size is not what is wrong.
  if (here === undefined || curve.reads < minSamples || here.hitRate < 0.02) return undefined
  const found = curve.points.find(({ scale, hitRate }) => scale < 1 && hitRate >= here.hitRate - 0.002)
  // What is not full has nothing to give back yet.
  const filled = Math.max(now.entries / now.max, Number.isFinite(now.maxSize) ? now.size / now.maxSize : 0)
  if (found === undefined || filled <= found.scale) return undefined
  return {
    ...resized(facts, here, found),
    id: `${facts.name}:smaller`,
    severity: 'info',
    title: `${facts.name} would do with ${percent(found.scale)} of its room`,
    gain: `${percent(1 - found.scale)} of its memory back, for ${points(found.hitRate - here.hitRate)} of hit rate`,
    predicted: { measure: 'hitRate', now: here.hitRate, expected: found.hitRate },
  }
}

/** The limit that decides, and how to change it. */
function resized({ name, handle, memory, now, curve }: CacheFacts, here: MissRatioPoint, to: MissRatioPoint) {
  const bySize = Number.isFinite(now.maxSize) && memory.evictionsByReason.size > memory.evictionsByReason.max
  const option = bySize ? ('maxSize' as const) : ('max' as const)
  const { max, maxSize } = now
  // Both limits move together: the other one would be the next to be reached.
  const limits = (scale: number) => ({
    max: Math.max(1, Math.round(max * scale)),
    ...(Number.isFinite(maxSize) && { maxSize: Math.max(1, Math.round(maxSize * scale)) }),
  })
  return {
    source: name,
    option: `${name}.${option}`,
    from: here[option],
    to: to[option],
    evidence: {
      reads: curve.reads,
      evictions: memory.evictions,
      entries: now.entries,
      ...Object.fromEntries(curve.points.map(point => [`hit rate at ${point.scale}x`, round(point.hitRate)])),
    },
    apply: (value = to[option]) => {
      handle.resize?.(limits(value / here[option]))
      return () => handle.resize?.(limits(1))
    },
  }
}
