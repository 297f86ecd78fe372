/** What the parts of a memory cache beside its hot path see of its entries, and may do to them. */

import type { Guard } from './guards.ts'
import type { MemoryCounts } from './memory-counts.ts'
import type { DisposeReason } from './memory-types.ts'
import type { SlotMap } from './slot-map.ts'
import type { Ties } from './ties.ts'

/** The entries of one cache, by slot. */
export interface Entries<K, V> {
  /** Those included that were given up and are still here. */
  readonly slots: SlotMap<K>
  readonly ties: Ties<K>
  readonly guards: Map<number, Guard<K, V>>
  readonly counts: MemoryCounts
  /** The driver's time. */
  now(): number
  /** The wall's time. */
  wall(): number
  /** The slot of `key`, unless its entry was given up. */
  find(key: K): number | undefined
  keyIn(slot: number): K
  /** Nothing where the slot is empty. */
  valueIn(slot: number): V | undefined
  noteOn(slot: number): unknown
  freshUntil(slot: number): number
  /** The end of its time to live, which is later where it may idle too long. */
  livesUntil(slot: number): number
  staleFor(slot: number): number
  /** Nothing where sizes are not counted. */
  sizeOf(slot: number): number | undefined
  isFresh(slot: number): boolean
  /** Whether not even who takes stale values gets the entry. */
  isGone(slot: number): boolean
  /** Up to `n` slots by what they are worth to the policy. */
  ranked(n: number, hottest: boolean): Iterable<number>
  annotate(slot: number, note: unknown): void
  /** What was made from `key` is true no longer. */
  sourceChanged(key: K): void
  /** Makes a fresh entry stale, which may be its end. */
  age(slot: number): void
  remove(slot: number, reason: DisposeReason): void
  /** Whether entries that were given up are still here. */
  doomed(has: boolean): void
  /** The alarm shall ring at `at`. */
  expect(at: number): void
  /** Tells the owner what has left. */
  report(): void
}
