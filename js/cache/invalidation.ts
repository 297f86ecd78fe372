/** Entries of a memory cache that are given up for what they are: by a pattern or a prefix of their key, or by a predicate. */

import { InvalidArgumentError } from '../errors.ts'
import { compileGlob } from '../glob.ts'
import { optionsObject } from '../options.ts'
import { giveUp, reapSlice } from './doomed.ts'
import type { Entries } from './entries.ts'
import type { DoomMode } from './groups.ts'

interface Options {
  readonly mode?: DoomMode
}

/** Gives up the entries whose key, a string, matches `pattern`; how many. */
export function invalidateMatching<K, V>(entries: Entries<K, V>, pattern: string, options: Options | undefined): number {
  return invalidateNamed(entries, compileGlob(pattern), options)
}

/** Gives up the entries whose key, a string, begins with `prefix`; how many. */
export function invalidatePrefix<K, V>(entries: Entries<K, V>, prefix: string, options: Options | undefined): number {
  if (typeof prefix !== 'string') throw new InvalidArgumentError('prefix', 'a string', prefix)
  return invalidateNamed(entries, key => key.startsWith(prefix), options)
}

/** Gives up the entries for which `predicate` says so; how many. */
export function invalidateWhere<K, V>(
  entries: Entries<K, V>,
  predicate: (value: V, key: K) => boolean,
  options: Options | undefined,
): number {
  if (typeof predicate !== 'function') throw new InvalidArgumentError('predicate', 'a function', predicate)
  const mode = modeIn(options)
  const meant = new Meant(entries, mode)
  // A predicate sees none that is gone.
  entries.slots.forEach((key, slot) => {
    if (meant.isThere(key, slot) && saysYes(predicate(entries.table.values[slot] as V, key))) meant.add(slot)
  })
  return meant.giveUp()
}

/** The mode that options of an invalidation name. Throws `ERR_INVALID_ARGUMENT` for anything else than a mode. */
export function modeIn(options: Options | undefined): DoomMode {
  const { mode = 'delete' }: Options = optionsObject(options, 'options')
  if (mode !== 'delete' && mode !== 'expire') throw new InvalidArgumentError('mode', "'delete' or 'expire'", mode)
  return mode
}

function invalidateNamed<K, V>(entries: Entries<K, V>, isMeant: (key: string) => boolean, options: Options | undefined): number {
  const meant = new Meant(entries, modeIn(options))
  // A name is quicker to look at than an entry.
  entries.slots.forEach((key, slot) => {
    if (typeof key === 'string' && isMeant(key) && meant.isThere(key, slot)) meant.add(slot)
  })
  return meant.giveUp(key => typeof key === 'string' && isMeant(key))
}

/** Entries that are meant. They are given up when all are found, for one that goes takes along what was made from it. */
class Meant<K, V> {
  readonly #entries: Entries<K, V>
  readonly #mode: DoomMode
  readonly #slots: number[] = []
  readonly #keys: K[] = []
  readonly #values: (V | undefined)[] = []

  constructor(entries: Entries<K, V>, mode: DoomMode) {
    this.#entries = entries
    this.#mode = mode
  }

  isThere(key: K, slot: number): boolean {
    const entries = this.#entries
    if (entries.ties.pending && entries.find(key) !== slot) return false
    return this.#mode === 'delete' ? !entries.lives.isGone(slot) : entries.lives.isFresh(slot)
  }

  add(slot: number): void {
    this.#slots.push(slot)
    this.#keys.push(this.#entries.table.keyIn(slot))
    this.#values.push(this.#entries.table.values[slot])
  }

  /** How many there were. What was made from the sources that are meant goes, too, whether they are here or not. */
  giveUp(isMeantSource?: (key: K) => boolean): number {
    const entries = this.#entries
    let count = 0
    for (const [at, slot] of this.#slots.entries()) {
      // A predicate is the caller's own code, and so is `dispose`: they may have changed the cache since.
      if (!Object.is(entries.table.keyIn(slot), this.#keys[at]) || !Object.is(entries.table.values[slot], this.#values[at])) continue
      giveUp(entries, slot, this.#mode)
      count += 1
    }
    if (isMeantSource !== undefined) entries.ties.sourcesChanged(isMeantSource)
    reapSlice(entries)
    entries.report()
    return count
  }
}

/** A promise counts as yes, and an `async` predicate would remove everything. */
function saysYes(answer: unknown): boolean {
  if (typeof (answer as { then?: unknown } | null | undefined)?.then === 'function')
    throw new InvalidArgumentError('predicate', 'a function that answers at once, with true or false', answer)
  return Boolean(answer)
}
