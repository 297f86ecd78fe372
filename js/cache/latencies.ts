/** How long loads took, in buckets of which each is an eighth wider than the one before: enough for percentiles, and no reason to carry the metrics machine. */

import type { LatencySummary } from './types.ts'

const BUCKETS_PER_DOUBLING = 6
/** 2 to the power of this, in milliseconds, is the upper end of the first bucket. */
const FIRST_POWER = -6
const BUCKETS = 32 * BUCKETS_PER_DOUBLING

/** See the top of this file. */
export class Latencies {
  readonly #counts = new Float64Array(BUCKETS)
  #count = 0
  #sum = 0
  #max = 0

  /** Counts one of `ms` milliseconds. */
  add(ms: number): void {
    this.#count += 1
    this.#sum += ms
    this.#max = Math.max(this.#max, ms)
    const at = Math.ceil((Math.log2(ms) - FIRST_POWER) * BUCKETS_PER_DOUBLING)
    const bucket = Math.min(Math.max(at, 0), BUCKETS - 1)
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1
  }

  /** What they come to; zeros before the first. */
  summary(): LatencySummary {
    return {
      count: this.#count,
      mean: this.#count === 0 ? 0 : this.#sum / this.#count,
      p50: this.#quantile(0.5),
      p95: this.#quantile(0.95),
      p99: this.#quantile(0.99),
      max: this.#max,
    }
  }

  #quantile(q: number): number {
    let left = q * this.#count
    if (left === 0) return 0
    let at = 0
    while (at < BUCKETS - 1 && left > (this.#counts[at] as number)) {
      left -= this.#counts[at] as number
      at += 1
    }
    // The middle of the bucket, as ratios go.
    return Math.min(2 ** ((at - 0.5) / BUCKETS_PER_DOUBLING + FIRST_POWER), this.#max)
  }
}
