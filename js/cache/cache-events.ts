/** The events of a cache with tiers: those of its memory, without what users must not see, and those of its loads. */

import type { TierWatch } from './guarded-tier.ts'
import { type Isolation, isolated } from './isolate.ts'
import { type Kept, NONE } from './kept.ts'
import { Listeners } from './listeners.ts'
import type { LoadTally } from './load-tally.ts'
import type { MemoryCache } from './memory-cache.ts'
import type { CacheEvents } from './types.ts'

const OF_MEMORY = ['hit', 'set', 'delete', 'evict', 'expire', 'invalidate', 'oversize'] as const
const OF_LOADS = ['miss', 'stale', 'loadStart', 'loadEnd', 'loadError', 'tierError', 'tierDown', 'tierUp', 'tierUntold'] as const

/** Nobody listens yet. */
export function cacheListeners<V>(): Listeners<CacheEvents<V>> {
  return new Listeners([...OF_MEMORY, ...OF_LOADS])
}

/** Adds a listener to those of the cache, and lets it hear of what happens in memory; the result takes it away. */
export function listen<V, Name extends keyof CacheEvents<V>>(
  { listeners, memory, isolate }: { listeners: Listeners<CacheEvents<V>>; memory: MemoryCache<string, Kept<V>>; isolate: Isolation },
  name: Name,
  listener: (event: CacheEvents<V>[Name]) => unknown,
): () => void {
  // A listener must not change what is inside either.
  const copied = (event: CacheEvents<V>[Name]) => listener('value' in event ? { ...event, value: isolated(event.value, 'clone') } : event)
  const own = isolate === 'clone' ? copied : listener
  const off = listeners.on(name, own)
  const ofMemory = OF_MEMORY.find(one => one === name)
  if (ofMemory === undefined) return off
  const offMemory = memory.on(ofMemory, event => (event.value === NONE ? undefined : own(event as CacheEvents<V>[Name])))
  return () => {
    off()
    offMemory()
  }
}

/** Tells those who listen how the tiers fare. */
export function tierEvents<V>(tally: LoadTally<V>): TierWatch {
  return {
    down: (tier, error) => tally.listeners?.emit('tierDown', { tier, error }),
    up: (tier, repaired) => tally.listeners?.emit('tierUp', { tier, repaired }),
    untold: (tier, missed, isKept) => tally.listeners?.emit('tierUntold', { tier, missed, isKept }),
  }
}
