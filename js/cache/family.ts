/** A cache and the namespaces within it, theirs too: they share limits, and what is done to the cache is done to all of them. */

import type { Registry } from '../metrics/registry.ts'
import { reportAll } from './departures.ts'
import type { DoomMode } from './groups.ts'
import { Namespaces } from './namespaces.ts'
import { type Member, Pool } from './pool.ts'

/** What a family has to know of one cache, without its namespaces, and may do to it. */
export interface Kin extends Member {
  /** The bytes of its entries, where sizes are estimated. */
  bytes(): number
  /** Gives up a share of its entries and of their size. */
  shrink(share: number): void
  giveUpTags(tags: Iterable<string>, mode: DoomMode): void
  /** Lets a slice of what was given up leave. */
  reap(): void
  /** Removes everything. */
  discard(): void
  /** The same, for good. */
  end(): void
}

/** What users see of it. */
interface Cache {
  reportTo(registry: Registry): void
  validate(): void
}

/** See the top of this file. */
export class Family<Shown extends Cache> {
  /** Where the namespaces report to, those that are made later too. */
  registry: Registry | undefined
  readonly #cache: Shown
  readonly #own: Kin
  readonly #around: Family<Shown> | undefined
  readonly #namespaces = new Namespaces<Family<Shown>>()
  #pool: Pool | undefined

  constructor(cache: Shown, own: Kin, around?: Family<Shown>) {
    this.#cache = cache
    this.#own = own
    this.#around = around
  }

  /** The pool in which the cache shares its limits. */
  share(): Pool {
    const around = this.#around
    this.#pool ??= new Pool(this.#own, around === undefined ? undefined : around.#pool)
    return this.#pool
  }

  /** The namespace `name`; see {@link Namespaces.open}. */
  open(name: string, given: object | undefined, make: () => Family<Shown>): Shown {
    const opened = this.#namespaces.open(name, given, () => {
      const made = make()
      if (this.registry !== undefined) made.#cache.reportTo(this.registry)
      return made
    })
    return opened.#cache
  }

  /** The cache is closed. */
  leave(): void {
    this.#pool?.leave()
    if (this.#around !== undefined) this.#around.#namespaces.forget(this)
  }

  /** Gives up every entry with one of `tags`. */
  giveUpTags(tags: readonly string[], mode: DoomMode): void {
    const all = this.#all()
    for (const own of all) own.giveUpTags(tags, mode)
    for (const own of all) own.reap()
    reportAll(all)
  }

  /** Gives up a share of each. What left. */
  trim(share: number): { entries: number; bytes: number } {
    const all = this.#all()
    const left = { entries: 0, bytes: 0 }
    for (const own of all) {
      left.entries += own.entries()
      left.bytes += own.bytes()
      own.shrink(share)
      left.entries -= own.entries()
      left.bytes -= own.bytes()
    }
    reportAll(all)
    return left
  }

  /** The bytes of all entries together. */
  bytes(): number {
    return this.#all().reduce((sum, own) => sum + own.bytes(), 0)
  }

  /** Removes everything. */
  clear(): void {
    const all = this.#all()
    for (const own of all) own.discard()
    reportAll(all)
  }

  /** Closes every cache. */
  close(): void {
    const all = this.#all()
    for (const own of all) own.end()
    reportAll(all)
  }

  /** Recounts and throws where a limit is exceeded or a namespace is not right. For tests. */
  validate(): void {
    this.#pool?.validate()
    for (const within of this.#namespaces) within.#cache.validate()
  }

  #all(): Kin[] {
    const all = [this.#own]
    for (const within of this.#namespaces) all.push(...within.#all())
    return all
  }
}
