/** What a cache is told to keep or to forget, key by key: memory has it at once, the tiers as `persist` says. */

import { InvalidArgumentError } from '../errors.ts'
import type { Offered, Persist, TierEntry } from '../stores/tier.ts'
import { checkPersist } from './cache-options.ts'
import { heldOf } from './entry-detail.ts'
import { type Kept, NONE } from './kept.ts'
import type { Loading } from './loading.ts'
import type { MemoryCache } from './memory-cache.ts'
import type { NamedTiers } from './named-tiers.ts'
import type { Shelf } from './shelf.ts'
import type { TierWrite } from './tier-stack.ts'
import type { CacheSetOptions, DeleteOptions } from './types.ts'

/** What a cache writes to. */
export interface Targets<V> {
  readonly memory: MemoryCache<string, Kept<V>>
  readonly shelf: Shelf<V>
  readonly loading: Loading<V>
  readonly tiers: NamedTiers | undefined
  /** Where a call does not say. */
  readonly persist: Persist
}

/** See the top of this file. */
export class Writing<V> {
  readonly #memory: MemoryCache<string, Kept<V>>
  readonly #shelf: Shelf<V>
  readonly #loading: Loading<V>
  readonly #tiers: NamedTiers | undefined
  readonly #persist: Persist

  constructor({ memory, shelf, loading, tiers, persist }: Targets<V>) {
    this.#memory = memory
    this.#shelf = shelf
    this.#loading = loading
    this.#tiers = tiers
    this.#persist = persist
  }

  /** Throws `ERR_INVALID_ARGUMENT` for what cannot be meant. */
  persistOf(options: { persist?: Persist } | undefined): Persist {
    const persist = options?.persist ?? this.#persist
    checkPersist(persist, this.#tiers !== undefined)
    return persist
  }

  /** Stores `value`; `undefined` where nobody has to wait. */
  set(key: string, value: V, options: CacheSetOptions | undefined): Promise<void> | undefined {
    const persist = this.persistOf(options)
    const entry = this.#shelf.put(checkedKey(key), value, options)
    this.#loading.overtake(key)
    return this.below(key, options?.skipTierWrite === true ? undefined : entry, persist)
  }

  async setMany(entries: Iterable<readonly [key: string, value: V]>, options: CacheSetOptions | undefined): Promise<void> {
    const persist = this.persistOf(options)
    const isWritten = options?.skipTierWrite !== true
    const rest: TierWrite[] = []
    let turn: Promise<void> | undefined
    let written: Promise<unknown> | undefined
    try {
      for (const [key, value] of entries) {
        const entry = this.#shelf.put(checkedKey(key), value, options)
        this.#loading.overtake(key)
        // Behind the first that is not taken at once all others wait: they may be of the same key.
        const offered = rest.length === 0 && isWritten && this.#offer(key, entry, persist)
        if (offered === false) rest.push({ key, entry })
        else if (offered !== true) turn = offered
      }
    } finally {
      // An invalid entry in the middle must not keep those before it from the tiers.
      if (rest.length > 0)
        written = isWritten
          ? this.#tiers?.write(rest, persist)
          : this.#tiers?.remove(
              rest.map(({ key }) => key),
              persist,
            )
    }
    await (written ?? turn)
  }

  /** Removes; for each key, whether memory or a tier had it. */
  async delete(keys: readonly string[], options: DeleteOptions | undefined): Promise<boolean[]> {
    const persist = this.persistOf(options)
    const had = keys.map(key => {
      const known = heldOf(this.#memory, checkedKey(key))
      this.#memory.delete(key)
      this.#loading.overtake(key)
      return known !== undefined && known.left > 0 && known.value !== NONE
    })
    const below = options?.skipTierWrite === true ? undefined : await this.#tiers?.remove(keys, persist)
    return had.map((inMemory, at) => inMemory || below?.[at] === true)
  }

  /** Writes to the tiers what they shall have of `key`; without an entry, what is there goes. */
  below(key: string, entry: TierEntry | undefined, persist: Persist, isLoose = false): Promise<void> | undefined {
    if (entry === undefined) return this.#tiers?.remove([key], persist, isLoose).then(() => {})
    const offered = this.#offer(key, entry, persist)
    if (offered === false) return this.#tiers?.write([{ key, entry }], persist, isLoose)
    return offered === true ? undefined : offered
  }

  #offer(key: string, entry: TierEntry, persist: Persist): Offered {
    return persist === 'memory' && this.#tiers !== undefined && this.#tiers.offer(key, entry)
  }
}

/** `key`, if it is a text. Throws `ERR_INVALID_ARGUMENT` otherwise. */
export function checkedKey(key: unknown): string {
  if (typeof key !== 'string') throw notText(key)
  return key
}

export function notText(key: unknown): InvalidArgumentError {
  return new InvalidArgumentError('key', 'a string', key)
}
