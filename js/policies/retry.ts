/** `retry`: tries again what may succeed later. */

import type { Clock } from '../clock.ts'
import { BackoffCore } from '../core/retry-core.ts'
import type { BackoffConfig } from '../core/schedule-types.ts'
import { InvalidArgumentError, isShelflifeError } from '../errors.ts'
import { type Duration, durationOrZeroMs, optionalFunction, optionalWith, optionsObject, wholeNumber } from '../options.ts'
import { report } from '../report.ts'
import type { RetryBudgetOptions } from './budget-options.ts'
import type { Context } from './context.ts'
import { called, Layered, type Next } from './layer.ts'
import { type RetryBudget, retryBudget } from './retry-budget.ts'
import { sleepUntil } from './sleep.ts'
import type { Policy } from './types.ts'

/** An attempt that failed, and will be followed by another. */
export interface RetryEvent {
  readonly error: unknown
  /** The number of the attempt that failed, from 1. */
  readonly attempt: number
  /** How long until the next one, in milliseconds. */
  readonly delayMs: number
}

/** Options of {@link retry}. */
export interface RetryPolicyOptions {
  /** Attempts after the first. Default: 3. `Infinity`: as many as time allows. */
  maxRetries?: number
  /**
   * `'decorrelated'`: from `initialDelay` to three times the delay before; `'exponential'`: from 0 to a bound that grows by `factor`; `'none'`: that bound itself.
   * Default: `'decorrelated'`.
   */
  backoff?: 'decorrelated' | 'exponential' | 'none'
  /** The shortest delay, or the first bound. Default: 100 ms. */
  initialDelay?: Duration
  /** The longest delay. Default: 20 s. */
  maxDelay?: Duration
  /** By what the bound grows; 1: not at all. Default: 2. */
  factor?: number
  /**
   * The pause that an error asks for, in milliseconds; the delay is no shorter. Default: its `retryAfterMs`, or what is left until its `retryAt`. A pause that
   * ends after the deadline is not begun. `false`: pauses are not asked for.
   */
  retryAfter?: ((error: unknown) => number | undefined) | false
  /** How much of the load may be retries: one of {@link retryBudget}, which others may share, or its options. Default: no limit. */
  budget?: RetryBudget | RetryBudgetOptions
  /** Whether it may succeed later. Default: all may, but for errors of this package that say no (`retryable`), and open circuits. */
  shouldRetry?: (error: unknown, attempt: number) => boolean | PromiseLike<boolean>
  /** Told before each delay. */
  onRetry?: (event: RetryEvent) => void
  /** Where jitter begins; the same seed gives the same delays. Default: random. */
  seed?: number
  /** The source of time. Default: {@link systemClock}. */
  clock?: Clock
}

/**
 * Makes a policy that tries again. An abort ends a delay at once. Rejects with what the last attempt rejected with.
 *
 * ```ts
 * const user = await retry({ maxRetries: 5, budget: { ratio: 0.1 } }).execute(({ signal, attempt }) => load(1, signal), { signal })
 * ```
 */
export function retry(options: RetryPolicyOptions = {}): Policy {
  return new Retry(options)
}

class Retry extends Layered {
  override readonly policy: string = 'retry'
  readonly #maxRetries: number
  readonly #backoff: BackoffConfig
  readonly #budget: RetryBudget | undefined
  readonly #options: RetryPolicyOptions
  #delays: BackoffCore | undefined

