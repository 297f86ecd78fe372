/** Reads entries: from the write queue, then from the log. A failure is a counted miss. */

import type { Clock } from '../clock.ts'
import { isWhole } from '../stores/directory.ts'
import { decodeEntries } from '../stores/entry-batch.ts'
import type { TierEntry } from '../stores/tier.ts'
import { entryOf } from './pending-entry.ts'
import type { Places } from './places.ts'
import type { SegmentLog } from './segment-log.ts'
import type { WriteQueue } from './write-queue.ts'

/** Segments that one call reads at the same time. */
const PARALLEL_READS = 64

/** A read under way. */
interface Reading {
  /** What the queue does not have, and where it lies. */
  readonly keys: readonly string[]
  readonly places: Places
  /** Where each of them belongs in what was asked for. */
  readonly indexes: readonly number[]
  readonly found: (TierEntry | undefined)[]
  readonly epoch: number
}

/** See the top of this file. */
export class TierReader {
  readonly #log: SegmentLog
  readonly #queue: WriteQueue
  readonly #clock: Clock
  readonly #onDamaged: (key: string) => void

  constructor(log: SegmentLog, queue: WriteQueue, clock: Clock, onDamaged: (key: string) => void) {
    this.#log = log
    this.#queue = queue
    this.#clock = clock
    this.#onDamaged = onDamaged
  }

  /**
   * The valid entries of `keys`, in their order. A segment that is not there may have been written anew by somebody else:
   * then the log's news are read first, once, if it `mayCatchUp`.
   */
  async read(keys: readonly string[], mayCatchUp = true): Promise<(TierEntry | undefined)[]> {
    const found = new Array<TierEntry | undefined>(keys.length).fill(undefined)
    const indexes: number[] = []
    for (let index = 0; index < keys.length; index += 1) {
      const pending = this.#queue.get(keys[index] as string)
      if (pending === undefined) indexes.push(index)
      else found[index] = entryOf(pending, this.#clock.wall())
    }
    if (indexes.length === 0) return found
    const unread = indexes.length === keys.length ? keys : indexes.map(index => keys[index] as string)
    const { epoch } = this.#log
    let places: Places
    try {
      places = await this.#log.locate(unread)
    } catch {
      this.#log.count('read')
      return found
    }
    const reading: Reading = { keys: unread, places, indexes, found, epoch }
    const groups = bySegment(places, unread.length)
    const lost: number[] = []
    const segments = groups.entries()
    const work = async () => {
      for (const [segment, group] of segments) if ((await this.#fetch(segment, group, reading)) === 'missing') lost.push(...group)
    }
    await Promise.all(Array.from({ length: Math.min(PARALLEL_READS, groups.size) }, work))
    if (lost.length === 0 || epoch !== this.#log.epoch) return found
    if (!mayCatchUp) {
      this.#log.count('missing')
      return found
    }
    for (const segment of new Set(lost.map(at => places.segment(at)))) await this.#log.missing(segment).catch(() => this.#log.count('read'))
    const again = await this.read(
      lost.map(at => unread[at] as string),
      false,
    )
    for (const [position, at] of lost.entries()) found[indexes[at] as number] = again[position]
    return found
  }

  /** Reads one segment for all that is wanted from it. */
  async #fetch(segment: number, group: readonly number[], reading: Reading): Promise<'read' | 'missing'> {
    let payload: Uint8Array | undefined
    try {
      payload = await this.#log.payload(segment)
    } catch {
      this.#log.count('read')
      return 'read'
    }
    if (reading.epoch !== this.#log.epoch) return 'read'
    if (payload === undefined) return 'missing'
    this.#take(payload, group, reading)
    return 'read'
  }

  /** Takes what is wanted out of a payload. */
  #take(payload: Uint8Array, group: readonly number[], { keys, places, indexes, found }: Reading): void {
    const whole: number[] = []
    const starts: number[] = []
    const ends: number[] = []
    for (const at of group) {
      const key = keys[at] as string
      // What was written while we read is newer than what we read.
      const pending = this.#queue.get(key)
      const offset = places.offset(at)
      const length = places.length(at)
      if (pending !== undefined) found[indexes[at] as number] = entryOf(pending, this.#clock.wall())
      else if (isWhole(key, payload, offset, length, places.check(at))) {
        whole.push(at)
        starts.push(offset)
        ends.push(offset + length)
      } else {
        this.#log.count('damaged')
        this.#disown(key, places.segment(at))
      }
    }
    const decoded = decodeEntries(payload, starts, ends)
    for (let one = 0; one < whole.length; one += 1) {
      const at = whole[one] as number
      const entry = decoded[one]
      if (entry === undefined) {
        this.#log.count('codec')
        this.#disown(keys[at] as string, places.segment(at))
        continue
      }
      const { value, facts } = entry
      const [expiresAt, writtenAt] = [places.expiresAt(at), places.writtenAt(at)]
      found[indexes[at] as number] = facts === undefined ? { value, expiresAt, writtenAt } : { value, facts, expiresAt, writtenAt }
    }
  }

  /** What lies there for `key` is damaged for good, unless it was written anew while we read. */
  #disown(key: string, segment: number): void {
    if (this.#log.locateNow(key)?.segment === segment) this.#onDamaged(key)
  }
}

/** The positions of what lies in the same segment. */
function bySegment(places: Places, count: number): Map<number, number[]> {
  const groups = new Map<number, number[]>()
  for (let at = 0; at < count; at += 1) {
    const segment = places.segment(at)
    if (segment === 0) continue
    const group = groups.get(segment)
    if (group === undefined) groups.set(segment, [at])
    else group.push(at)
  }
  return groups
}
