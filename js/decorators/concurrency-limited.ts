/** How many calls run at the same time. */

import { systemClock } from '../clock.ts'
import { driverOf } from '../core/driver.ts'
import { ScheduleCore } from '../core/schedule-core.ts'
import type { ScheduledTask, TaskLimits } from '../core/schedule-types.ts'
import { type CoreTrappedError, InvalidArgumentError, ShelflifeError } from '../errors.ts'
import { wholeNumber } from '../options.ts'
import { type Method, nameOf } from './method.ts'

/** Options of {@link concurrencyLimited}. */
export interface ConcurrencyLimitOptions {
  /** Calls that run at the same time. */
  concurrency: number
  /** Calls that run at the same time for one key, where `key` is given. Default: `concurrency`. */
  perKey?: number
  /** What calls share a limit of their own, such as the name of a host. The keys take turns. */
  key?: (...args: never) => string
  /** Calls that wait; more are refused with `ERR_QUEUE_FULL`. Default: no limit. */
  maxQueue?: number
}

const NEVER = Number.POSITIVE_INFINITY
const LIMITS: TaskLimits = { timeout: NEVER, totalTimeout: NEVER, maxRetries: 0 }
/** What the core can count. */
const MOST = 2 ** 32 - 1

/**
 * Runs at most `concurrency` calls of a method, or, as a plain wrapper, of a function at the same time; the others wait
 * in the order in which they came. All objects of a class share the limit.
 *
 * ```ts
 * class Api {
 *   \@concurrencyLimited({ concurrency: 4 }) async load(id: number) { … }
 * }
 * const get = concurrencyLimited({ concurrency: 64, perKey: 8, key: (url: string) => new URL(url).host })(download)
 * ```
 */
export function concurrencyLimited(options: ConcurrencyLimitOptions) {
  const { concurrency, key, perKey = concurrency, maxQueue = NEVER } = options ?? {}
  if (key !== undefined && typeof key !== 'function') throw new InvalidArgumentError('key', 'a function', key)
  const config = {
    concurrency: Math.min(wholeNumber(concurrency, 'concurrency'), MOST),
    perLane: Math.min(wholeNumber(perKey, 'perKey'), MOST),
    maxQueue: Math.min(wholeNumber(maxQueue, 'maxQueue', { min: 0, infinite: true }), MOST),
  }
  const unused = { initialDelay: 0, maxDelay: 0, decorrelated: false, maxRetryAfter: 0, seed: 0 }
  return <This, A extends unknown[], T>(
    fn: Method<This, A, T | Promise<T>>,
    context?: ClassMethodDecoratorContext,
  ): Method<This, A, Promise<T>> => {
    nameOf(fn, context)
    const keyOf = key as ((...args: A) => string) | undefined
    let schedule: ScheduleCore | undefined
    return function (...args) {
      schedule ??= new ScheduleCore({ ...config, ...unused }, driverOf(systemClock))
      const turns = schedule
      return new Promise((resolve, reject) => {
        const call = new Call(keyOf?.(...args) ?? '', turns, async () => fn.apply(this, args), { resolve, reject })
        if (turns.submit(call, LIMITS) !== 'in')
          reject(new ShelflifeError('ERR_QUEUE_FULL', `the queue is full: ${maxQueue} calls wait`, { retryable: true }))
      })
    }
  }
}

/** One call, which waits for its turn and then runs. */
class Call<T> implements ScheduledTask {
  readonly key: string
  token = -1
  readonly #schedule: ScheduleCore
  readonly #run: () => Promise<T>
  readonly #settle: { resolve: (value: T) => void; reject: (error: unknown) => void }

  constructor(
    key: string,
    schedule: ScheduleCore,
    run: () => Promise<T>,
    settle: { resolve: (value: T) => void; reject: (error: unknown) => void },
  ) {
    this.key = key
    this.#schedule = schedule
    this.#run = run
    this.#settle = settle
  }

  start(attempt: number): void {
    const { resolve, reject } = this.#settle
    this.#run()
      .finally(() => this.#schedule.settle(this, attempt, false))
      .then(resolve, reject)
  }

  lose(error: CoreTrappedError): void {
    this.#settle.reject(error)
  }

  // Without deadlines and retries nothing is broken off.
  abort(): void {}
  expire(): void {}
}
