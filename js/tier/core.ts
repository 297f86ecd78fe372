/** What a tier needs of the core. */

import type { Alarm, Driver } from '../core/driver.ts'
import type { SegmentsCore } from '../core/segments-core.ts'

/**
 * Timers and the directory machine, lent by whoever opens the tier: a store's module carries no core of its own, so
 * that it goes with `shelflife` and with `shelflife/slim` alike, and a cache without a store carries no tier.
 */
export interface TierCore {
  readonly driver: Driver
  readonly Alarm: typeof Alarm
  readonly SegmentsCore: typeof SegmentsCore
}
