/** `retryBudget`: how much of the load may be second attempts. */

import type { Clock } from '../clock.ts'
import { driverOf } from '../core/driver.ts'
import { BudgetCore } from '../core/retry-core.ts'
import type { BudgetConfig } from '../core/schedule-types.ts'
import { clockOption } from '../options.ts'
import { type RetryBudgetOptions, readBudget } from './budget-options.ts'

/** A budget made by {@link retryBudget}. Several policies may share one. */
export interface RetryBudget {
  /** A first attempt was made. */
  note(): void
  /** Takes one second attempt. False when there is none. */
  spend(): boolean
  /** Second attempts that there are. */
  left(): number
}

/**
 * Makes a budget for retries and hedges: in any ten seconds at most `ratio` of the calls, and `10 · minPerSecond` more. When everything
 * fails, the load rises by a fifth and not to the fourfold.
 *
 * ```ts
 * const budget = retryBudget({ ratio: 0.1 })
 * const call = pipeline(retry({ maxRetries: 3, budget }), hedge({ delay: '200ms', budget }))
 * ```
 */
export function retryBudget(options?: RetryBudgetOptions): RetryBudget {
  return new Budget(options)
}

class Budget implements RetryBudget {
  readonly #config: BudgetConfig
  readonly #clock: Clock
  #made: BudgetCore | undefined

  constructor(options: RetryBudgetOptions | undefined) {
    this.#config = readBudget(options)
    this.#clock = clockOption(options?.clock)
  }

  note(): void {
    this.#core().note()
  }

  spend(): boolean {
    return this.#core().spend()
  }

  left(): number {
    return this.#core().left()
  }

  #core(): BudgetCore {
    this.#made ??= new BudgetCore(this.#config, driverOf(this.#clock))
    return this.#made
  }
}
