/** The directory of a segment log, in the core. Keys cross as units of their text, *packed*: each after its length in two units. */

import { CoreHandle, type CoreNumbers } from './door.ts'
import { part, SegmentsHandle } from './parts/segments.ts'

/** What the core is told of a log. */
export interface SegmentsConfig {
  readonly maxBytes: number
  readonly segmentBytes: number
  readonly toleranceMs: number
}

/** See `src/segments`. Every method throws `CoreTrappedError` after a trap, until {@link SegmentsCore.renew}. */
export class SegmentsCore {
  readonly #handle: CoreHandle<SegmentsHandle>
  #rows: CoreNumbers

  constructor({ maxBytes, segmentBytes, toleranceMs }: SegmentsConfig) {
    this.#handle = new CoreHandle(part, () => {
      // What keys are hashed with.
      const [low = 0, high = 0] = crypto.getRandomValues(new Uint32Array(2))
      return new SegmentsHandle(maxBytes, segmentBytes, toleranceMs, low, high)
    })
    this.#rows = this.#look()
  }

  /** The buffer that {@link commit} reads and {@link locate}, {@link compaction} and {@link carry} write. Ask again after each call. */
  get rows(): Float64Array {
    return this.#rows.numbers
  }

  /** Takes in a segment whose first `count` lines, without ids, are in {@link rows}, and their keys in `packed`. False when it is not younger than those before it. */
  commit(segment: number, bytes: number, count: number, packed: Uint16Array): boolean {
    return this.#handle.use(handle => handle.commit(segment, bytes, count, packed))
  }

  /** The same from a directory as it is stored; of a value, `share` of its bytes count. `undefined` when it cannot be read, or has another checksum. */
  play(segment: number, bytes: number, stored: Uint8Array, share: number, check?: number): boolean | undefined {
    return this.#handle.use(handle => handle.play(segment, bytes, stored, share, check))
  }

  /**
   * Writes to {@link rows} where the valid values of the `packed` keys lie, as many as there is room for: a line for each, with the
   * segment in place of the id, 0 where there is no value.
   */
  locate(packed: Uint16Array, wall: number): void {
    this.#handle.use(handle => handle.locate(packed, wall))
  }

  /** Whether the log may hold lines of a key. */
  knows(units: Uint16Array): boolean {
    return this.#handle.use(handle => handle.knows(units))
  }

  forget(units: Uint16Array): boolean {
    return this.#handle.use(handle => handle.forget(units))
  }

  /** Up to `most` keys from number `from` on, packed, and the number to go on with; 0 when there are no more. */
  spell(from: number, most: number): { packed: Uint16Array; next: number } {
    return this.#handle.use(handle => ({ packed: handle.spell(from, most), next: handle.spelledTo() }))
  }

  /** The keys of the first `count` lines in {@link rows}, packed. */
  spellRows(count: number): Uint16Array {
    return this.#handle.use(handle => handle.spellRows(count))
  }

  remove(segment: number): boolean {
    return this.#handle.use(handle => handle.remove(segment))
  }

  /** The segments to give up first so that `incoming` bytes fit. */
  pollReclaim(incoming: number, wall: number): number[] {
    const count = this.#handle.use(handle => handle.pollReclaim(incoming, wall))
    return [...this.rows.subarray(0, count)]
  }

  /** The first segment after `after` that may go although nothing can be written, or 0. */
  pollSpare(after: number, wall: number): number {
    return this.#handle.use(handle => handle.pollSpare(after, wall))
  }

  /** The segments that are worth writing anew together. */
  pollCompaction(wall: number): number[] {
    const count = this.#handle.use(handle => handle.pollCompaction(wall))
    return [...this.rows.subarray(0, count)]
  }

  /** How many lines of `segment` must be written anew before it may go; they are in {@link rows}. */
  carry(segment: number, wall: number, evict: boolean): number {
    return this.#handle.use(handle => handle.carry(segment, wall, evict))
  }

  clear(): void {
    this.#handle.use(handle => handle.clear())
  }

  get lastSegment(): number {
    return this.#handle.use(handle => handle.lastSegment())
  }

  get sizes(): { entries: number; segments: number; bytes: number; liveBytes: number } {
    return this.#handle.use(handle => ({
      entries: handle.len(),
      segments: handle.segmentCount(),
      bytes: handle.bytes(),
      liveBytes: handle.liveBytes(),
    }))
  }

  /** Whether a trap took the directory. */
  get lost(): boolean {
    return this.#handle.lost
  }

  /** Begins again with an empty directory, on the core of now. */
  renew(): void {
    this.#handle.renew()
    this.#rows = this.#look()
  }

  free(): void {
    this.#handle.free()
  }

  #look(): CoreNumbers {
    const [pointer, length] = this.#handle.use(handle => [handle.rowsPointer(), handle.rowsLength()] as const)
    return this.#handle.numbers(pointer, length)
  }
}
