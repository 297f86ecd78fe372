/**
 * The core in one piece, as the caller of `shelflife/slim` brings it. That build puts this file in place of all others of
 * this folder that it reaches.
 */

import { wasmSource } from '../../entry/slim-source.ts'
import { CorePart } from '../door.ts'
import { __wbg_reset_state, initSync, plantTrap } from '../generated/shelflife/shelflife.js'

export {
  AdaptiveHandle,
  BackoffHandle,
  BatchMachine,
  BreakerHandle,
  BudgetHandle,
  CacheHandle,
  CurveHandle,
  HedgeHandle,
  LimiterHandle,
  MetricsMachine,
  QueueHandle,
  ScheduleHandle,
} from '../generated/shelflife/shelflife.js'

/** See the top of this file. */
export const part = /* @__PURE__ */ new CorePart({ initSync, plantTrap, reset: __wbg_reset_state }, wasmSource)
