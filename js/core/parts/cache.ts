/** The part of the core that knows what a cache keeps. */

import { inlined } from '../../entry/inline-source.ts'
import { CorePart } from '../door.ts'
import { alphabet, text } from '../generated/cache/inline.js'
import { __wbg_reset_state, initSync, plantTrap } from '../generated/cache/shelflife.js'

export { CacheHandle, CurveHandle } from '../generated/cache/shelflife.js'

/** See the top of this file. */
export const part = /* @__PURE__ */ new CorePart({ initSync, plantTrap, reset: __wbg_reset_state }, () => inlined(alphabet, text))
