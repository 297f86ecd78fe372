/** The part of the core that knows how a run over many items goes on. */

import { inlined } from '../../entry/inline-source.ts'
import { CorePart } from '../door.ts'
import { alphabet, text } from '../generated/batch/inline.js'
import { __wbg_reset_state, initSync, plantTrap } from '../generated/batch/shelflife.js'

export { BatchMachine } from '../generated/batch/shelflife.js'

/** See the top of this file. */
export const part = /* @__PURE__ */ new CorePart({ initSync, plantTrap, reset: __wbg_reset_state }, () => inlined(alphabet, text))
