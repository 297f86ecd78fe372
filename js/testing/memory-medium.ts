/** Segments in memory, for tests: what a medium does, without what can go wrong. */

import type { ListedSegment, Segment, SegmentMedium } from '../stores/segment-medium.ts'
import type { SegmentStore } from '../stores/tier.ts'
import { segmentStore } from '../tier/segment-store.ts'

/** A log that outlives the media opened on it, as a disk outlives processes. */
export class MemoryLog {
  readonly segments = new Map<number, Segment>()
  /** The id that was given last. */
  last = 0
  /** How many media may be open for writing at the same time. Default 1. */
  writers = 1
  /** How many are. */
  held = 0
}

/** A {@link SegmentMedium} in memory. */
export class MemoryMedium implements SegmentMedium {
  readonly overhead = 0
  readonly #log: MemoryLog
  #holds = false

  constructor(log: MemoryLog = new MemoryLog()) {
    this.#log = log
  }

  get writable(): boolean {
    return this.#holds
  }

  async open(): Promise<void> {
    if (this.#holds || this.#log.held >= this.#log.writers) return
    this.#log.held += 1
    this.#holds = true
  }

  async append(segments: readonly Segment[]): Promise<number[]> {
    return segments.map(({ directory, payload }) => {
      this.#log.last += 1
      this.#log.segments.set(this.#log.last, { directory: directory.slice(), payload: payload.slice() })
      return this.#log.last
    })
  }

  async list(after: number): Promise<ListedSegment[]> {
    const listed: ListedSegment[] = []
    for (const [id, { directory, payload }] of this.#log.segments) {
      if (id > after) listed.push({ id, directory: directory.slice(), bytes: directory.length + payload.length })
    }
    return listed
  }

  async read(id: number): Promise<Uint8Array | undefined> {
    return this.#log.segments.get(id)?.payload.slice()
  }

  async remove(ids: readonly number[]): Promise<void> {
    for (const id of ids) this.#log.segments.delete(id)
  }

  async clear(): Promise<void> {
    this.#log.segments.clear()
  }

  async close(): Promise<void> {
    if (this.#holds) this.#log.held -= 1
    this.#holds = false
  }
}

/**
 * A store in memory that behaves like a persistent one: what is opened on the same `log` finds what was stored before.
 *
 * ```ts
 * const log = new MemoryLog()
 * const cache = createCache({ store: memoryStore({ log }) })
 * ```
 */
export function memoryStore({
  log = new MemoryLog(),
  maxSize = Number.POSITIVE_INFINITY,
}: {
  log?: MemoryLog
  maxSize?: number
} = {}): SegmentStore {
  return segmentStore({ name: 'memory', maxSize, openMedium: () => new MemoryMedium(log) })
}
