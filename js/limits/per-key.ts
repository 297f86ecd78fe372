/** A limiter for each key. */

import { createRateLimiter } from './rate-limiter.ts'
import type { RateLimiter, RateLimiterOptions } from './types.ts'

/** So many are kept without asking whether they are needed. */
const KEPT = 1000
/** Beyond that, each new one asks so many others: what a call costs does not depend on how many there are. */
const ASKED = 4

/** See the top of this file. One at rest, with a full bucket and an empty line, is as good as a new one and makes room for others. */
export class LimiterPerKey {
  readonly #options: RateLimiterOptions
  readonly #limiters = new Map<string, RateLimiter>()

  /** The options are those of each limiter, and checked already. */
  constructor(options: RateLimiterOptions) {
    this.#options = options
  }

  /** The limiter of `key`. */
  of(key: string): RateLimiter {
    let limiter = this.#limiters.get(key)
    if (limiter === undefined) {
      if (this.#limiters.size >= KEPT) this.#makeRoom()
      limiter = createRateLimiter(this.#options)
      this.#limiters.set(key, limiter)
    }
    return limiter
  }

  /** How many keys have a limiter. */
  get size(): number {
    return this.#limiters.size
  }

  /** Asks those that were not asked for longest. */
  #makeRoom(): void {
    const { burst = this.#options.tokensPerInterval } = this.#options
    const asked = this.#limiters.entries()
    for (let at = 0; at < ASKED; at += 1) {
      const [key, limiter] = asked.next().value as [string, RateLimiter]
      const { waiting, tokens } = limiter.stats()
      this.#limiters.delete(key)
      if (waiting === 0 && tokens === burst) limiter.close()
      else this.#limiters.set(key, limiter)
    }
  }
}
