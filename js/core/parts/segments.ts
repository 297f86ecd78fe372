/** The part of the core that knows where a log of segments has its keys. */

import { inlined } from '../../entry/inline-source.ts'
import { CorePart } from '../door.ts'
import { alphabet, text } from '../generated/segments/inline.js'
import { __wbg_reset_state, initSync, plantTrap } from '../generated/segments/shelflife.js'

export { SegmentsHandle } from '../generated/segments/shelflife.js'

/** See the top of this file. */
export const part = /* @__PURE__ */ new CorePart({ initSync, plantTrap, reset: __wbg_reset_state }, () => inlined(alphabet, text))
