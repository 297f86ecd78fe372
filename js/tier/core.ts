/** What a tier needs of whoever opens it. */

import type { Alarm, Driver } from '../core/driver.ts'

/**
 * Timers, lent so that one clock has one driver: `shelflife/slim`, which is built apart, has a driver of its own. The directory
 * machine is not lent: a store's module carries it, so that a cache without a store carries neither.
 */
export interface TierCore {
  readonly driver: Driver
  readonly Alarm: typeof Alarm
}
