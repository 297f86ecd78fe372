/** Whether a queue lets enough run at once. */

import type { Handle } from '../account.ts'
import type { Load, Thresholds } from '../facts.ts'
import type { Recommendation } from '../types.ts'
import { round, time } from '../words.ts'
import { roomier } from './load.ts'

/** Tasks wait longer than they take. */
export function queueWaits(
  name: string,
  handle: Handle,
  load: Load,
  ended: number,
  { minSamples }: Thresholds,
): Recommendation | undefined {
  const limit = handle.concurrency
  if (limit === undefined || ended < minSamples / 10) return undefined
  const found = roomier(load, limit)
  if (found === undefined || found.savedMs < found.serviceMs / 4) return undefined
  const nowMs = found.waitMs + found.serviceMs
  return {
    id: `${name}:concurrency`,
    source: name,
    severity: 'warning',
    title: `Tasks of ${name} wait ${time(found.waitMs)} and run ${time(found.serviceMs)}`,
    detail: 'Of use where tasks wait for something else; tasks that compute only share the processor.',
    evidence: { waiting: round(load.waiting), running: round(load.running), perSecond: round(load.perSecond), limit },
    gain: `from call to end ${time(nowMs)} → ${time(nowMs - found.savedMs)} in the mean`,
    option: `${name}.concurrency`,
    from: limit,
    to: found.to,
    predicted: { measure: 'meanMs', now: nowMs, expected: nowMs - found.savedMs },
    apply: (to = found.to) => {
      handle.concurrency = to
      return () => {
        handle.concurrency = limit
      }
    },
  }
}
