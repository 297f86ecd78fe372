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
