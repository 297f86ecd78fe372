/** What becomes of a request that the schedule refuses or ends, and what an answer says to it. */

import type { Verdict } from '../core/breaker-core.ts'
import type { Deadline, Load, Submitted } from '../core/schedule-types.ts'
import { QueueFullError, type ShelflifeError, type TimeoutPhase } from '../errors.ts'
import { RateLimitedError } from '../limits/errors.ts'
import { CircuitOpenError } from '../policies/errors.ts'
import type { Desk } from './desk.ts'

/** The error of a request to `host` that was not let in. */
export function refusalOf(submitted: Exclude<Submitted, 'in'>, host: string, desk: Desk): ShelflifeError {
  if (submitted === 'queue-full') return new QueueFullError(desk.maxQueue)
  if ('retryAt' in submitted) return leftAlone(submitted.retryAt, host, desk)
  return new RateLimitedError(desk.name, 'wait', submitted.retryAfterMs)
}

/** `host` is left alone until then, on the driver's timeline. */
export function leftAlone(retryAt: number, host: string, { name, clock, driver }: Desk): CircuitOpenError {
  return new CircuitOpenError(name, host, retryAt + clock.wall() - driver.now(), clock.wall())
}

/** Which wait a deadline ended. A request waits in the queue for as long as it may in all. */
export function phaseOf(deadline: Deadline): TimeoutPhase {
  return deadline === 'attempt' || deadline === 'total' ? deadline : 'queue'
}

/** What a status says about how many requests at once its host can bear. */
export function loadOf(status: number): Load {
  if (status === 429 || status === 503) return 'overload'
  return status >= 500 ? 'ignored' : 'served'
}

/** What a status says about the health of its host: a server that asks for a pause is well. */
export function verdictOn(status: number): Verdict {
  if (status === 429) return 'ignored'
  return status >= 500 ? 'failure' : 'success'
}
