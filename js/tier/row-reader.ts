/** Reads entries: from the write queue, then from a log that finds them by key. */

import type { Clock } from '../clock.ts'
import type { TierEntry } from '../stores/tier.ts'
import { entryOf } from './pending-entry.ts'
import type { QueuedReader } from './queued-tier.ts'
import type { TierLog } from './tier-log.ts'
import type { WriteQueue } from './write-queue.ts'

/** A log that finds entries by key. */
export interface RowLog extends TierLog {
  /** The valid entries of `keys`, in their order. Never rejects: a failure is a counted miss. Of what is `damaged` the key is told. */
  readMany(keys: readonly string[], damaged: (key: string) => void): Promise<(TierEntry | undefined)[]>
}

/** See the top of this file. */
export class RowReader implements QueuedReader {
  readonly #log: RowLog
  readonly #queue: WriteQueue
  readonly #clock: Clock
  readonly #disown: (key: string) => void

  constructor(log: RowLog, queue: WriteQueue, clock: Clock, disown: (key: string) => void) {
    this.#log = log
    this.#queue = queue
    this.#clock = clock
    this.#disown = disown
  }

  async read(keys: readonly string[]): Promise<(TierEntry | undefined)[]> {
    const found = keys.map(key => this.#queued(key))
    const unread = keys.map((_, index) => index).filter(index => found[index] === undefined)
    if (unread.length === 0) return found.map(entry => entry ?? undefined)
    const { epoch } = this.#log
    const below = await this.#log.readMany(
      unread.map(index => keys[index] as string),
      key => {
        // Unless it is being written anew.
        if (this.#queue.get(key) === undefined) this.#disown(key)
      },
    )
    for (const [at, index] of unread.entries()) {
      // What was written while we read is newer than what we read.
      const queued = this.#queued(keys[index] as string)
      found[index] = queued === undefined && epoch === this.#log.epoch ? below[at] : queued
    }
    return found.map(entry => entry ?? undefined)
  }

  /** The entry that waits to be written; `null` when that is none, `undefined` when nothing waits. */
  #queued(key: string): TierEntry | null | undefined {
    const pending = this.#queue.get(key)
    return pending && (entryOf(pending, this.#clock.wall()) ?? null)
  }
}
