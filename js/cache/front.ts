/** The synchronous front of a cache with tiers: its memory, read-only, without what users must not see. */

import { type Isolation, isolated } from './isolate.ts'
import { type Kept, NONE } from './kept.ts'
import type { MemoryCache } from './memory-cache.ts'
import type { ReadonlyMemoryCache } from './memory-types.ts'

/** See the top of this file. */
export function frontOf<V>(memory: MemoryCache<string, Kept<V>>, isolate: Isolation): ReadonlyMemoryCache<string, V> {
  const out = (kept: Kept<V> | undefined) => (kept === NONE ? undefined : isolate === 'clone' ? isolated(kept, 'clone') : kept)
  return {
    get size() {
      return memory.size
    },
    get: (key, options) => out(memory.get(key, options)),
    peek: (key, options) => out(memory.peek(key, options)),
    has: key => memory.has(key) && memory.peek(key) !== NONE,
    info(key) {
      const info = memory.info(key)
      return info === undefined || info.value === NONE ? undefined : { ...info, value: out(info.value) as V }
    },
    hottest: n => memory.hottest(n),
    coldest: n => memory.coldest(n),
    missRatioCurve: () => memory.missRatioCurve(),
    stats: () => memory.stats(),
  }
}
