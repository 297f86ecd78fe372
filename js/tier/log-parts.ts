/** What the parts of a log of segments share: the medium, the directory of what is in it, and what is known of payloads. */

import type { Clock } from '../clock.ts'
import { isShelflifeError } from '../errors.ts'
import type { PackedSegment } from '../stores/directory.ts'
import type { Durability, SegmentMedium } from '../stores/segment-medium.ts'
import type { SegmentStore, StoreChange, StoreContext } from '../stores/tier.ts'
import type { TierCore } from './core.ts'
import { pause, WRITE_MS, withDeadline } from './deadlines.ts'
import { KeyDirectory } from './key-directory.ts'
import { Press } from './press.ts'
import { RecentPayloads } from './recent-payloads.ts'
import { keyOfEntry } from './records.ts'
import type { LogCounts, LogSizes } from './tier-log.ts'

/** Beyond what any medium holds, and exact in a number: a budget that never ends. */
const NO_LIMIT = 2 ** 53

/** See the top of this file. */
export class LogParts {
  readonly medium: SegmentMedium
  readonly clock: Clock
  readonly core: TierCore
  readonly counts: LogCounts
  readonly directory: KeyDirectory
  /** Budget in bytes. */
  readonly maxSize: number
  readonly recent = new RecentPayloads()
  readonly press: Press
  readonly onChange: ((change: StoreChange) => void) | undefined
  /** Whether the entry that lies under a key is in use. Nobody knows where it is left out. */
  readonly isInUse: ((key: string) => boolean) | undefined
  /** Rises when everything is forgotten, so that what was under way knows that it is too late. */
  epoch = 0
  /** Everything in the medium was given up by somebody else, and the directory does not know yet. */
  isForgotten = false
  /** The medium may hold what the directory knows nothing of: it is read anew, or what was forgotten is not removed yet, or could not be. */
  mayHoldMore = false
  /** The last id that we have used up ourselves without giving it to a segment. */
  usedUp = 0
  isClosed = false

  constructor(store: SegmentStore, context: StoreContext, counts: LogCounts) {
    this.counts = counts
    this.onChange = context.onChange
    const { isInUse } = context
    this.isInUse = isInUse && (key => isInUse(keyOfEntry(key)))
    this.medium = store.openMedium({
      ...context,
      count: kind => this.count(kind),
      forgotten: () => {
        this.isForgotten = true
      },
      pause: ms => pause(context.core, ms),
    })
    this.clock = context.clock
    this.core = context.core
    this.press = new Press(store.compression, counts)
    this.maxSize = Math.min(store.maxSize, NO_LIMIT)
    this.directory = new KeyDirectory(this.maxSize)
  }

  get sizes(): LogSizes {
    return this.isClosed || this.directory.lost ? { entries: 0, segments: 0, bytes: 0, liveBytes: 0 } : this.directory.sizes
  }

  /** The youngest id that is known. */
  get last(): number {
    return Math.max(this.directory.last, this.usedUp)
  }

  /** Nothing is known any more of what is in the medium. */
  forget(): void {
    this.recent.clear()
    this.press.clear()
    if (this.directory.lost) this.directory.renew()
    this.directory.clear()
  }

  /** Empties the medium. */
  async clear(): Promise<void> {
    await withDeadline(this.core, WRITE_MS, call => this.medium.clear(call))
    this.mayHoldMore = false
    this.usedUp = this.medium.usedUp ?? 0
  }

  /** Counts a failure. */
  count(kind: string): void {
    this.counts.errors.set(kind, (this.counts.errors.get(kind) ?? 0) + 1)
  }

  /** A segment is in the medium. */
  commit(id: number, segment: PackedSegment): void {
    this.press.noteOwn(id, segment)
    this.directory.add(id, this.weigh(segment), segment)
  }

  weigh({ directory, payload }: PackedSegment): number {
    return directory.length + payload.length + this.medium.overhead
  }

  /** How lines are written anew whose old place goes after that: what was durable must stay so. */
  get again(): Durability {
    return this.medium.isOrdered === true ? 'stored' : 'durable'
  }
}

/** False for a lack of room, and otherwise the error. */
export function isNotForRoom(error: unknown): false {
  if (isShelflifeError(error) && error.code === 'ERR_QUOTA') return false
  throw error
}
