/** Makes stores out of media. */

import type { SegmentStore } from '../stores/tier.ts'
import { withBarriers } from './barrier-tier.ts'
import { QueuedTier } from './queued-tier.ts'
import { SegmentLog } from './segment-log.ts'
import { TierReader } from './tier-reader.ts'

/** A store whose tier lies over a log of segments in its medium. */
export function segmentStore(medium: Omit<SegmentStore, 'openTier'>): SegmentStore {
  const store: SegmentStore = {
    ...medium,
    openTier(context) {
      const log = new SegmentLog(store, context)
      const { name, maxSize } = store
      const reader = (queue: ConstructorParameters<typeof TierReader>[1], disown: (key: string) => void) =>
        new TierReader(log, queue, context.clock, disown)
      return withBarriers(new QueuedTier({ name, maxSize, log, reader }, context), context.clock)
    },
  }
  return store
}
