/** The errors of limits. */

import { ShelflifeError } from '../errors.ts'

/** A call came more often than the limit allows, and could not wait for its turn. It took nothing from the limit. */
export class RateLimitedError extends ShelflifeError {
  override readonly name: string = 'RateLimitedError'
  /** After how many milliseconds the call would have had its turn. */
  readonly retryAfterMs: number
  /** `'wait'`: longer than `maxWait`. `'queue'`: as many wait as `maxQueue` allows. */
  readonly reason: 'wait' | 'queue'

  constructor(limiter: string, reason: 'wait' | 'queue', retryAfterMs: number) {
    const why = reason === 'wait' ? 'its turn comes later than maxWait allows' : 'as many wait as maxQueue allows'
    super('ERR_RATE_LIMITED', `rate limit ${limiter}: ${why}; try again in ${Math.ceil(retryAfterMs)} ms`, { retryable: true })
    this.reason = reason
    this.retryAfterMs = retryAfterMs
  }
}
