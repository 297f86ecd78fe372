/** Whether the parts of a memory cache say the same. For tests. */

import type { Limits } from './memory-options.ts'
import type { SlotMap } from './slot-map.ts'

/** What a memory cache consists of. */
interface Parts<K, V> {
  readonly slots: SlotMap<K>
  readonly keys: readonly (K | undefined)[]
  readonly values: readonly (V | undefined)[]
  readonly sizes: readonly number[]
  readonly totalSize: number
  readonly limits: Limits
  /** The first free slot, or -1, and how many have ever been in use. */
  readonly firstFree: number
  readonly used: number
  /** How many entries the core counts; nothing where it is gone. Asked last, since a trap that this finds empties the cache. */
  readonly countInCore: () => number | undefined
}

/** Counts again and throws where the parts disagree. */
export function recount<K, V>({ slots, keys, values, sizes, totalSize, limits, firstFree, used, countInCore }: Parts<K, V>): void {
  let size = 0
  for (const [key, slot] of slots) {
    if (!Object.is(keys[slot], key) && !(keys[slot] === 0 && key === 0)) throw new Error(`slot ${slot} does not hold its key`)
    if (values[slot] === undefined) throw new Error(`slot ${slot} holds no value`)
    size += sizes[slot] ?? 0
  }
  if (size !== totalSize) throw new Error(`sizes add up to ${size}, not ${totalSize}`)
  if (slots.size > limits.max || size > limits.maxSize) throw new Error('a limit is exceeded')
  let free = 0
  for (let slot = firstFree; slot >= 0 && free <= used; slot = keys[slot] as number) free += 1
  if (slots.size + free !== used) throw new Error('a slot is lost')
  const inCore = countInCore()
  if (inCore !== undefined && inCore !== slots.size) throw new Error(`the core counts ${inCore} entries, not ${slots.size}`)
}
