/** Requests as a busy site sees them: few records asked for often, most of them rarely (Zipf's law). */

import { randomFrom } from './random.mjs'

/** How many records the origin has. */
export const RECORDS = 171_075

/** Spreads neighbouring ranks over the records; a prime that does not divide {@link RECORDS}. */
const STRIDE = 7919

/**
 * A generator of ranks 0..keys-1, rank r with a probability proportional to 1 / (r + 1)^exponent.
 *
 * @param {{ keys: number, exponent?: number, seed: number }} options `exponent` defaults to 1
 * @returns {() => number}
 */
export function zipf({ keys, exponent = 1, seed }) {
  const random = randomFrom(seed)
  const upTo = new Float64Array(keys)
  let total = 0
  for (let rank = 0; rank < keys; rank += 1) {
    total += 1 / (rank + 1) ** exponent
    upTo[rank] = total
  }
  return () => {
    const point = random() * total
    let low = 0
    let high = keys - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if (/** @type {number} */ (upTo[middle]) > point) high = middle
      else low = middle + 1
    }
    return low
  }
}

/**
 * The record that a rank stands for; different ranks stand for different records.
 *
 * @param {number} rank
 */
export function recordOf(rank) {
  return (rank * STRIDE + 17) % RECORDS
}

/**
 * A sequence of record indexes to ask for.
 *
 * @param {{ reads: number, keys: number, exponent?: number, seed: number }} options
 * @returns {number[]}
 */
export function zipfReads({ reads, ...rest }) {
  const next = zipf(rest)
  return Array.from({ length: reads }, () => recordOf(next()))
}
