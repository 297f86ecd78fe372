/** `timeout`: nobody waits longer than that. */

import type { Clock } from '../clock.ts'
import { InvalidArgumentError, TimeoutError, type TimeoutPhase } from '../errors.ts'
import { type Duration, durationMs } from '../options.ts'
import type { Context } from './context.ts'
import { Deadlines, type Due } from './deadlines.ts'
import { Layered, type Next } from './layer.ts'
import type { Policy } from './types.ts'

/** Which time is limited. Both do the same where they stand; the name is in errors. */
export type TimeoutOptions =
  /** Of everything further in: outside of `retry`. */
  | { total: Duration; clock?: Clock }
  /** Of one attempt: inside of `retry`. */
  | { attempt: Duration; clock?: Clock }

/**
 * Makes a policy that ends calls which take too long: they reject with `ERR_TIMEOUT`, and `signal` aborts. What `fn` then does is not waited
 * for. No delay of a `retry` further in begins that would last longer than this.
 *
 * ```ts
 * const call = pipeline(timeout({ total: '30s' }), retry(), timeout({ attempt: '5s' }))
 * ```
 */
export function timeout(options: Duration | TimeoutOptions): Policy {
  const isPlain = typeof options !== 'object' || options === null
  const { total, attempt, clock } = (isPlain ? { total: options } : options) as { total?: Duration; attempt?: Duration; clock?: Clock }
  if (!isPlain && (total === undefined) === (attempt === undefined))
    throw new InvalidArgumentError('options', 'a duration, { total } or { attempt }', options)
  return attempt === undefined
    ? new Timeout(durationMs(total, isPlain ? 'duration' : 'total'), 'total', clock)
    : new Timeout(durationMs(attempt, 'attempt'), 'attempt', clock)
}

class Timeout extends Layered {
  override readonly policy: string = 'timeout'
  readonly #ms: number
  readonly #phase: TimeoutPhase
  readonly #deadlines: Deadlines

  constructor(ms: number, phase: TimeoutPhase, clock: Clock | undefined) {
    super(clock)
    this.#ms = ms
    this.#phase = phase
    this.#deadlines = new Deadlines(this.driver, ms)
  }

  run<T>(context: Context, next: Next<T>): Promise<T> {
    if (this.#ms === Number.POSITIVE_INFINITY) return next(context)
    const now = this.driver.now()
    const call = new TimedCall(context.child({ endsAt: now + this.#ms, canEnd: true }), this.#phase, this.#ms)
    this.#deadlines.add(call, now)
    return next(call.context).then(
      value => {
        this.#deadlines.remove(call)
        return value
      },
      error => {
        this.#deadlines.remove(call)
        throw error
      },
    )
  }
}

class TimedCall implements Due {
  at = 0
  before: Due | undefined
  after: Due | undefined
  readonly context: Context
  readonly #phase: TimeoutPhase
  readonly #ms: number

  constructor(context: Context, phase: TimeoutPhase, ms: number) {
    this.context = context
    this.#phase = phase
    this.#ms = ms
  }

  expire(): void {
    this.context.aborted(new TimeoutError(this.#phase, this.#ms))
  }
}
