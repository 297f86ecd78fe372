/** The way to a tier: nothing goes through before it is open, nothing overtakes what came before, and nobody waits for ever. */

import type { Driver } from '../core/driver.ts'
import { TimeoutError } from '../errors.ts'
import type { Tier } from '../stores/tier.ts'
import { Patience } from './patience.ts'

/** Keys that one timeout is for. */
const TIMED_KEYS = 1000

/** See the top of this file. */
export class Doorway {
  readonly timeoutMs: number
  readonly #tier: Tier
  readonly #driver: Driver
  /** Of those who wait no longer than the timeout. */
  readonly patience: Patience
  readonly #opening: Promise<void>
  #isOpen = false
  /** Calls that came before the tier was open and have not gone on yet. Later ones must not overtake them. */
  #queued = 0

  /** It stays closed until `before`, which does not reject, has come. */
  constructor(tier: Tier, driver: Driver, timeoutMs: number, before?: Promise<void>) {
    this.#tier = tier
    this.#driver = driver
    this.timeoutMs = timeoutMs
    this.patience = new Patience(driver, timeoutMs, { holds: true })
    // A tier that cannot open is off and says so; one that rejects all the same fails at its first call.
    this.#opening = attempt(() => tier.open())
      .catch(() => {})
      .then(() => before)
      .then(() => {
        this.#isOpen = true
      })
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Whether a call goes through at once. */
  get isFree(): boolean {
    return this.#isOpen && this.#queued === 0
  }

  /** Calls the tier, once it is open, in the order in which the calls came. */
  call<T>(call: (tier: Tier) => Promise<T>): Promise<T> {
    if (this.isFree) return attempt(() => call(this.#tier))
    this.#queued += 1
    return this.#opening.then(() => {
      this.#queued -= 1
      return call(this.#tier)
    })
  }

  /** `work`, or a rejection when it takes longer than a read of so many keys may. */
  inTime<T>(work: Promise<T>, keys = 1): Promise<T> {
    const ms = this.timeoutMs * Math.ceil(keys / TIMED_KEYS)
    if (ms === Number.POSITIVE_INFINITY) return work
    const patience = keys > TIMED_KEYS ? new Patience(this.#driver, ms, { holds: true }) : this.patience
    return new Promise((resolve, reject) => {
      const wait = patience.begin(() => reject(new TimeoutError('store', ms)))
      work.then(
        result => {
          patience.end(wait)
          resolve(result)
        },
        error => {
          patience.end(wait)
          reject(error)
        },
      )
    })
  }
}

/** A tier that somebody has written may throw where it should reject. */
function attempt<T>(call: () => Promise<T>): Promise<T> {
  try {
    return Promise.resolve(call())
  } catch (error) {
    return Promise.reject(error)
  }
}
