/** The options of retry budgets, and how they are read. */

import type { Clock } from '../clock.ts'
import type { BudgetConfig } from '../core/schedule-types.ts'
import { optionsObject, ratio, wholeNumber } from '../options.ts'

/** How much. */
export interface RetryBudgetOptions {
  /** Second attempts for each call of the last ten seconds. Default: 0.2. */
  ratio?: number
  /** That many in each second whatever the calls, for those who call rarely. Default: 3. */
  minPerSecond?: number
  /** The source of time. Default: {@link systemClock}. */
  clock?: Clock
}

/** Reads the options of a budget. `prefix` stands before their names in errors. */
export function readBudget(given: RetryBudgetOptions | undefined, prefix = ''): BudgetConfig {
  const options: RetryBudgetOptions = optionsObject(given, prefix.slice(0, -1) || 'options')
  const minPerSecond = wholeNumber(options.minPerSecond ?? 3, `${prefix}minPerSecond`, { min: 0 })
  return { ratio: ratio(options.ratio ?? 0.2, `${prefix}ratio`), minPerSecond: Math.min(minPerSecond, 2 ** 32 - 1) }
}
