/** What reading does to an entry, and says of it. */

import { type Entries, shown } from './entries.ts'
import { Flight } from './flight.ts'
import type { LRUCache } from './lru-cache.ts'
import type { GetOptions, Status } from './types.ts'

/** As `get`. */
export function read<K extends {}, V extends {}, FC>(
  cache: LRUCache<K, V, FC>,
  entries: Entries<K, V, FC>,
  key: K,
  options: GetOptions<K, V, FC>,
  status: Status<K, V, FC> | undefined,
): V | undefined {
  const { residents } = entries
  const slot = residents.slotOf(key)
  if (slot === undefined) {
    if (status !== undefined) status.get = 'miss'
    return undefined
  }
  const held = residents.heldIn(slot)
  if (status !== undefined) entries.ages?.describe(slot, status)
  if (entries.isStale(slot)) {
    const { allowStale = cache.allowStale, noDeleteOnStaleGet = cache.noDeleteOnStaleGet } = options
    if (!(held instanceof Flight) && !noDeleteOnStaleGet) entries.remove(key, 'expire')
    const value = allowStale ? shown(held) : undefined
    if (status !== undefined) {
      status.get = held instanceof Flight ? 'stale-fetching' : 'stale'
      if (value !== undefined) status.returnedStale = true
    }
    return value
  }
  if (status !== undefined) status.get = held instanceof Flight ? 'fetching' : 'hit'
  residents.touch(slot)
  if (options.updateAgeOnGet ?? cache.updateAgeOnGet) entries.renew(slot)
  return shown(held)
}

/** As `has`. */
export function isFresh<K extends {}, V extends {}, FC>(
  entries: Entries<K, V, FC>,
  key: K,
  updateAge: boolean,
  status: Status<K, V, FC> | undefined,
): boolean {
  const slot = entries.residents.slotOf(key)
  if (slot === undefined) {
    if (status !== undefined) status.has = 'miss'
    return false
  }
  const held = entries.residents.heldIn(slot)
  if (held instanceof Flight && held.stale === undefined) return false
  const stale = entries.isStale(slot)
  if (!stale && updateAge) entries.renew(slot)
  if (status !== undefined) {
    status.has = stale ? 'stale' : 'hit'
    entries.ages?.describe(slot, status)
  }
  return !stale
}

/** As `peek`. */
export function look<K extends {}, V extends {}, FC>(
  entries: Entries<K, V, FC>,
  key: K,
  allowStale: boolean,
  status: Status<K, V, FC> | undefined,
): V | undefined {
  const slot = entries.residents.slotOf(key)
  const stale = slot !== undefined && !allowStale && entries.isStale(slot)
  const value = slot === undefined || stale ? undefined : shown(entries.residents.heldIn(slot))
  if (status !== undefined) {
    status.peek = stale ? 'stale' : value === undefined ? 'miss' : 'hit'
    if (value !== undefined) status.value = value
  }
  return value
}
