/** What only the owner of a memory cache says of an entry, and gets to know of it. */

import type { Guard } from './guards.ts'

/** What a cache with tiers says of an entry beyond what users can. */
export interface EntryDetail<K, V> {
  /** Kept with the entry, and given back by {@link MemoryCache.held}. */
  readonly note?: unknown
  /** How much of the time to live, in milliseconds, is over: with more than all of it, the entry comes in stale. */
  readonly pastBy?: number
  /** The value is no news: it only comes in, and what was made from it stays. */
  readonly isCopy?: boolean
  /** The owner must be asked before the entry is read. */
  readonly guard?: Guard<K, V> | undefined
}

/** See {@link MemoryCache.held}. */
export interface Held<V> {
  readonly value: V
  readonly left: number
  readonly note: unknown
}
