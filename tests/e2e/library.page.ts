/** The library for pages that tests drive step by step, and the globals that such tests share with their pages. */

import { type Cache, createCache } from '../../js/index.ts'
import { indexedDB } from '../../js/stores/indexeddb.ts'
import type { TierStats } from '../../js/stores/tier.ts'

const library = {
  createCache,
  indexedDB,
  /** The figures of a cache's only store. */
  tier(cache: { stats(): { readonly tiers: readonly TierStats[] } }): TierStats {
    const [tier] = cache.stats().tiers
    if (tier === undefined) throw new Error('the cache has no store')
    return tier
  },
  /** The record stores of a database, for tests that damage them. */
  async raw(name: string): Promise<IDBDatabase> {
    return new Promise((resolve, reject) => {
      const request = globalThis.indexedDB.open(`shelflife:${name}`)
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
    })
  },
}

declare global {
  var shelflife: Library
  /** What a page works with from one `evaluate` to the next. */
  var cache: Cache<unknown>
  /** What a page met that must not be. */
  var wrong: string[]
  /** How many listeners wait for the page to freeze. */
  var listening: number
  var isLoading: Promise<boolean>
  /** Whether the page hears what other tabs say, and how often it did not. */
  var isDeaf: boolean
  var unheard: number
  /** What happened to the page. */
  var lived: string[]
}
type Library = typeof library

Object.assign(globalThis, { shelflife: library })
