/**
 * How the origin behaves: its latency and its faults. Both depend on the seed, the path and how often this path was asked for,
 * so a run can be repeated whatever the order in which parallel requests arrive.
 */

import { randomAt } from '../shared/random.mjs'

/**
 * @typedef {'fail' | 'stall' | 'reset' | 'truncate' | 'drip'} Fault
 *   `fail`: 503 · `stall`: never answers · `reset`: the connection breaks · `truncate`: half of the body · `drip`: a byte at a time
 * @typedef {Partial<Record<Fault, number>>} FaultRatios shares of the requests, 0 to 1, in sum at most 1
 * @typedef {{ seed: number, latency: readonly [number, number], faults: FaultRatios }} Conditions latency: shortest and longest, milliseconds
 */

/** @type {readonly Fault[]} */
export const FAULTS = ['fail', 'stall', 'reset', 'truncate', 'drip']

/** Forgets how often paths were asked for when there are more of them than this. */
const COUNTED_PATHS = 200_000

/** @type {Conditions} */
export const FAIR = { seed: 1, latency: [2, 8], faults: {} }

export class Weather {
  /** @type {Conditions} */
  #conditions
  /** @type {Map<string, number>} */
  #visits = new Map()

  /** @param {Partial<Conditions>} conditions */
  constructor(conditions = {}) {
    this.#conditions = { ...FAIR, ...checked(conditions) }
  }

  /** What holds now. */
  get conditions() {
    return this.#conditions
  }

  /**
   * Changes what is given and starts the counting of visits anew.
   *
   * @param {unknown} change
   */
  change(change) {
    this.#conditions = { ...this.#conditions, ...checked(change) }
    this.#visits.clear()
  }

  /**
   * What happens to the next request for this path.
   *
   * @param {string} path
   * @returns {{ delay: number, fault: Fault | undefined }}
   */
  next(path) {
    const { seed, latency, faults } = this.#conditions
    const visit = this.#visits.get(path) ?? 0
    if (this.#visits.size >= COUNTED_PATHS) this.#visits.clear()
    this.#visits.set(path, visit + 1)
    const [shortest, longest] = latency
    const delay = shortest + (longest - shortest) * randomAt(seed, path, 2 * visit)
    let rest = randomAt(seed, path, 2 * visit + 1)
    for (const fault of FAULTS) {
      rest -= faults[fault] ?? 0
      if (rest < 0) return { delay, fault }
    }
    return { delay, fault: undefined }
  }
}

/**
 * @param {unknown} change
 * @returns {Partial<Conditions>}
 */
function checked(change) {
  if (typeof change !== 'object' || change === null) throw new RangeError('conditions must be an object')
  const { seed, latency, faults, ...rest } = /** @type {Record<string, unknown>} */ (change)
  const unknown = Object.keys(rest)
  if (unknown.length > 0) throw new RangeError(`unknown condition ${JSON.stringify(unknown[0])}`)
  /** @type {Partial<Conditions>} */
  const conditions = {}
  if (seed !== undefined) {
    if (!Number.isSafeInteger(seed)) throw new RangeError('seed must be an integer')
    conditions.seed = /** @type {number} */ (seed)
  }
  if (latency !== undefined) conditions.latency = latencyOf(latency)
  if (faults !== undefined) conditions.faults = faultsOf(faults)
  return conditions
}

/**
 * @param {unknown} latency
 * @returns {readonly [number, number]}
 */
function latencyOf(latency) {
  const [shortest, longest] = Array.isArray(latency) ? latency : [latency, latency]
  if (!(shortest >= 0 && longest >= shortest && longest <= 60_000))
    throw new RangeError('latency must be milliseconds or [shortest, longest]')
  return [shortest, longest]
}

/**
 * @param {unknown} faults
 * @returns {FaultRatios}
 */
function faultsOf(faults) {
  if (typeof faults !== 'object' || faults === null) throw new RangeError('faults must be an object')
  let sum = 0
  for (const [fault, share] of Object.entries(faults)) {
    if (!(/** @type {readonly string[]} */ (FAULTS).includes(fault))) throw new RangeError(`unknown fault ${JSON.stringify(fault)}`)
    if (!(share >= 0 && share <= 1)) throw new RangeError(`the share of ${fault} must be between 0 and 1`)
    sum += share
  }
  if (sum > 1) throw new RangeError('the shares of all faults must not exceed 1')
  return { ...faults }
}
