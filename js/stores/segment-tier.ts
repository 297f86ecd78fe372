/** A {@link Tier} over a log of segments. */

import { ShelflifeError } from '../errors.ts'
import type { Store, StoreContext, Tier } from './tier.ts'

/** The tier that `store` describes. Opens nothing yet: call `open()`. */
export function openTier(store: Store, context: StoreContext): Tier {
  if ('openTier' in store) return store.openTier(context)
  throw new ShelflifeError('ERR_STORE', 'not here yet')
}
