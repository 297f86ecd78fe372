/** Whether the parts of a memory cache say the same. For tests. */

import type { Limits } from './memory-options.ts'
import type { SlotTable } from './slot-table.ts'

/**
 * Counts again and throws where the parts disagree. `countInCore` says how many entries the core counts, or nothing where it is gone; it
 * is asked last, since a trap that this finds empties the cache.
 */
export function recount<K, V>(table: SlotTable<K, V>, limits: Limits, countInCore: () => number | undefined): void {
  const { slots, keys, values, totalSize, firstFree, used } = table
  let size = 0
  for (const [key, slot] of slots) {
    if (!Object.is(keys[slot], key) && !(keys[slot] === 0 && key === 0)) throw new Error(`slot ${slot} does not hold its key`)
    if (values[slot] === undefined) throw new Error(`slot ${slot} holds no value`)
    size += table.sizeOf(slot)
  }
  if (size !== totalSize) throw new Error(`sizes add up to ${size}, not ${totalSize}`)
  if (slots.size > limits.max || size > limits.maxSize) throw new Error('a limit is exceeded')
  let free = 0
  for (let slot = firstFree; slot >= 0 && free <= used; slot = keys[slot] as number) free += 1
  if (slots.size + free !== used) throw new Error('a slot is lost')
  const inCore = countInCore()
  if (inCore !== undefined && inCore !== slots.size) throw new Error(`the core counts ${inCore} entries, not ${slots.size}`)
}
