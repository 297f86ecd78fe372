/** Entries of a memory cache that have to be asked about before a reader gets them. */

import { giveUp, reapSlice } from './doomed.ts'
import type { Entries } from './entries.ts'
import { Guard } from './guards.ts'
import type { ResolvedMemoryOptions } from './memory-options.ts'
import type { SetOptions } from './memory-types.ts'

const NEVER = Number.POSITIVE_INFINITY

/** The guard of an entry: the one that the owner of the cache brings, else one of the options of the entry or of the cache. */
export function guardFor<K, V>(
  given: Guard<K, V> | undefined,
  options: SetOptions<K> | undefined,
  usual: ResolvedMemoryOptions<K, V>,
): Guard<K, V> | undefined {
  const validate = options?.validate?.bind(options) ?? usual.validate
  return given ?? (validate && new Guard(options?.version, validate, { intervalMs: usual.validateIntervalMs }))
}

/** The slot of `key` for a reader, who gets neither what was given up nor what is not right any more. */
export function askedSlot<K, V>(entries: Entries<K, V>, key: K): number | undefined {
  const { slots, guards } = entries
  const slot = entries.find(key)
  const guard = slot === undefined ? undefined : guards.get(slot)
  if (slot === undefined || guard === undefined || guard.askAt > entries.lives.now() || !entries.lives.isFresh(slot)) return slot
  if (guard.isOwners) return undefined
  const right = guard.ask(key, entries.table.values[slot] as V, () => entries.lives.now())
  // It may have used the cache.
  if (slots.get(key) !== slot || guards.get(slot) !== guard) return entries.find(key)
  if (right) return slot
  drop(entries, slot)
  return undefined
}

/** What is to be asked about the fresh entry of `key` by the owner of the cache, before it is read. */
export function guardOf<K, V>(entries: Entries<K, V>, key: K): Guard<K, V> | undefined {
  const slot = entries.find(key)
  const guard = slot === undefined ? undefined : entries.guards.get(slot)
  if (slot === undefined || guard?.isOwners !== true) return undefined
  return guard.askAt <= entries.lives.now() && entries.lives.isFresh(slot) ? guard : undefined
}

/** Reads the entry of `key`, which was found right, if it is the one to which `guard` belongs. */
export function passed<K, V>(
  cache: { readonly contents: Entries<K, V>; get(key: K): V | undefined },
  key: K,
  guard: Guard<K, V>,
): V | undefined {
  const entries = cache.contents
  if (slotGuardedBy(entries, key, guard) === undefined) return undefined
  guard.askAt = NEVER
  const value = cache.get(key)
  guard.passed(entries.lives.now())
  return value
}

/** Gives up the entry of `key`, whose source has changed, if it is the one to which `guard` belongs. Whether it was. */
export function failed<K, V>(entries: Entries<K, V>, key: K, guard: Guard<K, V>): boolean {
  const slot = slotGuardedBy(entries, key, guard)
  if (slot !== undefined) drop(entries, slot)
  return slot !== undefined
}

function slotGuardedBy<K, V>(entries: Entries<K, V>, key: K, guard: Guard<K, V>): number | undefined {
  const slot = entries.find(key)
  return slot !== undefined && entries.guards.get(slot) === guard ? slot : undefined
}

function drop<K, V>(entries: Entries<K, V>, slot: number): void {
  giveUp(entries, slot, 'delete')
  reapSlice(entries)
  entries.report()
}
