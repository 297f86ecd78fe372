/** The tiers as one namespace sees them: under keys and tags of its own. */

import { namespaced, pathLength, pathWithin, withoutPath } from '../stores/namespaced.ts'
import type { Invalidation, Offered, Persist, Room, TierEntry } from '../stores/tier.ts'
import type { TierStack, TierWrite } from './tier-stack.ts'
import type { CacheTierStats } from './types.ts'

/** See the top of this file. A cache that is no namespace has the empty path, and its keys are as they are. */
export class NamedTiers {
  /** Hears of a change of `key` that a tier has not taken, where nobody waits for it. */
  failed: (key: string, error: unknown) => void = () => {}
  readonly #stack: TierStack
  /** The paths from the outermost cache to this one: under each of them, its tags are found. */
  readonly #paths: readonly string[]
  readonly #path: string

  constructor(stack: TierStack, paths: readonly string[] = ['']) {
    this.#stack = stack
    this.#paths = paths
    this.#path = paths.at(-1) as string
  }

  /** What the keys of this namespace begin with in the tiers. */
  get path(): string {
    return this.#path
  }

  /** Whether other processes use one of the tiers. */
  get isShared(): boolean {
    return this.#stack.isShared
  }

  /** The tiers as the namespace `name` in this one sees them. */
  within(name: string): NamedTiers {
    return new NamedTiers(this.#stack, [...this.#paths, pathWithin(this.#path, name)])
  }

  async read(key: string): Promise<TierEntry | undefined> {
    return this.#read(await this.#stack.read(this.#named(key)))
  }

  async readMany(keys: readonly string[], signal?: AbortSignal): Promise<(TierEntry | undefined)[]> {
    const found = await this.#stack.readMany(keys.map(this.#named), signal)
    return found.map(entry => this.#read(entry))
  }

  lock(key: string, signal: () => AbortSignal): ReturnType<TierStack['lock']> {
    return this.#stack.lock(this.#named(key), signal)
  }

  /** As many keys as there is room for, those first that were stored last. Keys of namespaces within are theirs. */
  async recent(most: Room): Promise<string[]> {
    const { length } = this.path
    const keys = await this.#stack.recent(most, key => key.startsWith(this.path) && pathLength(key) === length)
    return keys.map(key => withoutPath(key))
  }

  /** A loose change is over at once; what fails, {@link NamedTiers.failed} hears. */
  write(writes: readonly TierWrite[], persist: Persist, isLoose = false): Promise<void> {
    return this.#stack.write(
      writes.map(({ key, entry }) => ({ key: this.#named(key), entry: this.#written(entry) })),
      {
        persist,
        isLoose,
        told: error => {
          for (const { key } of writes) this.failed(key, error)
        },
      },
    )
  }

  /** {@link write} of one entry that is only to be queued, where that is done within the call. False: nothing has happened. */
  offer(key: string, entry: TierEntry): Offered {
    return this.#stack.offer(this.#named(key), this.#written(entry))
  }

  /** Memory has given these up, for want of room. */
  spill(writes: readonly TierWrite[]): void {
    const named = writes.map(({ key, entry }) => ({ key: this.#named(key), entry: this.#written(entry) }))
    this.#stack.spill(named, error => {
      for (const { key } of writes) this.failed(key, error)
    })
  }

  remove(keys: readonly string[], persist: Persist, isLoose = false): Promise<boolean[]> {
    const told = (error: unknown) => {
      for (const key of keys) this.failed(key, error)
    }
    return this.#stack.remove(keys.map(this.#named), { persist, isLoose, told })
  }

  invalidate({ mode, ...meant }: Invalidation, persist: Persist): Promise<void> {
    const texts = Object.entries(meant).map(([kind, text]) => [kind, typeof text === 'string' ? this.#named(text) : text?.map(this.#named)])
    return this.#stack.invalidate({ ...(Object.fromEntries(texts) as Invalidation), mode }, { persist })
  }

  /** Gives up everything, namespaces within this one too. */
  clear(persist: Persist): Promise<void> {
    return this.#path === '' ? this.#stack.clear({ persist }) : this.#stack.invalidate({ namespace: this.#path }, { persist })
  }

  flush(): Promise<void> {
    return this.#stack.flush()
  }

  /** Closes the tiers, unless they belong to another. */
  async close(): Promise<void> {
    if (this.#path === '') await this.#stack.close()
  }

  /** Those of the tiers, where they are not another's. */
  stats(): CacheTierStats[] {
    return this.#path === '' ? this.#stack.stats() : []
  }

  readonly #named = (text: string): string => namespaced(this.#path, text)

  #written(entry: TierEntry): TierEntry {
    const { facts } = entry
    if (facts?.tags === undefined && facts?.dependsOn === undefined) return entry
    const tags = facts.tags?.flatMap(tag => this.#paths.map(path => namespaced(path, tag)))
    return { ...entry, facts: { ...facts, ...(tags && { tags }), dependsOn: facts.dependsOn?.map(this.#named) } }
  }

  #read(entry: TierEntry | undefined): TierEntry | undefined {
    const { facts } = entry ?? {}
    if (entry === undefined || (facts?.tags === undefined && facts?.dependsOn === undefined)) return entry
    const tags = facts.tags?.filter(tag => pathLength(tag) === this.#path.length).map(tag => withoutPath(tag))
    const dependsOn = facts.dependsOn?.map(source => withoutPath(source))
    return { ...entry, facts: { ...facts, tags, dependsOn } }
  }
}
