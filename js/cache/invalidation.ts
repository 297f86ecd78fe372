/** Entries of a memory cache that are given up for what they are: by a pattern or a prefix of their key, or by a predicate. */

import { InvalidArgumentError } from '../errors.ts'
import { compileGlob } from '../glob.ts'
import type { DoomMode } from './groups.ts'
import type { SlotMap } from './slot-map.ts'

/** What has to be known of the cache, and done to it. */
export interface Invalidated<K, V> {
  readonly slots: SlotMap<K>
  valueIn(slot: number): V
  /** The slot of `key`, unless its entry was given up. */
  find(key: K): number | undefined
  isFresh(slot: number): boolean
  /** Whether not even who takes stale values gets the entry. */
  isGone(slot: number): boolean
  giveUp(slot: number, mode: DoomMode): void
  /** What was made from the keys that are meant is true no longer, whether they are here or not. */
  sourcesChanged(isMeant: (key: K) => boolean): void
  /** Lets a slice of what was given up leave, and tells the owner. */
  reap(): void
}

interface Options {
  readonly mode?: DoomMode
}

/** Gives up the entries whose key, a string, matches `pattern`; how many. */
export function invalidateMatching<K, V>(cache: Invalidated<K, V>, pattern: string, options: Options | undefined): number {
  const matches = compileGlob(pattern)
  return invalidateNamed(cache, key => typeof key === 'string' && matches(key), options)
}

/** Gives up the entries whose key, a string, begins with `prefix`; how many. */
export function invalidatePrefix<K, V>(cache: Invalidated<K, V>, prefix: string, options: Options | undefined): number {
  if (typeof prefix !== 'string') throw new InvalidArgumentError('prefix', 'a string', prefix)
  return invalidateNamed(cache, key => typeof key === 'string' && key.startsWith(prefix), options)
}

/** Gives up the entries for which `predicate` says so; how many. */
export function invalidateWhere<K, V>(
  cache: Invalidated<K, V>,
  predicate: (value: V, key: K) => boolean,
  options: Options | undefined,
): number {
  if (typeof predicate !== 'function') throw new InvalidArgumentError('predicate', 'a function', predicate)
  return invalidateKeys(cache, (key, slot) => predicate(cache.valueIn(slot), key), options)
}

/** Throws `ERR_INVALID_ARGUMENT` for anything else than a mode. */
export function checkedMode(mode: unknown): DoomMode {
  if (mode !== 'delete' && mode !== 'expire') throw new InvalidArgumentError('mode', "'delete' or 'expire'", mode)
  return mode
}

function invalidateNamed<K, V>(cache: Invalidated<K, V>, isMeant: (key: K) => boolean, options: Options | undefined): number {
  return invalidateKeys(cache, isMeant, options, isMeant)
}

function invalidateKeys<K, V>(
  cache: Invalidated<K, V>,
  isMeant: (key: K, slot: number) => boolean,
  { mode = 'delete' }: Options = {},
  isMeantSource?: (key: K) => boolean,
): number {
  checkedMode(mode)
  const meant: { key: K; slot: number; value: V }[] = []
  for (const [key, slot] of cache.slots) {
    // A name is quicker to look at than an entry; a predicate sees none that is gone.
    if (isMeantSource !== undefined && !isMeantSource(key)) continue
    const value = cache.valueIn(slot)
    if (cache.find(key) !== slot || (mode === 'delete' ? cache.isGone(slot) : !cache.isFresh(slot))) continue
    if (isMeantSource !== undefined || isMeant(key, slot)) meant.push({ key, slot, value })
  }
  let count = 0
  for (const { key, slot, value } of meant) {
    // The predicate is the caller's own code: it may have changed the cache since it said so.
    if (cache.slots.get(key) !== slot || cache.valueIn(slot) !== value) continue
    cache.giveUp(slot, mode)
    count += 1
  }
  // What was made from a key that is not here any more goes, too.
  if (isMeantSource !== undefined) cache.sourcesChanged(isMeantSource)
  cache.reap()
  return count
}
