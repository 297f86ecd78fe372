/** Entries of a memory cache that were given up. They count as gone at once, and leave when somebody looks at them, or a slice at a time. */

import type { Entries } from './entries.ts'
import type { DoomMode } from './groups.ts'

/** Entries given up that leave in one go; more of them leave later, unseen meanwhile. */
const REAPED_AT_ONCE = 1024

/** Lets the entry in `slot` leave if it was given up, now that somebody looks at it. The slot, if the entry may be looked at. */
export function judge<K, V>(entries: Entries<K, V>, slot: number): number | undefined {
  const doom = entries.ties.doom(slot)
  if (doom === undefined) return slot
  giveUp(entries, slot, doom)
  const stays = entries.table.values[slot] !== undefined
  // A callback may set another key, and that may get this very slot.
  entries.report()
  return stays ? slot : undefined
}

/** Gives up one entry. */
export function giveUp<K, V>(entries: Entries<K, V>, slot: number, mode: DoomMode): void {
  const { counts, ties } = entries
  if (entries.lives.isGone(slot)) {
    counts.expirations += 1
    entries.remove(slot, 'expire')
  } else {
    counts.invalidations += 1
    entries.sourceChanged(entries.table.keyIn(slot))
    if (mode === 'delete') entries.remove(slot, 'invalidate')
    else {
      if (entries.lives.isFresh(slot)) entries.age(slot)
      ties.renew(slot)
    }
  }
  entries.doomed(ties.pending)
}

/** Lets entries leave that were given up, at most 1024, so that nothing else waits long; an alarm sees to the rest. */
export function reapSlice<K, V>(entries: Entries<K, V>): void {
  const { ties } = entries
  for (let left = REAPED_AT_ONCE; left > 0; left -= 1) {
    const next = ties.poll()
    if (next === undefined) break
    giveUp(entries, next.slot, next.mode)
  }
  entries.doomed(ties.pending)
  if (ties.pending) entries.expect(entries.lives.now() + 1)
}

/** How many entries are still here that nobody sees any more. */
export function countDoomed<K, V>({ slots, ties }: Entries<K, V>): number {
  let count = 0
  for (const slot of slots.values()) if (ties.doom(slot) === 'delete') count += 1
  return count
}
