/** Entries as they travel: `info`, and what `dump` gives to `load`, whose times are times of day. */

import { type Entries, shown } from './entries.ts'
import type { LRUCache } from './lru-cache.ts'
import type { Entry, SetOptions } from './types.ts'

/** Value, size, what is left of its life, and the time of day. */
export function info<K extends {}, V extends {}, FC>(cache: LRUCache<K, V, FC>, entries: Entries<K, V, FC>, key: K): Entry<V> | undefined {
  const { residents, ages, sizes } = entries
  const slot = residents.slotOf(key)
  const value = slot === undefined ? undefined : shown(residents.heldIn(slot))
  if (slot === undefined || value === undefined) return undefined
  const entry: Entry<V> = { value }
  const start = ages?.start(slot)
  const ttl = ages?.ttl(slot)
  if (ttl && start) {
    entry.ttl = ttl - (cache.perf.now() - start)
    entry.start = Date.now()
  }
  if (sizes !== undefined) entry.size = sizes.of(slot)
  return entry
}

/** All entries, the least recently used first. */
export function dump<K extends {}, V extends {}, FC>(cache: LRUCache<K, V, FC>, entries: Entries<K, V, FC>): [K, Entry<V>][] {
  const { residents, ages, sizes } = entries
  const dumped: [K, Entry<V>][] = []
  for (const slot of residents.inOrder(false)) {
    const value = shown(residents.heldIn(slot))
    if (value === undefined) continue
    const entry: Entry<V> = { value }
    if (ages !== undefined) {
      entry.ttl = ages.ttl(slot)
      entry.start = Math.floor(Date.now() - (cache.perf.now() - ages.start(slot)))
    }
    if (sizes !== undefined) entry.size = sizes.of(slot)
    dumped.push([residents.keyIn(slot), entry])
  }
  return dumped
}

/** A dumped entry as options for `set`. The entry itself stays as it is, to be loaded again. */
export function loadable<K extends {}, V extends {}, FC>(cache: LRUCache<K, V, FC>, entry: Entry<V>): SetOptions<K, V, FC> {
  if (!entry.start) return entry
  return { ...entry, start: cache.perf.now() - (Date.now() - entry.start) }
}
