/** Entries on their way out of a cache and into another one, perhaps as JSON and in another process. */

import { InvalidArgumentError } from '../errors.ts'
import { wholeNumber } from '../options.ts'
import type { EntryDetail } from './entry-detail.ts'
import { checkValidation } from './guards.ts'
import { texts } from './marks.ts'
import type { DumpedEntry, SetOptions, Version } from './memory-types.ts'

/** How to set one entry. */
export interface Loaded<K, V> {
  readonly key: K
  readonly value: V
  readonly options: SetOptions<K>
  readonly detail: EntryDetail<K, V>
}

/** What a cache knows of an entry that is to be dumped. */
interface Known<K> {
  /** When it is dumped, in milliseconds since 1970. */
  readonly start: number
  /** Milliseconds that it is fresh from then on. */
  readonly left: number
  readonly staleFor: number
  /** Nothing where sizes are not counted. */
  readonly size: number | undefined
  readonly tags: string[]
  readonly dependsOn: K[]
  readonly version: Version | undefined
}

/** An entry as it is dumped, without what goes without saying. */
export function dumpedEntry<K, V>(value: V, { start, left, staleFor, size, tags, dependsOn, version }: Known<K>): DumpedEntry<K, V> {
  return {
    value,
    ...(left !== Number.POSITIVE_INFINITY && { ttl: left, start }),
    ...(staleFor > 0 && { staleFor }),
    ...(size !== undefined && { size }),
    ...(tags.length > 0 && { tags }),
    ...(dependsOn.length > 0 && { dependsOn }),
    ...(version !== undefined && { version }),
  }
}

/** What was dumped, as of `wall`; without what has expired since. Throws `ERR_INVALID_ARGUMENT` at the first entry that cannot be meant. */
export function readDump<K, V>(entries: Iterable<readonly [K, DumpedEntry<K, V>]>, wall: number): Loaded<K, V>[] {
  if (typeof (entries as Iterable<unknown> | undefined)?.[Symbol.iterator] !== 'function' || typeof entries === 'string')
    throw new InvalidArgumentError('entries', 'an array of [key, entry]', entries)
  const read: Loaded<K, V>[] = []
  let at = 0
  for (const pair of entries) {
    const loaded = readEntry(pair, wall, `entries[${at}]`)
    if (loaded !== undefined) read.push(loaded)
    at += 1
  }
  return read
}

function readEntry<K, V>(pair: readonly [K, DumpedEntry<K, V>], wall: number, name: string): Loaded<K, V> | undefined {
  const entry = Array.isArray(pair) && pair.length === 2 ? (pair[1] as DumpedEntry<K, V> | undefined) : undefined
  if (typeof entry !== 'object' || entry === null) throw new InvalidArgumentError(name, 'a pair of a key and an object with a value', pair)
  const { value, ttl, start = wall, staleFor = 0, size, tags, dependsOn, version } = entry
  if (value === undefined) throw new InvalidArgumentError(`${name}.value`, 'anything but undefined, which means a miss', value)
  if (ttl !== undefined && !Number.isFinite(ttl)) throw new InvalidArgumentError(`${name}.ttl`, 'a number of milliseconds', ttl)
  if (!Number.isFinite(start)) throw new InvalidArgumentError(`${name}.start`, 'a time in milliseconds since 1970', start)
  if (!(staleFor >= 0)) throw new InvalidArgumentError(`${name}.staleFor`, 'a number of milliseconds', staleFor)
  if (size !== undefined) wholeNumber(size, `${name}.size`, { min: 0 })
  if (tags !== undefined) texts(tags, `${name}.tags`)
  if (dependsOn !== undefined && !Array.isArray(dependsOn)) throw new InvalidArgumentError(`${name}.dependsOn`, 'an array', dependsOn)
  checkValidation({ version })
  // A clock that was set back must not make entries live longer.
  const left = ttl === undefined ? Number.POSITIVE_INFINITY : ttl - Math.max(0, wall - start)
  if (left + staleFor <= 0) return undefined
  return {
    key: pair[0],
    value,
    options: {
      ttl: left > 0 ? left : 1,
      ...(staleFor > 0 && { staleFor }),
      ...(size !== undefined && { size }),
      ...(tags !== undefined && { tags }),
      ...(dependsOn !== undefined && { dependsOn }),
      ...(version !== undefined && { version }),
    },
    // It is no news: what was made from it, and came in before it, is as true as it was.
    detail: left > 0 ? { isCopy: true } : { isCopy: true, pastBy: 1 - left },
  }
}
