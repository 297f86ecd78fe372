/** Entries of a memory cache that are given up for what they are: by a pattern or a prefix of their key, or by a predicate. */

import { InvalidArgumentError } from '../errors.ts'
import { compileGlob } from '../glob.ts'
import { giveUp, reapSlice } from './doomed.ts'
import type { Entries } from './entries.ts'
import type { DoomMode } from './groups.ts'

interface Options {
  readonly mode?: DoomMode
}

/** Gives up the entries whose key, a string, matches `pattern`; how many. */
export function invalidateMatching<K, V>(entries: Entries<K, V>, pattern: string, options: Options | undefined): number {
  const matches = compileGlob(pattern)
  return invalidateNamed(entries, key => typeof key === 'string' && matches(key), options)
}

/** Gives up the entries whose key, a string, begins with `prefix`; how many. */
export function invalidatePrefix<K, V>(entries: Entries<K, V>, prefix: string, options: Options | undefined): number {
  if (typeof prefix !== 'string') throw new InvalidArgumentError('prefix', 'a string', prefix)
  return invalidateNamed(entries, key => typeof key === 'string' && key.startsWith(prefix), options)
}

/** Gives up the entries for which `predicate` says so; how many. */
export function invalidateWhere<K, V>(
  entries: Entries<K, V>,
  predicate: (value: V, key: K) => boolean,
  options: Options | undefined,
): number {
  if (typeof predicate !== 'function') throw new InvalidArgumentError('predicate', 'a function', predicate)
  return invalidateKeys(entries, (key, slot) => predicate(entries.valueIn(slot) as V, key), options)
}

/** Throws `ERR_INVALID_ARGUMENT` for anything else than a mode. */
export function checkedMode(mode: unknown): DoomMode {
  if (mode !== 'delete' && mode !== 'expire') throw new InvalidArgumentError('mode', "'delete' or 'expire'", mode)
  return mode
}

function invalidateNamed<K, V>(entries: Entries<K, V>, isMeant: (key: K) => boolean, options: Options | undefined): number {
  return invalidateKeys(entries, isMeant, options, isMeant)
}

function invalidateKeys<K, V>(
  entries: Entries<K, V>,
  isMeant: (key: K, slot: number) => boolean,
  { mode = 'delete' }: Options = {},
  isMeantSource?: (key: K) => boolean,
): number {
  checkedMode(mode)
  const meant: { key: K; slot: number; value: V }[] = []
  for (const [key, slot] of entries.slots) {
    // A name is quicker to look at than an entry; a predicate sees none that is gone.
    if (isMeantSource !== undefined && !isMeantSource(key)) continue
    const value = entries.valueIn(slot) as V
    if (entries.find(key) !== slot || (mode === 'delete' ? entries.isGone(slot) : !entries.isFresh(slot))) continue
    if (isMeantSource !== undefined || isMeant(key, slot)) meant.push({ key, slot, value })
  }
  let count = 0
  for (const { key, slot, value } of meant) {
    // The predicate is the caller's own code: it may have changed the cache since it said so.
    if (entries.slots.get(key) !== slot || entries.valueIn(slot) !== value) continue
    giveUp(entries, slot, mode)
    count += 1
  }
  // What was made from a key that is not here any more goes, too.
  if (isMeantSource !== undefined) entries.ties.sourcesChanged(isMeantSource)
  reapSlice(entries)
  entries.report()
  return count
}
