/** Makes stores out of media. */

import type { SegmentStore, StoreChange } from '../stores/tier.ts'
import { withBarriers } from './barrier-tier.ts'
import { QueuedTier } from './queued-tier.ts'
import { SegmentLog } from './segment-log.ts'
import type { LogCounts } from './tier-log.ts'
import { TierReader } from './tier-reader.ts'

/** A store whose tier lies over a log of segments in its medium. */
export function segmentStore(medium: Omit<SegmentStore, 'openTier'>): SegmentStore {
  const store: SegmentStore = {
    ...medium,
    openTier(context) {
      const { name, maxSize } = store
      const open = (onChange: (change: StoreChange) => void) => {
        const heard = { ...context, onChange }
        const log = (counts?: LogCounts) => new SegmentLog(store, heard, counts)
        return new QueuedTier(
          {
            name,
            maxSize,
            log: log(),
            renew: ({ counts }) => log(counts),
            reader: (queue, disown, log) => new TierReader(log as SegmentLog, queue, context.clock, disown),
          },
          heard,
        )
      }
      return withBarriers(open, context.clock, context.onChange)
    },
  }
  return store
}
