/** Reads entries: from the write queue, then from the log. A failure is a counted miss. */

import type { Clock } from '../clock.ts'
import { textOf } from '../codec.ts'
import { decodeEntry } from '../stores/entry-bytes.ts'
import type { TierEntry } from '../stores/tier.ts'
import type { Located } from './key-directory.ts'
import { entryOf } from './pending-entry.ts'
import type { SegmentLog } from './segment-log.ts'
import type { WriteQueue } from './write-queue.ts'

/** Segments that one call reads at the same time. */
const PARALLEL_READS = 32
/** So many values are taken out of the text of their whole segment. */
const FEW = 4

interface Wanted {
  readonly index: number
  readonly key: string
  readonly place: Located
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
    const unread = keys
      .map((key, index) => ({ key, index }))
      .filter(({ key, index }) => {
        const pending = this.#queue.get(key)
        if (pending !== undefined) found[index] = entryOf(pending, this.#clock.wall())
        return pending === undefined
      })
    if (unread.length === 0) return found
    const { epoch } = this.#log
    const wanted = new Map<number, Wanted[]>()
    try {
      const places = await this.#log.locate(unread.map(({ key }) => key))
      for (const [at, { key, index }] of unread.entries()) {
        const place = places[at]
        if (place === undefined) continue
        const group = wanted.get(place.segment)
        if (group === undefined) wanted.set(place.segment, [{ index, key, place }])
        else group.push({ index, key, place })
      }
    } catch {
      this.#log.count('read')
      return found
    }
    const lost: Wanted[] = []
    const segments = wanted.entries()
    const work = async () => {
      for (const [segment, group] of segments) {
        const answer = await this.#fetch(segment, group, epoch, found)
        if (answer === 'missing') lost.push(...group)
      }
    }
    await Promise.all(Array.from({ length: Math.min(PARALLEL_READS, wanted.size) }, work))
    if (lost.length === 0 || epoch !== this.#log.epoch) return found
    if (!mayCatchUp) {
      this.#log.count('missing')
      return found
    }
    for (const segment of new Set(lost.map(({ place }) => place.segment)))
      await this.#log.missing(segment).catch(() => this.#log.count('read'))
    const again = await this.read(
      lost.map(({ key }) => key),
      false,
    )
    for (const [at, { index }] of lost.entries()) found[index] = again[at]
    return found
  }

  /** Reads one segment for all that is wanted from it. */
  async #fetch(segment: number, group: readonly Wanted[], epoch: number, found: (TierEntry | undefined)[]): Promise<'read' | 'missing'> {
    let payload: Uint8Array | undefined
    try {
      payload = await this.#log.payload(segment)
    } catch {
      this.#log.count('read')
      return 'read'
    }
    if (epoch !== this.#log.epoch) return 'read'
    if (payload === undefined) return 'missing'
    const text = group.length < FEW ? undefined : textOf(payload)
    for (const { index, key, place } of group) {
      // What was written while we read is newer than what we read.
      const pending = this.#queue.get(key)
      found[index] = pending === undefined ? this.#entryAt(key, place, payload, text) : entryOf(pending, this.#clock.wall())
    }
    return 'read'
  }

  #entryAt(key: string, place: Located, payload: Uint8Array, text: string | undefined): TierEntry | undefined {
    const bytes = this.#log.verify(key, place, payload)
    if (bytes !== undefined) {
      try {
        const { offset, length, expiresAt, writtenAt } = place
        const { value, facts } = decodeEntry(bytes, text?.slice(offset, offset + length))
        return facts === undefined ? { value, expiresAt, writtenAt } : { value, facts, expiresAt, writtenAt }
      } catch {
        this.#log.count('codec')
      }
    }
    // Unless it was written anew while we read.
    if (this.#log.locateNow(key)?.segment === place.segment) this.#onDamaged(key)
    return undefined
  }
}
