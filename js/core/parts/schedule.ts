/** The part of the core that knows what may run now. */

import { inlined } from '../../entry/inline-source.ts'
import { CorePart } from '../door.ts'
import { alphabet, text } from '../generated/schedule/inline.js'
import { __wbg_reset_state, initSync, plantTrap } from '../generated/schedule/shelflife.js'

export {
  AdaptiveHandle,
  BackoffHandle,
  BreakerHandle,
  BudgetHandle,
  HedgeHandle,
  LimiterHandle,
  QueueHandle,
  ScheduleHandle,
} from '../generated/schedule/shelflife.js'

/** See the top of this file. */
export const part = /* @__PURE__ */ new CorePart({ initSync, plantTrap, reset: __wbg_reset_state }, () => inlined(alphabet, text))
