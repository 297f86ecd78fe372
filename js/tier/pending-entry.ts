/** What a read finds in the write queue. */

import { decodeEntry } from '../stores/entry-bytes.ts'
import type { TierEntry } from '../stores/tier.ts'
import type { Pending } from './write-queue.ts'

/** A value that was written this far in the future, by our clock, is not believed. */
export const TOLERANCE_MS = 60_000

/** The entry that a queued write will be, unless it has expired by `wall` or is a deletion. */
export function entryOf({ bytes, expiresAt, writtenAt }: Pending, wall: number): TierEntry | undefined {
  if (bytes === undefined || expiresAt <= wall || writtenAt > wall + TOLERANCE_MS) return undefined
  return { ...decodeEntry(bytes), expiresAt, writtenAt }
}
