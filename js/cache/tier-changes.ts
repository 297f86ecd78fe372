/**
 * The changes of a tier: who waits for its answer and for how long, and what is not believed while it has not come. One that does not
 * come within the timeout goes on without anybody waiting.
 */

import type { Driver } from '../core/driver.ts'
import { TimeoutError } from '../errors.ts'
import type { Tier } from '../stores/tier.ts'
import type { Doorway } from './doorway.ts'
import { Patience } from './patience.ts'
import { isCallers, type Trust } from './trust.ts'
import type { Change, UnderWay } from './under-way.ts'

/** A write that has not come back after this will not. Longer than a store's own attempts. */
const WRITE_MS = 60_000

/** What {@link TierChanges} is made of. */
export interface TierChangesOptions {
  readonly tier: Tier
  readonly driver: Driver
  readonly door: Doorway
  readonly underWay: UnderWay
  readonly trust: Trust
  readonly counts: { bypassed: number; timeouts: number; unsent: number }
}

/** See the top of this file. */
export class TierChanges {
  readonly #from: TierChangesOptions
  /** Of changes that somebody awaits to the end, and of those that nobody awaits any more. */
  readonly #patience: Patience
  readonly #lastPatience: Patience

  constructor(from: TierChangesOptions) {
    this.#from = from
    this.#patience = new Patience(from.driver, WRITE_MS)
    this.#lastPatience = new Patience(from.driver, WRITE_MS - from.door.timeoutMs)
  }

  /**
   * Makes a change, unless the tier is left alone; then it is told later. With `persist: 'memory'` it is waited for, but not for long;
   * after that it goes on loose, and only the caller's own mistakes reach him. `undefined` where nobody waits for the answer.
   */
  make<T>(change: Change, call: (tier: Tier) => Promise<T>): Promise<T | undefined> {
    const { how, keys, wide } = change
    const { underWay } = this.#from
    const ticket = underWay.next()
    const count = Math.max(1, keys.length)
    const isFull = how.isLoose === true && !underWay.hasRoomFor(count)
    if (isFull || !this.#from.trust.admitsChange()) {
      if (wide === undefined) underWay.outdate(keys)
      else underWay.outdateAll()
      this.#from.trust.skipped(change, ticket)
      this.#from.counts[isFull ? 'unsent' : 'bypassed'] += count
      return how.persist === 'memory' ? NOTHING : Promise.reject(this.#from.trust.unable())
    }
    underWay.begin(change, ticket)
    const { generation } = this.#from.trust
    const isPatient = how.persist !== 'memory' || this.#from.door.timeoutMs >= WRITE_MS
    return new Promise<T | undefined>((resolve, reject) => {
      let endLoose = how.isLoose === true ? underWay.loosen(count) : undefined
      let isOver = false
      const over = () => {
        isOver = true
        underWay.end(change, ticket)
        endLoose?.()
      }
      const fail = (error: unknown) => {
        this.#untold(change, ticket, error, generation)
        if (endLoose === undefined && (how.persist !== 'memory' || isCallers(error))) return reject(error)
        how.told?.(error)
        resolve(undefined)
      }
      const hangs = () => {
        over()
        this.#from.counts.timeouts += count
        fail(new TimeoutError('store', WRITE_MS))
      }
      const isSlow = () => {
        this.#from.counts.timeouts += count
        endLoose = underWay.loosen(count)
        // Of what was given up nobody knows which keys it means: nothing is believed until the answer comes.
        if (wide !== undefined) this.#from.trust.missedBy(change, ticket)
        patience = this.#lastPatience
        wait = patience.begin(hangs)
        resolve(undefined)
      }
      let patience = isPatient || endLoose !== undefined ? this.#patience : this.#from.door.patience
      let wait = patience.begin(patience === this.#from.door.patience ? isSlow : hangs)
      this.#from.door.call(call).then(
        result => {
          patience.end(wait)
          if (!isOver) over()
          this.#from.trust.told(change, ticket)
          this.#from.trust.succeeded(generation)
          resolve(result)
        },
        error => {
          patience.end(wait)
          if (isOver) return this.#untold(change, ticket, error, generation)
          over()
          fail(error)
        },
      )
      if (how.isLoose === true) resolve(undefined)
    })
  }

  /** The tier has not taken a change, or nobody knows. */
  #untold(change: Change, ticket: number, error: unknown, generation: number): void {
    // One that may not write hides what it cannot change, as long as it is open.
    if (this.#from.tier.stats().state === 'read-only') return this.#from.trust.undecided(generation)
    this.#from.trust.missedBy(change, ticket)
    this.#from.trust.failed(error, generation)
  }
}

/** Nobody waits for more. */
const NOTHING = Promise.resolve(undefined)
