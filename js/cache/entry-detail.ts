/** What only the owner of a memory cache says of an entry, and gets to know of it. */

import type { Entries } from './entries.ts'
import type { Guard } from './guards.ts'

/** What a cache with tiers says of an entry beyond what users can. */
export interface EntryDetail<K, V> {
  /** Kept with the entry, and given back by {@link heldOf}. */
  readonly note?: unknown
  /** How much of the time to live, in milliseconds, is over: with more than all of it, the entry comes in stale. */
  readonly pastBy?: number
  /** The value is no news: it only comes in, and what was made from it stays. */
  readonly isCopy?: boolean
  /** The owner must be asked before the entry is read. */
  readonly guard?: Guard<K, V> | undefined
}

/** See {@link heldOf}. */
export interface Held<V> {
  readonly value: V
  readonly left: number
  readonly note: unknown
}

/** The value of `key`, fresh or stale, how long it is fresh (below zero: stale for so long), and its note. */
export function heldOf<K, V>({ contents }: Owned<K, V>, key: K): Held<V> | undefined {
  const slot = contents.find(key)
  if (slot === undefined || contents.lives.isGone(slot)) return undefined
  return {
    value: contents.table.values[slot] as V,
    left: contents.lives.freshUntil(slot) - contents.lives.now(),
    note: contents.table.noteOn(slot),
  }
}

/** Puts `note` on the entry of `key`, if there is one. */
export function annotate<K, V>({ contents }: Owned<K, V>, key: K, note: unknown): void {
  const slot = contents.find(key)
  if (slot !== undefined) contents.annotate(slot, note)
}

/** What the entry of `key` is tied to; nothing when there is none. */
export function tiesOf<K, V>({ contents }: Owned<K, V>, key: K): { tags: string[]; dependsOn: K[] } {
  const slot = contents.find(key)
  return slot === undefined ? { tags: [], dependsOn: [] } : contents.ties.of(slot)
}

interface Owned<K, V> {
  readonly contents: Entries<K, V>
}
