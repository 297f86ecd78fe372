/**
 * Going through all entries by recency, as `keys`, `values`, `entries`, `forEach` and `find` do. Whether stale ones are seen is asked
 * when it begins.
 */

import { type Entries, shown } from './entries.ts'
import { Flight } from './flight.ts'
import type { LRUCache } from './lru-cache.ts'
import { read } from './reads.ts'
import type { GetOptions } from './types.ts'

type Visit<K extends {}, V extends {}, FC, Answer> = (value: V, key: K, cache: LRUCache<K, V, FC>) => Answer

/** Without those whose value is being fetched. */
export function* keysOf<K extends {}, V extends {}, FC>(
  cache: LRUCache<K, V, FC>,
  entries: Entries<K, V, FC>,
  newestFirst: boolean,
): Generator<K, void, unknown> {
  const { residents } = entries
  for (const slot of entries.slots(newestFirst, cache.allowStale)) {
    if (!(residents.heldIn(slot) instanceof Flight)) yield residents.keyIn(slot)
  }
}

/** The same. */
export function* valuesOf<K extends {}, V extends {}, FC>(
  cache: LRUCache<K, V, FC>,
  entries: Entries<K, V, FC>,
  newestFirst: boolean,
): Generator<V, void, unknown> {
  for (const [, value] of pairsOf(cache, entries, newestFirst)) yield value
}

/** The same. */
export function* pairsOf<K extends {}, V extends {}, FC>(
  cache: LRUCache<K, V, FC>,
  entries: Entries<K, V, FC>,
  newestFirst: boolean,
): Generator<[K, V], void, unknown> {
  const { residents } = entries
  for (const slot of entries.slots(newestFirst, cache.allowStale)) {
    const held = residents.heldIn(slot)
    if (held !== undefined && !(held instanceof Flight)) yield [residents.keyIn(slot), held]
  }
}

/** Calls `visit` for each entry; while one is being fetched, with its stale value. */
export function visitAll<K extends {}, V extends {}, FC>(
  cache: LRUCache<K, V, FC>,
  entries: Entries<K, V, FC>,
  newestFirst: boolean,
  visit: Visit<K, V, FC, unknown>,
  thisp: unknown,
): void {
  const { residents } = entries
  for (const slot of entries.slots(newestFirst, cache.allowStale)) {
    const value = shown(residents.heldIn(slot))
    if (value !== undefined) visit.call(thisp, value, residents.keyIn(slot), cache)
  }
}

/** Reads the most recently used entry for which `isMeant` says yes. */
export function findOne<K extends {}, V extends {}, FC>(
  cache: LRUCache<K, V, FC>,
  entries: Entries<K, V, FC>,
  isMeant: Visit<K, V, FC, boolean>,
  options: GetOptions<K, V, FC>,
): V | undefined {
  const { residents } = entries
  for (const slot of entries.slots(true, cache.allowStale)) {
    const value = shown(residents.heldIn(slot))
    const key = residents.keyIn(slot)
    if (value !== undefined && isMeant(value, key, cache)) return read(cache, entries, key, options, options.status)
  }
  return undefined
}
