/** Whether memory gets scarce, and who could give some back. */

import type { MemoryReading } from '../../governor/types.ts'
import type { CacheFacts } from '../facts.ts'
import type { Recommendation } from '../types.ts'
import { bytes, percent, round } from '../words.ts'

/** From this share of a limit on memory is scarce; where a governor begins, too. */
const SCARCE = 0.8
/** A cache of fewer entries is not what fills a heap. */
const MANY = 1000

/** Memory is scarce, and nobody makes caches give some back. */
export function governor(
  readings: readonly MemoryReading[],
  caches: readonly CacheFacts[],
  isGoverned: boolean,
): Recommendation | undefined {
  const scarce = readings.find(({ used, limit }) => used >= limit * SCARCE)
  if (scarce === undefined || isGoverned || caches.length === 0) return undefined
  return {
    id: 'memory:governor',
    source: 'memory',
    severity: 'critical',
    title: `${percent(scarce.used / scarce.limit)} of the ${scarce.kind} is in use`,
    detail: 'createMemoryGovernor lets caches give something back before the process ends for want of memory.',
    evidence: { kind: scarce.kind, usedBytes: scarce.used, limitBytes: scarce.limit, ratio: round(scarce.used / scarce.limit) },
    gain: `${bytes(scarce.limit - scarce.used)} are left`,
    option: 'createMemoryGovernor',
    from: 'none',
    to: caches.map(({ name }) => name).join(', '),
  }
}

/** A cache that counts entries only, where memory gets scarce. */
export function sizeLimit(readings: readonly MemoryReading[], { name, now }: CacheFacts): Recommendation | undefined {
  const fullest = readings.reduce<MemoryReading | undefined>(
    (most, one) => (most && most.used / most.limit >= one.used / one.limit ? most : one),
    undefined,
  )
  if (fullest === undefined || fullest.used < fullest.limit * (SCARCE - 0.1) || now.sizeUnit !== 'none' || now.entries < MANY)
    return undefined
  return {
    id: `${name}:size-limit`,
    source: name,
    severity: 'warning',
    title: `${name} has ${now.entries} entries of unknown size, and ${percent(fullest.used / fullest.limit)} of the ${fullest.kind} is in use`,
    detail: 'With maxSize the bytes of its entries are estimated and limited.',
    evidence: { entries: now.entries, max: now.max, usedBytes: fullest.used, limitBytes: fullest.limit },
    gain: 'a limit that holds, whatever the values',
    option: `${name}.maxSize`,
    from: 'none',
    to: bytes(fullest.limit / 10),
  }
}
