/** What a memory cache offers beyond one key at a time: several, all, and those that are meant. */

import { wholeNumber } from '../options.ts'
import { dumpedEntry } from './dump.ts'
import type { Entries } from './entries.ts'
import type { DoomMode } from './groups.ts'
import { invalidateMatching, invalidatePrefix, invalidateWhere } from './invalidation.ts'
import type { DumpedEntry, EntryInfo, SetOptions } from './memory-types.ts'

/** See the top of this file. */
export abstract class Collection<K, V> {
  /** Not for users: the entries, by slot. */
  abstract get contents(): Entries<K, V>
  abstract get(key: K): V | undefined
  abstract set(key: K, value: V, options?: SetOptions<K>): boolean
  abstract delete(key: K): boolean

  /** Removes `key` and gives what it had. Counts as a read and as a removal. */
  take(key: K): V | undefined {
    const value = this.get(key)
    if (value !== undefined) this.delete(key)
    return value
  }

  /** What is known of the entry of `key`, stale or not; `undefined` when there is none. Does not count as use. */
  info(key: K): EntryInfo<V> | undefined {
    const entries = this.contents
    const slot = entries.find(key)
    if (slot === undefined || entries.lives.isGone(slot)) return undefined
    const left = entries.lives.freshUntil(slot) - entries.lives.now()
    return {
      value: entries.table.values[slot] as V,
      stale: left <= 0,
      ttl: Math.max(0, left),
      staleFor: entries.lives.staleFor(slot) + Math.min(0, left),
      size: entries.table.sizeOf(slot),
    }
  }

  /** The values of `keys`, in their order. */
  getMany(keys: Iterable<K>): (V | undefined)[] {
    return Array.from(keys, key => this.get(key))
  }

  /** Stores every entry; how many were stored. An invalid one throws, and those before it stay. */
  setMany(entries: Iterable<readonly [key: K, value: V, options?: SetOptions<K>]>): number {
    let stored = 0
    for (const [key, value, options] of entries) if (this.set(key, value, options)) stored += 1
    return stored
  }

  /** Removes every key; how many had a value. */
  deleteMany(keys: Iterable<K>): number {
    let deleted = 0
    for (const key of keys) if (this.delete(key)) deleted += 1
    return deleted
  }

  /**
   * Removes every entry whose key, a string, matches `pattern`: `*` stands for any run of characters, `?` for one, `\\`
   * takes the next character as it is. How many there were, stale ones that were deleted among them. `ERR_INVALID_ARGUMENT` for a pattern of more than 256 characters.
   */
  invalidate(pattern: string, options?: { mode?: DoomMode }): number {
    return invalidateMatching(this.contents, pattern, options)
  }

  /** Removes every entry whose key, a string, begins with `prefix`. How many there were. */
  invalidatePrefix(prefix: string, options?: { mode?: DoomMode }): number {
    return invalidatePrefix(this.contents, prefix, options)
  }

  /** Removes every entry for which `predicate` says so. How many there were. */
  invalidateWhere(predicate: (value: V, key: K) => boolean, options?: { mode?: DoomMode }): number {
    return invalidateWhere(this.contents, predicate, options)
  }

  /** The keys that have a value, in the order in which they came in. */
  *keys(): IterableIterator<K> {
    for (const [key] of this.entries()) yield key
  }

  /** The values, in the order in which their keys came in. */
  *values(): IterableIterator<V> {
    for (const [, value] of this.entries()) yield value
  }

  /** Keys and values, in the order in which the keys came in. Changing the cache meanwhile is allowed, as with a `Map`. */
  *entries(): IterableIterator<[K, V]> {
    const entries = this.contents
    for (const [key] of entries.slots) {
      const slot = entries.find(key)
      if (slot !== undefined && entries.lives.isFresh(slot)) yield [key, entries.table.values[slot] as V]
    }
  }

  [Symbol.iterator](): IterableIterator<[K, V]> {
    return this.entries()
  }

  /** Up to `n` keys, those first that would stay longest: by recency, and by frequency where the policy counts it. Looks at every entry once. */
  hottest(n = 10): K[] {
    return Array.from(this.#ranked(n, true), ({ key }) => key)
  }

  /** Up to `n` keys, those first that would leave first, as far as the policy knows before it has to decide. */
  coldest(n = 10): K[] {
    return Array.from(this.#ranked(n, false), ({ key }) => key)
  }

  /**
   * What is here, the least recently used first, to be saved and given to `load`, of another process perhaps. Entries of
   * namespaces and what the cache counts are not part of it.
   *
   * ```ts
   * await writeFile('users.json', JSON.stringify(cache.dump()))
   * cache.load(JSON.parse(await readFile('users.json', 'utf8')))
   * ```
   */
  dump(): [key: K, entry: DumpedEntry<K, V>][] {
    const entries = this.contents
    const start = entries.wall()
    return this.#ranked(entries.slots.size, false, true).map(({ key }) => {
      const slot = entries.slots.get(key) as number
      const entry = dumpedEntry(entries.table.values[slot] as V, {
        start,
        left: entries.lives.livesUntil(slot) - entries.lives.now(),
        staleFor: entries.lives.staleFor(slot),
        size: entries.table.isWeighed ? entries.table.sizeOf(slot) : undefined,
        version: entries.guards.get(slot)?.version,
        ...entries.ties.of(slot),
      })
      return [key, entry]
    })
  }

  #ranked(n: number, hottest: boolean, stale = false): { slot: number; key: K }[] {
    wholeNumber(n, 'n', { min: 0 })
    const entries = this.contents
    return Array.from(entries.ranked(n, hottest), slot => ({ slot, key: entries.table.keyIn(slot) })).filter(
      ({ slot, key }) => entries.find(key) === slot && (stale ? !entries.lives.isGone(slot) : entries.lives.isFresh(slot)),
    )
  }
}
