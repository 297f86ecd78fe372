/** What lies below a write queue: something that keeps entries and is told of writes in batches. */

import { isShelflifeError } from '../errors.ts'
import type { Outgoing } from '../stores/directory.ts'
import type { Durability } from '../stores/segment-medium.ts'
import type { Room } from '../stores/tier.ts'

/** What happens below, counted. */
export interface LogCounts {
  reads: number
  reclaimed: number
  compactions: number
  errors: Map<string, number>
  /** Bytes of values before and after compression. */
  compressed?: { before: number; after: number }
}

/** Sizes as of now, in bytes of the medium. */
export interface LogSizes {
  readonly entries: number
  readonly segments: number
  readonly bytes: number
  readonly liveBytes: number
}

/** See the top of this file. */
export interface TierLog {
  /** Whether this process may write. Known when it is open. */
  readonly writable: boolean
  /** Why it may not, if it may not. */
  readonly whyReadOnly: string
  /** Rises when everything is forgotten, so that what was under way knows that it is too late. */
  readonly epoch: number
  readonly counts: LogCounts
  readonly sizes: LogSizes
  /** What was written last, as far as is known; left out where others who write are heard of even by who was away. */
  readonly last?: number | undefined
  /** Bytes that one {@link append} should not exceed, unless one value does. */
  readonly roundBytes: number
  /** Whether {@link append} is to be given values as text, where that is possible. Default: as bytes. */
  readonly takesText?: boolean
  /** Runs `work` when all earlier work is done. */
  inTurn<T>(work: () => Promise<T>): Promise<T>
  open(): Promise<void>
  /** Where somebody else writes: reads what is new, and tries to take their place. Whether that went well. */
  takeOver?(): Promise<boolean>
  /** For each key, whether a read would find it; as of now, though the answer may take its time. Never rejects. */
  has(keys: readonly string[]): readonly boolean[] | Promise<readonly boolean[]>
  /** As many of the keys that are `wanted` as there is room for, the latest first. */
  recent?(most: Room, wanted: (key: string) => boolean): Promise<string[]>
  /** Whether there may be anything of `key`, so that its deletion has to be written. */
  knows(key: string): boolean
  /** Hides `key` without writing, as long as this log is open or until it is written anew. */
  hide(key: string): void
  /** Takes the writes, all or none of them. Only in turn. */
  append(batch: readonly Outgoing[], durability: Durability): Promise<void>
  /** Tidies up after an {@link append}. Only in turn. */
  compact(): Promise<void>
  /** Forgets everything at once; the medium follows, once it is `ready`. */
  clear(ready: () => Promise<void>): Promise<void>
  /** The right to do for all who write here what `name` says; see `Tier.lock`. */
  lock?(name: string, signal: () => AbortSignal): Promise<(() => void) | undefined> | undefined
  close(): Promise<void>
  /** Counts a failure. */
  count(kind: string): void
  /** By what name a failed {@link append} is counted. */
  kindOf(error: unknown): string
  /** Whether it is of no use to try the same again soon. */
  isFinal(error: unknown): boolean
  /** Whether nothing can be written any more, after a failure that did not go away. */
  isFatal(error: unknown): boolean
}

/** By what name a failure is counted, going by its code. */
export function kindOf(error: unknown): string {
  if (!isShelflifeError(error)) return 'write'
  return error.code === 'ERR_QUOTA' ? 'quota' : error.code === 'ERR_TIMEOUT' ? 'timeout' : 'write'
}
