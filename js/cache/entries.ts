/** What the parts of a memory cache beside its hot path see of its entries, and may do to them. */

import type { Guard } from './guards.ts'
import type { Lives } from './lives.ts'
import type { MemoryCounts } from './memory-counts.ts'
import type { DisposeReason } from './memory-types.ts'
import type { SlotMap } from './slot-map.ts'
import type { SlotTable } from './slot-table.ts'
import type { Ties } from './ties.ts'

/** The entries of one cache, by slot. */
export interface Entries<K, V> {
  /** Those included that were given up and are still here. */
  readonly slots: SlotMap<K>
  readonly table: SlotTable<K, V>
  readonly lives: Lives
  readonly ties: Ties<K>
  readonly guards: Map<number, Guard<K, V>>
  readonly counts: MemoryCounts
  /** The wall's time. */
  wall(): number
  /** The slot of `key`, unless its entry was given up. */
  find(key: K): number | undefined
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
