/** Which key lies where: keys here, as a map from key to id; what happened to each id in the core. */

import { SegmentsCore } from '../core/segments-core.ts'
import type { Line, PackedSegment, Place } from '../stores/directory.ts'
import { MAX_LINES, readRows, rowsOf, SEGMENT_BYTES } from '../stores/directory.ts'
import { ROW } from '../stores/segment-row.ts'
import { TOLERANCE_MS } from './pending-entry.ts'
import { Places } from './places.ts'

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
  readonly #ids = new Map<string, number>()
  readonly #keys: (string | undefined)[] = []
  readonly #free: number[] = []

  constructor(maxBytes: number) {
    this.#core = new SegmentsCore({ maxBytes, segmentBytes: SEGMENT_BYTES, toleranceMs: TOLERANCE_MS })
  }

  /** Takes in a segment. False when it is not younger than those before it. */
  commit(segment: number, bytes: number, lines: readonly Line[]): boolean {
    if (lines.length > MAX_LINES || segment <= this.#core.lastSegment) return false
    const ids = lines.map(line => this.#idOf(line.key))
    const { rows } = this.#core
    let at = 0
    for (const [index, { order, cost, value }] of lines.entries()) {
      rows[at + ROW.id] = ids[index] as number
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
    return this.#core.commit(segment, bytes, lines.length)
  }

  /** The same of one that has just been made. */
  add(segment: number, bytes: number, packed: PackedSegment): boolean {
    if (segment <= this.#core.lastSegment) return false
    rowsOf(packed, this.#core.rows, key => this.#idOf(key))
    return this.#core.commit(segment, bytes, packed.keys.length)
  }

  /**
   * The same from the directory as it is stored.
   *
   * @throws ShelflifeError `ERR_CODEC` when it is damaged; what it has named until then is in {@link keys}.
   */
  play(segment: number, bytes: number, directory: Uint8Array): boolean {
    if (segment <= this.#core.lastSegment) return false
    return this.#core.commit(
      segment,
      bytes,
      readRows(directory, this.#core.rows, key => this.#idOf(key)),
    )
  }

  /** Where the valid value of `key` lies. */
  locate(key: string, wall: number): Located | undefined {
    const id = this.#ids.get(key)
    if (id === undefined) return undefined
    const segment = this.#core.locate(id, wall)
    return segment === 0 ? undefined : { segment, ...readPlace(this.#core.rows, 0) }
  }

  /** The same for many keys. */
  locateAll(keys: readonly string[], wall: number): Places {
    const places = new Places(keys.length)
    for (let at = 0; at < keys.length; at += 1) {
      const id = this.#ids.get(keys[at] as string)
      const segment = id === undefined ? 0 : this.#core.locate(id, wall)
      if (segment === 0) continue
      const { rows } = this.#core
      const [offset, length, check] = [rows[ROW.offset] as number, rows[ROW.length] as number, rows[ROW.check] as number]
      places.put(at, segment, offset, length, check, rows[ROW.expiresAt] as number, rows[ROW.writtenAt] as number)
    }
    return places
  }

  /** Every key of which the log may hold lines. */
  keys(): IterableIterator<string> {
    return this.#ids.keys()
  }

  /** Whether the log may hold lines of `key`. */
  knows(key: string): boolean {
    return this.#ids.has(key)
  }

  /** Hides the value of `key` without a word in the log. */
  forget(key: string): void {
    const id = this.#ids.get(key)
    if (id !== undefined) this.#core.forget(id)
  }

  /** Forgets a segment that is gone. */
  remove(segment: number): void {
    this.#core.remove(segment)
    for (let id = this.#core.pollFreed(); id >= 0; id = this.#core.pollFreed()) {
      const key = this.#keys[id]
      if (key === undefined) continue
      this.#ids.delete(key)
      this.#keys[id] = undefined
      this.#free.push(id)
    }
  }

  /** A segment to give up so that `incoming` more bytes fit, or 0. */
  pollReclaim(incoming: number, wall: number): number {
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
    const { rows } = this.#core
    const carried: Carried[] = []
    for (let at = 0; at < count * ROW.columns; at += ROW.columns) {
      const key = this.#keys[rows[at + ROW.id] as number]
      if (key === undefined) continue
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
    this.#forgetKeys()
    this.#core.clear()
  }

  /** Begins again, after a trap. */
  renew(): void {
    this.#forgetKeys()
    this.#core.renew()
  }

  free(): void {
    this.#forgetKeys()
    this.#core.free()
  }

  #forgetKeys(): void {
    this.#ids.clear()
    this.#keys.length = 0
    this.#free.length = 0
  }

  #idOf(key: string): number {
    const known = this.#ids.get(key)
    if (known !== undefined) return known
    const id = this.#free.pop() ?? this.#keys.length
    this.#keys[id] = key
    this.#ids.set(key, id)
    return id
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
