/** Lends timers to tiers. */

import type { Clock } from '../clock.ts'
import type { StoreContext } from '../stores/tier.ts'
import { Alarm, driverOf } from './driver.ts'

/** What opens a store's tier on `clock`. */
export function storeContext(clock: Clock): StoreContext {
  return { clock, core: { driver: driverOf(clock), Alarm } }
}
