/** Changes of a tier that it has not answered yet: reads are answered with them, and nothing older is believed meanwhile. */

import type { Invalidation, Persist, TierEntry } from '../stores/tier.ts'

/** A write of one key. */
export interface TierWrite {
  readonly key: string
  readonly entry: TierEntry
}

/** How a change is made. */
export interface HowToChange {
  readonly persist: Persist
  /** Nobody waits for it. */
  readonly isLoose?: boolean
  /** Hears of a failure that reaches nobody else. */
  readonly told?: ((error: unknown) => void) | undefined
}

/** A change of keys, or of what is named otherwise. */
export interface Change {
  readonly how: HowToChange
  readonly keys: readonly string[]
  /** In the order of the keys; left out for deletions. */
  readonly writes?: readonly TierWrite[]
  /** Instead of keys: what is given up, or everything. */
  readonly wide?: Invalidation | 'all'
}

/** What is under way of a key. */
export interface Pending {
  readonly ticket: number
  /** `undefined`: it is being deleted. */
  entry: TierEntry | undefined
}

/** Keys that may be under way without anybody waiting for them. More are not written, and deleted later. */
const MOST_LOOSE = 16_384

/** See the top of this file. */
export class UnderWay {
  readonly #pending = new Map<string, Pending>()
  readonly #loose = new Set<Promise<void>>()
  #looseKeys = 0
  #ticket = 0
  /** Calls of `clear` that are under way. */
  #clearing = 0

  /** The number of the latest change. */
  get ticket(): number {
    return this.#ticket
  }

  /** The number of a new change. */
  next(): number {
    this.#ticket += 1
    return this.#ticket
  }

  /** Keys of changes that are not answered yet. */
  get keys(): string[] {
    return [...this.#pending.keys()]
  }

  /** Whether everything is being removed: nothing is there until that is over. */
  get isClearing(): boolean {
    return this.#clearing > 0
  }

  get(key: string): Pending | undefined {
    return this.#pending.size === 0 ? undefined : this.#pending.get(key)
  }

  /** A change goes to the tier. */
  begin({ keys, writes, wide }: Change, ticket: number): void {
    if (wide !== undefined) this.outdateAll()
    if (wide === 'all') this.#clearing += 1
    for (let at = 0; at < keys.length; at += 1) {
      const entry = writes?.[at]?.entry
      // Whether a source has changed, the tier knows.
      this.#pending.set(keys[at] as string, { ticket, entry: entry?.facts?.dependsOn === undefined ? entry : undefined })
    }
  }

  /** The tier has answered, or will not. */
  end({ keys, wide }: Change, ticket: number): void {
    if (wide === 'all') this.#clearing -= 1
    for (const key of keys) if (this.#pending.get(key)?.ticket === ticket) this.#pending.delete(key)
  }

  /** What is on its way of these is older than a change. */
  outdate(keys: readonly string[]): void {
    for (const key of keys) {
      const pending = this.#pending.get(key)
      if (pending !== undefined) pending.entry = undefined
    }
  }

  /** What is on its way is older than a change of which nobody can say what it means. */
  outdateAll(): void {
    for (const pending of this.#pending.values()) pending.entry = undefined
  }

  /** Whether so many keys more may be under way without anybody waiting for them. */
  hasRoomFor(count: number): boolean {
    return this.#looseKeys + count <= MOST_LOOSE
  }

  /** From now on nobody waits for a change of so many keys. To be called when it is over. */
  loosen(count: number): () => void {
    let end = () => {}
    const loose = new Promise<void>(resolve => {
      end = resolve
    })
    this.#looseKeys += count
    this.#loose.add(loose)
    return () => {
      this.#looseKeys -= count
      this.#loose.delete(loose)
      end()
    }
  }

  /** Resolves when all is over that nobody waits for now. */
  async settled(): Promise<void> {
    await Promise.all(this.#loose)
  }
}
