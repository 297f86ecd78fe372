/** The events of a memory cache. */

import type { Listeners } from './listeners.ts'
import type { MemoryCache } from './memory-cache.ts'
import type { GetOptions, MemoryCacheEvents } from './memory-types.ts'

/** Their names. */
export const EVENTS = ['hit', 'miss', 'set', 'delete', 'evict', 'expire', 'invalidate', 'oversize'] as const

/** While somebody listens to hits, `get` of this very cache is another one, so that nobody else pays. */
export function tellHits<K, V>(cache: MemoryCache<K, V>, listeners: Listeners<MemoryCacheEvents<K, V>> | undefined): void {
  const own = cache as { get?: MemoryCache<K, V>['get'] }
  if (listeners?.has('hit') !== true) {
    delete own.get
    return
  }
  const { get } = Object.getPrototypeOf(cache) as MemoryCache<K, V>
  own.get = (key: K, options?: GetOptions) => {
    const value = get.call(cache, key, options) as V | undefined
    if (value !== undefined) listeners.emit('hit', { key, value })
    return value
  }
}
