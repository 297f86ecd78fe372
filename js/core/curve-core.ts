/** The log in front of the curve machine: what happened to the keys of a cache beside the hits, which its own log tells. */

import { CoreHandle } from './door.ts'
import { CurveHandle, part } from './parts/cache.ts'

const MOST_WORDS = 4096
/** Of one event. */
const EVENT_WORDS = 5
const KIND_BITS = 2
const NO_READ = 0
const MISS = 1
const WRITTEN = 2
const GONE = 3
const LARGEST = 0xffffffff

/** See the top of this file. Positions are those of the cache's log. */
export class CurveCore {
  readonly #handle: CoreHandle<CurveHandle>
  readonly #events = new Uint32Array(MOST_WORDS)
  #length = 0

  constructor(max: number, maxSize: number) {
    this.#handle = new CoreHandle(part, () => new CurveHandle(max, maxSize))
  }

  /** Whether there is no room for another event. */
  get isFull(): boolean {
    return this.#length > MOST_WORDS - EVENT_WORDS
  }

  /** The use that the cache's log will have at `position` is no read. */
  noRead(position: number): void {
    this.#append(position, NO_READ)
  }

  /** A read of the key with this hash found nothing. `now` in milliseconds. */
  miss(position: number, hash: number, now: number): void {
    this.#append(position, MISS)
    this.#events[this.#length++] = hash
    // Only differences count, so what is above 32 bits may go.
    this.#events[this.#length++] = now % (LARGEST + 1)
  }

  /** `slot` holds the key with this hash, newly written, to live for `life` milliseconds. */
  written(position: number, slot: number, hash: number, size: number, life: number): void {
    this.#append(position, WRITTEN)
    this.#events[this.#length++] = slot
    this.#events[this.#length++] = hash
    this.#events[this.#length++] = Math.min(size, LARGEST)
    this.#events[this.#length++] = Math.min(life, LARGEST)
  }

  /** The key with this hash would be gone from a cache of any size. */
  gone(position: number, hash: number): void {
    this.#append(position, GONE)
    this.#events[this.#length++] = hash
  }

  /** The log of the cache crosses, and what happened beside it. */
  replay(log: Uint32Array): void {
    const length = this.#length
    this.#length = 0
    this.#ask(handle => handle.replay(log, this.#events.subarray(0, length)))
  }

  /** The cache has other limits; counting begins anew. */
  resize(max: number, maxSize: number): void {
    this.#ask(handle => handle.resize(max, maxSize))
  }

  /** The cache is empty. */
  clear(): void {
    this.#length = 0
    this.#ask(handle => handle.clear())
  }

  /** The predicted hit rates; none before the first read. */
  hitRates(): Float64Array {
    return this.#ask(handle => handle.hitRates()) ?? new Float64Array()
  }

  free(): void {
    this.#handle.free()
  }

  #append(position: number, kind: number): void {
    this.#events[this.#length++] = (position << KIND_BITS) | kind
  }

  #ask<T>(action: (handle: CurveHandle) => T): T | undefined {
    return this.#handle.useOrRenew(action)
  }
}
