/** The hit rates that a cache would have with other limits, watched from the first time that somebody asks. */

import type { CacheCore } from '../core/cache-core.ts'
import { CurveCore } from '../core/curve-core.ts'
import { keyHasher, randomSeed } from './key-hash.ts'
import type { Limits } from './memory-options.ts'
import type { MemoryCacheStats, MissRatioCurve } from './memory-types.ts'

/** What the core predicts for; the same there. */
const SCALES = [0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4]
const SAME = SCALES.indexOf(1)
const NO_LOG = new Uint32Array()

/** Tells the curve machine of the keys of one cache. */
export class CurveWatch<K> {
  readonly #cache: CacheCore
  readonly #curve: CurveCore
  readonly #hash = keyHasher(randomSeed())
  #reads: number
  #hits: number

  constructor(cache: CacheCore, { max, maxSize }: Limits, { hits, misses }: MemoryCacheStats) {
    // What is in the log already is none of its business.
    cache.sync()
    this.#cache = cache
    this.#curve = new CurveCore(max, maxSize)
    this.#hits = hits
    this.#reads = hits + misses
    cache.onReplay = log => this.#curve.replay(log)
  }

  /** `key` was asked for, and it was not there. */
  missed(key: K): void {
    this.#curve.miss(this.#position(), this.#hash(key), this.#cache.driver.now())
  }

  /** `key` was asked for, and its time was over. */
  expired(key: K): void {
    this.gone(key)
    this.missed(key)
  }

  /** What goes into the log next is no read. */
  overwrites(): void {
    this.#curve.noRead(this.#position())
  }

  /** `slot` holds a new value of `key`, until then. */
  written(key: K, slot: number, size: number, until: number): void {
    this.#curve.written(this.#position(), slot, this.#hash(key), size, until - this.#cache.driver.now())
  }

  /** `key` has left, and not for want of room. */
  gone(key: K): void {
    this.#curve.gone(this.#position(), this.#hash(key))
  }

  resized({ max, maxSize }: Limits, { hits, misses }: MemoryCacheStats): void {
    this.#flush()
    this.#curve.resize(max, maxSize)
    this.#hits = hits
    this.#reads = hits + misses
  }

  cleared(): void {
    this.#curve.clear()
  }

  free(): void {
    this.#cache.onReplay = undefined
    this.#curve.free()
  }

  /** The curve for a cache of these limits, which counts so many hits and misses by now. */
  read({ max, maxSize }: Limits, { hits, misses, policy }: MemoryCacheStats): MissRatioCurve {
    this.#flush()
    const rates = this.#curve.hitRates()
    const reads = hits + misses - this.#reads
    const hitRate = reads === 0 ? 0 : (hits - this.#hits) / reads
    // Distances tell of LRU. Another policy misses more or fewer reads; the shape is much the same.
    const better = policy === 'lru' ? 1 : (1 - hitRate) / (1 - (rates[SAME] ?? 0) || 1)
    const points = SCALES.map((scale, at) => ({
      scale,
      max: Math.max(1, Math.round(max * scale)),
      maxSize: maxSize * scale,
      hitRate: Math.max(0, 1 - (1 - (rates[at] ?? 0)) * better),
    }))
    return { reads, hitRate, points: reads === 0 ? [] : points }
  }

  /** Where in the log of the cache the next event stands. */
  #position(): number {
    if (this.#curve.isFull) this.#flush()
    return this.#cache.position
  }

  #flush(): void {
    this.#cache.sync()
    this.#curve.replay(NO_LOG)
  }
}
