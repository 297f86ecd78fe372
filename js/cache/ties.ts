/** What entries are tied to, so that they are given up together: their tags, and the keys they were made from. */

import { type DoomMode, Groups } from './groups.ts'
import type { SetOptions } from './memory-types.ts'

/** Tags and sources of the entries of one cache, by slot. */
export class Ties<K> {
  readonly #tags = new Groups<string>()
  readonly #dependants = new Groups<K>()

  /** Whether entries that were given up are still here, so that every look at one has to ask {@link Ties.doom}. */
  get pending(): boolean {
    return this.#tags.pending || this.#dependants.pending
  }

  /** Ties the entry of `key` in `slot`, which has no ties. Nothing depends on itself. */
  join(slot: number, key: K, { tags, dependsOn }: SetOptions<K>): void {
    if (tags !== undefined) this.#tags.join(slot, tags)
    if (dependsOn === undefined) return
    const others = dependsOn.filter(source => !Object.is(source, key))
    this.#dependants.join(slot, others)
  }

  /** What the entry in `slot` is tied to. */
  of(slot: number): { tags: string[]; dependsOn: K[] } {
    return { tags: this.#tags.namesOf(slot), dependsOn: this.#dependants.namesOf(slot) }
  }

  /** Cuts every tie of `slot`. */
  leave(slot: number): void {
    this.#tags.leave(slot)
    this.#dependants.leave(slot)
  }

  /** The entry in `slot` has outlived what was given up with mode `'expire'`. */
  renew(slot: number): void {
    this.#tags.renew(slot)
  }

  /** Gives up what has one of `tags`: in one step, whatever their number. */
  giveUpTags(tags: Iterable<string>, mode: DoomMode): void {
    for (const tag of tags) this.#tags.giveUp(tag, mode)
  }

  /** What was made from `key` is true no longer. Whether there was any. */
  sourceChanged(key: K): boolean {
    return this.#dependants.giveUp(key, 'delete')
  }

  /** What was made from the keys that are meant is true no longer, whether they are here or not. */
  sourcesChanged(isMeant: (key: K) => boolean): void {
    for (const key of this.#dependants.names()) if (isMeant(key)) this.#dependants.giveUp(key, 'delete')
  }

  /** What is to become of the entry in `slot`, if it was given up. */
  doom(slot: number): DoomMode | undefined {
    return this.#dependants.doom(slot) ?? this.#tags.doom(slot)
  }

  /** An entry that was given up, if one is left. */
  poll(): { slot: number; mode: DoomMode } | undefined {
    return this.#dependants.poll() ?? this.#tags.poll()
  }

  clear(): void {
    this.#tags.clear()
    this.#dependants.clear()
  }
}
