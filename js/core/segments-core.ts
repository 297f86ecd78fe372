/** The directory of a segment log, in the core. Keys are ids here; who they stand for is the tier's business. */

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
    this.#handle = new CoreHandle(part, () => new SegmentsHandle(maxBytes, segmentBytes, toleranceMs))
    this.#rows = this.#look()
  }

  /** The buffer that {@link commit} reads and {@link locate}, {@link compaction} and {@link carry} write. Ask again after each call. */
  get rows(): Float64Array {
    return this.#rows.numbers
  }

  /** Takes in a segment whose first `count` lines are in {@link rows}. False when it is not younger than those before it. */
  commit(segment: number, bytes: number, count: number): boolean {
    return this.#handle.use(handle => handle.commit(segment, bytes, count))
  }

  /** The segment that holds the valid value of `id`, with its line in {@link rows}; 0 when there is none. */
  locate(id: number, wall: number): number {
    return this.#handle.use(handle => handle.locate(id, wall))
  }

  forget(id: number): boolean {
    return this.#handle.use(handle => handle.forget(id))
  }

  remove(segment: number): boolean {
    return this.#handle.use(handle => handle.remove(segment))
  }

  /** An id that no line names any more, or -1. */
  pollFreed(): number {
    return this.#handle.use(handle => handle.pollFreed())
  }

  /** A segment to give up so that `incoming` bytes fit, or 0. */
  pollReclaim(incoming: number, wall: number): number {
    return this.#handle.use(handle => handle.pollReclaim(incoming, wall))
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
