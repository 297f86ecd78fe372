/** What the halves of the tier in Redis, reading and writing, work on together. */

import type { Clock } from '../../clock.ts'
import type { PressedValues } from '../../tier/pressed-values.ts'
import type { WriteQueue } from '../../tier/write-queue.ts'
import type { Compression } from '../compression.ts'
import type { StoreContext } from '../tier.ts'
import type { Connect } from './client.ts'
import type { Doubts } from './doubts.ts'
import type { Ledger } from './ledger.ts'
import type { LineOptions, RedisLine } from './line.ts'
import type { RedisNames } from './names.ts'

/** What the options come to. */
export interface RedisTierOptions {
  readonly name: string
  readonly prefix: string
  readonly connect: Connect
  readonly line: LineOptions
  readonly maxQueued: number
  readonly maxQueuedBytes: number
  readonly maxValueBytes: number
  readonly compression: Compression
}

/** See the top of this file. */
export interface Parts {
  readonly options: RedisTierOptions
  readonly clock: Clock
  readonly core: StoreContext['core']
  readonly names: RedisNames
  readonly line: RedisLine
  readonly ledger: Ledger
  readonly values: PressedValues
  /** What Redis has not been told yet. */
  readonly queue: WriteQueue
  readonly doubts: Doubts
  readonly counts: { hits: number; misses: number; reads: number; writes: number; dropped: number }
  /** Something went wrong; for the counts. */
  readonly count: (kind: string) => void
  /** Connects, at the first call, and asks what others have given up. Resolves when Redis has answered or failed to. */
  readonly open: () => Promise<void>
}
