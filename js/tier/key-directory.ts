/** Which key lies where: a log's directory in the core, asked by key. */

import { SegmentsCore } from '../core/segments-core.ts'
import { FORM } from '../stores/compression.ts'
import type { Line, PackedSegment, Place } from '../stores/directory.ts'
import { formOf, MAX_LINES, SEGMENT_BYTES } from '../stores/directory.ts'
import { ROW } from '../stores/segment-row.ts'
import { packKeys, unitsOf, unpackKeys } from './packed-keys.ts'
import { TOLERANCE_MS } from './pending-entry.ts'
import { Places } from './places.ts'

/** Keys that are spelled at once. */
const SPELLED = 512

/** Where the value of a key lies. */
export interface Located extends Place {
  readonly segment: number
}

/** What has to be written anew before a segment may go. */
export interface Carried {
  readonly key: string
  readonly order: number
  /** Absent: a tombstone. */
  readonly value: Place | undefined
}

/** The directory of a log. Every method may throw `CoreTrappedError`; then {@link KeyDirectory.renew} and play the log in again. */
export class KeyDirectory {
  readonly #core: SegmentsCore

  constructor(maxBytes: number) {
    this.#core = new SegmentsCore({ maxBytes, segmentBytes: SEGMENT_BYTES, toleranceMs: TOLERANCE_MS })
  }

  /** Takes in a segment. False when it is not younger than those before it. */
  commit(segment: number, bytes: number, lines: readonly Line[]): boolean {
    if (lines.length > MAX_LINES || segment <= this.#core.lastSegment) return false
    const { rows } = this.#core
    let at = 0
    for (const { order, cost, value } of lines) {
      rows[at + ROW.id] = 0
      rows[at + ROW.order] = order
      rows[at + ROW.cost] = cost
      rows[at + ROW.deleted] = value === undefined ? 1 : 0
      if (value !== undefined) {
        rows[at + ROW.offset] = value.offset
        rows[at + ROW.length] = value.length
        rows[at + ROW.check] = value.check
        rows[at + ROW.expiresAt] = value.expiresAt
        rows[at + ROW.writtenAt] = value.writtenAt
      }
      at += ROW.columns
    }
    const packed = packKeys(lines.map(({ key }) => key))
    return this.#core.commit(segment, bytes, lines.length, packed)
  }

  /** The same of one that has just been made. A value costs its share of what compression has left. */
  add(segment: number, bytes: number, { directory, payload, length }: PackedSegment): boolean {
    return this.#core.play(segment, bytes, directory, formOf(directory) === FORM.none ? 1 : payload.length / length) === true
  }

  /**
   * The same from the directory as it is stored, of a payload that is not compressed. False also when it is damaged, of a newer format, or
   * `check` is not its checksum.
   */
  play(segment: number, bytes: number, directory: Uint8Array, check?: number): boolean {
    return this.#core.play(segment, bytes, directory, 1, check) === true
  }

  /** Where the valid value of `key` lies. */
  locate(key: string, wall: number): Located | undefined {
    this.#core.locate(packKeys([key]), wall)
    const { rows } = this.#core
    const segment = rows[ROW.id] as number
    return segment === 0 ? undefined : { segment, ...readPlace(rows, 0) }
  }

  /** The same for many keys. */
  locateAll(keys: readonly string[], wall: number): Places {
    const places = new Places(keys.length)
    for (let from = 0; from < keys.length; from += MAX_LINES) {
      const to = Math.min(from + MAX_LINES, keys.length)
      this.#core.locate(packKeys(keys, from, to), wall)
      places.take(this.#core.rows, from, to - from)
    }
    return places
  }

  /** Every key of which the log may hold lines. What changes meanwhile may come twice, or not at all. */
  *keys(): IterableIterator<string> {
    for (let from = 0; ; ) {
      const { packed, next } = this.#core.spell(from, SPELLED)
      yield* unpackKeys(packed)
      if (next === 0) return
      from = next
    }
  }

  /** Whether the log may hold lines of `key`. */
  knows(key: string): boolean {
    return this.#core.knows(unitsOf(key))
  }

  /** Hides the value of `key` without a word in the log. */
  forget(key: string): void {
    this.#core.forget(unitsOf(key))
  }

  /** Forgets a segment that is gone. */
  remove(segment: number): void {
    this.#core.remove(segment)
  }

  /** The segments to give up first so that `incoming` more bytes fit; none when they do. */
  pollReclaim(incoming: number, wall: number): number[] {
    return this.#core.pollReclaim(incoming, wall)
  }

  /** The first segment after `after` that may go although nothing can be written, or 0. */
  pollSpare(after: number, wall: number): number {
    return this.#core.pollSpare(after, wall)
  }

  /** Segments that are worth writing anew together. */
  pollCompaction(wall: number): number[] {
    return this.#core.pollCompaction(wall)
  }

  /** What of `segment` has to be written anew before it may go; with `evict` only tombstones. */
  carry(segment: number, wall: number, evict: boolean): Carried[] {
    const count = this.#core.carry(segment, wall, evict)
    const keys = unpackKeys(this.#core.spellRows(count))
    const { rows } = this.#core
    const carried: Carried[] = []
    for (const key of keys) {
      const at = carried.length * ROW.columns
      carried.push({ key, order: rows[at + ROW.order] as number, value: rows[at + ROW.deleted] === 0 ? readPlace(rows, at) : undefined })
    }
    return carried
  }

  /** The youngest segment so far. */
  get last(): number {
    return this.#core.lastSegment
  }

  get sizes(): { entries: number; segments: number; bytes: number; liveBytes: number } {
    return this.#core.sizes
  }

  /** Whether a trap of the core took it. */
  get lost(): boolean {
    return this.#core.lost
  }

  clear(): void {
    this.#core.clear()
  }

  /** Begins again, after a trap. */
  renew(): void {
    this.#core.renew()
  }

  free(): void {
    this.#core.free()
  }
}

function readPlace(rows: Float64Array, at: number): Place {
  return {
    offset: rows[at + ROW.offset] as number,
    length: rows[at + ROW.length] as number,
    check: rows[at + ROW.check] as number,
    expiresAt: rows[at + ROW.expiresAt] as number,
    writtenAt: rows[at + ROW.writtenAt] as number,
  }
}
