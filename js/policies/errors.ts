/** The errors of policies. */

import { ShelflifeError } from '../errors.ts'

/** A circuit breaker did not let the call through. Nothing was called. */
export class CircuitOpenError extends ShelflifeError {
  override readonly name: string = 'CircuitOpenError'
  /** When a call may be let through, in milliseconds since the epoch; `Infinity` when the circuit is isolated. */
  readonly retryAt: number
  /** What the circuit stands for, such as a host; the empty string where there are no keys. */
  readonly key: string

  constructor(breaker: string, key: string, retryAt: number, now: number) {
    const which = key === '' ? breaker : `${breaker} (${key})`
    const when = retryAt === Number.POSITIVE_INFINITY ? 'it is isolated' : `try again in ${Math.max(0, Math.ceil(retryAt - now))} ms`
    super('ERR_CIRCUIT_OPEN', `circuit ${which} is open: ${when}`, { retryable: true })
    this.key = key
    this.retryAt = retryAt
  }
}

/** A bulkhead had no place for the call, and none to wait in, or did not have one in time. Nothing was called. */
export class BulkheadFullError extends ShelflifeError {
  override readonly name: string = 'BulkheadFullError'
  /** `'queue'`: as many wait as may. `'wait'`: it has waited for `maxWait`. `'dropped'`: a newer call took its place in the queue. */
  readonly reason: 'queue' | 'wait' | 'dropped'

  constructor(bulkhead: string, reason: 'queue' | 'wait' | 'dropped', maxQueue: number, maxWait: number) {
    const whys = {
      queue: `${maxQueue} calls wait`,
      wait: `it has waited for ${maxWait} ms`,
      dropped: 'a newer call took its place in the queue',
    }
    super('ERR_QUEUE_FULL', `bulkhead ${bulkhead} is full: ${whys[reason]}`, { retryable: true })
    this.reason = reason
  }
}
