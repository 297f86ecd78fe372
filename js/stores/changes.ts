/** Changes that wait to be told, few whatever happens: keys once each, and of too many "all". */

import type { Invalidation, StoreChange } from './tier.ts'

/** So many keys and invalidations are told one by one. */
const MOST = 10_000
/** Keys in one change. */
const KEYS_AT_ONCE = 1000

/** See the top of this file. */
export class Changes {
  #keys = new Set<string>()
  #invalidations: Invalidation[] = []
  #isAll = false

  get size(): number {
    return this.#isAll ? 1 : this.#keys.size + this.#invalidations.length
  }

  add(change: StoreChange): void {
    if (this.#isAll) return
    if ('all' in change) this.#isAll = true
    else if ('keys' in change) for (const key of change.keys) this.#keys.add(key)
    else this.#invalidations.push(change.invalidation)
    if (this.#keys.size + this.#invalidations.length > MOST) this.#isAll = true
    if (!this.#isAll) return
    this.#keys.clear()
    this.#invalidations = []
  }

  /** All that waits, which waits no longer. */
  take(): StoreChange[] {
    const taken: StoreChange[] = this.#isAll ? [{ all: true }] : this.#invalidations.map(invalidation => ({ invalidation }))
    const keys = [...this.#keys]
    for (let at = 0; at < keys.length; at += KEYS_AT_ONCE) taken.push({ keys: keys.slice(at, at + KEYS_AT_ONCE) })
    this.#keys = new Set()
    this.#invalidations = []
    this.#isAll = false
    return taken
  }
}
