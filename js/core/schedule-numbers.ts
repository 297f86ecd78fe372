/** What the numbers of the core stand for, in schedules and their parts; see `src/wasm/numbers.rs`. */

import type { BreakerCause, BreakerState, Verdict } from './breaker-core.ts'
import type { Deadline, Ending, LimitReason, Load, ScheduleOutlook, Spent } from './schedule-types.ts'

export const DEADLINES: readonly Deadline[] = ['queue', 'attempt', 'total', 'wait', 'room']
export const ENDINGS: readonly Ending[] = ['final', 'exhausted', 'no-time-left', 'pause-too-long', 'circuit-open', 'budget-spent']
export const STATES: readonly BreakerState[] = ['closed', 'open', 'half-open', 'isolated']
export const REASONS: readonly LimitReason[] = ['overload', 'unhealthy-latency', 'queueing', 'headroom', 'unused', 'probe', 'probed']
export const STANDINGS = ['queued', 'running', 'sleeping'] as const
export const CAUSES: readonly (BreakerCause | undefined)[] = [undefined, 'failures', 'slow-calls', 'probes-failed', 'probes-passed']
export const LOADS: Record<Load, number> = { served: 0, overload: 1, ignored: 2 }
export const VERDICTS: Record<Verdict, number> = { success: 0, failure: 1, ignored: 2 }

/** Where the time of a task went. */
export function spentAt(numbers: Float64Array, at: number): Spent {
  const number = (index: number) => numbers[at + index] as number
  return { attempts: number(0), queue: number(1), running: number(2), backoff: number(3), rate: number(4) }
}

/** What of an outlook the core answers with. */
export function outlookOf(
  numbers: Float64Array,
): Pick<ScheduleOutlook, 'lane' | 'running' | 'rateWait' | 'retriesLeft' | 'heldUntil' | 'shutUntil'> {
  const number = (index: number) => numbers[index] as number
  const time = (index: number) => (number(index) < 0 ? undefined : number(index))
  const lane = { running: number(0), queued: number(1) }
  return { lane, running: number(2), heldUntil: time(3), shutUntil: time(4), rateWait: number(5), retriesLeft: number(6) }
}