  constructor(given: RetryPolicyOptions) {
    const options: RetryPolicyOptions = optionsObject(given, 'options')
    super(options.clock)
    const { backoff = 'decorrelated', factor = 2, shouldRetry, onRetry, retryAfter, budget } = options
    if (backoff !== 'decorrelated' && backoff !== 'exponential' && backoff !== 'none')
      throw new InvalidArgumentError('backoff', "'decorrelated', 'exponential' or 'none'", backoff)
    if (typeof factor !== 'number' || !(factor >= 1 && factor <= 1000))
      throw new InvalidArgumentError('factor', 'a number from 1 to 1000', factor)
    optionalFunction(shouldRetry, 'shouldRetry')
    optionalFunction(onRetry, 'onRetry')
    if (retryAfter !== false) optionalFunction(retryAfter, 'retryAfter')
    const initialDelay = durationOrZeroMs(options.initialDelay ?? 100, 'initialDelay')
    this.#maxRetries = wholeNumber(options.maxRetries ?? 3, 'maxRetries', { min: 0, infinite: true })
    this.#backoff = {
      initialDelay,
      maxDelay: Math.max(initialDelay, durationOrZeroMs(options.maxDelay ?? 20_000, 'maxDelay')),
      decorrelated: backoff === 'decorrelated',
      exact: backoff === 'none',
      factor,
      seed: wholeNumber(options.seed ?? Math.floor(Math.random() * Number.MAX_SAFE_INTEGER), 'seed', { min: 0 }),
    }
    this.#options = options
    this.#budget = budgetOption(budget, this.clock)
  }

  run<T>(context: Context, next: Next<T>): Promise<T> {
    this.#budget?.note()
    // The way of those that succeed is a promise and nothing else.
    return next(context).catch(error => this.#again(context, next, error))
  }

  async #again<T>(context: Context, next: Next<T>, first: unknown): Promise<T> {
    let [error, delay] = [first, 0]
    for (let attempt = 1; ; attempt += 1) {
      if (context.ended !== undefined || attempt > this.#maxRetries || !(await this.#mayRetry(context, error, attempt))) throw error
      delay = this.#core().delay(attempt, delay)
      const now = this.driver.now()
      const until = now + Math.max(delay, this.#pause(error))
      if (until >= context.endsAt || this.#budget?.spend() === false) throw error
      this.#tell({ error, attempt, delayMs: until - now })
      await sleepUntil(context, until)
      try {
        return await next(context.child({ attempt: attempt + 1 }))
      } catch (again) {
        error = again
      }
    }
  }

  #mayRetry(context: Context, error: unknown, attempt: number): boolean | PromiseLike<boolean> {
    const { shouldRetry } = this.#options
    if (shouldRetry !== undefined) return called(() => shouldRetry(error, attempt), context)
    return !isShelflifeError(error) || (error.retryable && error.code !== 'ERR_CIRCUIT_OPEN')
  }

  #pause(error: unknown): number {
    const { retryAfter } = this.#options
    if (retryAfter === false) return 0
    const { retryAfterMs, retryAt } = (error ?? {}) as { retryAfterMs?: unknown; retryAt?: unknown }
    const at = retryAt instanceof Date ? retryAt.getTime() : retryAt
    const left = typeof at === 'number' ? at - this.clock.wall() : 0
    const asked: unknown = retryAfter === undefined ? (typeof retryAfterMs === 'number' ? retryAfterMs : left) : retryAfter(error)
    return typeof asked !== 'number' || Number.isNaN(asked) ? 0 : asked
  }

  #tell(event: RetryEvent): void {
    try {
      this.#options.onRetry?.(event)
    } catch (error) {
      report(error, 'onRetry threw')
    }
  }

  #core(): BackoffCore {
    this.#delays ??= new BackoffCore(this.#backoff)
    return this.#delays
  }
}

/** A budget that was made, or one of its own. */
export function budgetOption(budget: RetryBudget | RetryBudgetOptions | undefined, clock: Clock): RetryBudget | undefined {
  if (budget === undefined) return undefined
  const given = optionsObject(budget, 'budget')
  if (typeof (given as Partial<RetryBudget>).spend !== 'function') return retryBudget({ clock, ...(given as RetryBudgetOptions) })
  return optionalWith(budget as RetryBudget, 'budget', 'a budget of retryBudget', ['note', 'spend', 'left'])
}
