/** Keeping what is in a cache apart from what its users hold. */

import { InvalidArgumentError } from '../errors.ts'

/** See the `isolate` option of a cache. */
export type Isolation = false | 'clone' | 'freeze'

/** Throws `ERR_INVALID_ARGUMENT` for anything else. */
export function readIsolation(value: unknown): Isolation {
  if (value !== false && value !== 'clone' && value !== 'freeze')
    throw new InvalidArgumentError('isolate', "false, 'clone' or 'freeze'", value)
  return value
}

/** `value` in the form in which it goes into the cache, or out of it. */
export function isolated<T>(value: T, how: Isolation): T {
  if (how === false || typeof value !== 'object' || value === null) return value
  return how === 'clone' ? structuredClone(value) : frozen(value)
}

/** Freezes `value` and all that it holds in properties; bytes behind views, and what is inside maps and sets, cannot be frozen. */
function frozen<T extends object>(value: T): T {
  const waiting: object[] = [value]
  const seen = new Set<object>(waiting)
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (ArrayBuffer.isView(next)) continue
    Object.freeze(next)
    for (const key of Reflect.ownKeys(next)) {
      const held: unknown = Object.getOwnPropertyDescriptor(next, key)?.value
      if (typeof held !== 'object' || held === null || seen.has(held)) continue
      seen.add(held)
      waiting.push(held)
    }
  }
  return value
}
