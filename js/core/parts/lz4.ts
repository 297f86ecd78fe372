/** The part of the core that makes bytes fewer. */

import { inlined } from '../../entry/inline-source.ts'
import { CorePart } from '../door.ts'
import { alphabet, text } from '../generated/lz4/inline.js'
import { __wbg_reset_state, initSync, plantTrap } from '../generated/lz4/shelflife.js'

export { Lz4Handle } from '../generated/lz4/shelflife.js'

/** See the top of this file. */
export const part = /* @__PURE__ */ new CorePart({ initSync, plantTrap, reset: __wbg_reset_state }, () => inlined(alphabet, text))
