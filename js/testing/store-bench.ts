/** What the cases of the contract of stores work with: one tier after the other on one place, and words for what must hold. */

import { storeContext } from '../core/tier-core.ts'
import { isShelflifeError } from '../errors.ts'
import type { Persist, Store, Tier, TierEntry } from '../stores/tier.ts'
import { ManualClock } from './manual-clock.ts'

/** A place to store things, fresh for one case. */
export interface StoreUnderTest {
  /** A store on that place; every call means the same place. */
  store(options?: { maxSize?: number }): Store
  /** Removes the place. */
  dispose?(): Promise<void> | void
}

/** What a store need not have: a log that is compacted, and a budget of its own in bytes. */
export type StoreFeature = 'compaction' | 'budget'

/** What a promise comes to on a bench. */
export type Cases = Record<string, (bench: Bench) => Promise<void>>

/** One tier at a time on one place, with a clock of its own. */
export class Bench {
  readonly clock = new ManualClock()
  readonly lacks: readonly StoreFeature[]
  readonly #place: StoreUnderTest
  #tier: Tier | undefined

  constructor(place: StoreUnderTest, lacks: readonly StoreFeature[]) {
    this.#place = place
    this.lacks = lacks
  }

  async open(options: { maxSize?: number } = {}): Promise<Tier> {
    await this.close()
    this.#tier = this.#place.store(options).openTier(storeContext(this.clock))
    await this.#tier.open()
    equal(this.#tier.stats().state, 'on', `the tier opens (${this.#tier.stats().reason})`)
    return this.#tier
  }

  async close(): Promise<void> {
    await this.#tier?.close()
    this.#tier = undefined
  }

  entry(value: unknown, ttl = Number.POSITIVE_INFINITY): TierEntry {
    return { value, writtenAt: this.clock.wall(), expiresAt: this.clock.wall() + ttl }
  }

  async set(tier: Tier, values: Record<string, unknown> | Map<string, unknown>, persist: Persist = 'stored'): Promise<void> {
    const pairs = values instanceof Map ? [...values] : Object.entries(values)
    await tier.setMany(
      pairs.map(([key, value]) => ({ key, entry: this.entry(value) })),
      { persist },
    )
  }
}

/** The values of `keys`. */
export async function valuesOf(tier: Tier, keys: readonly string[]): Promise<unknown[]> {
  return (await tier.getMany(keys)).map(entry => entry?.value)
}

/** What `work` rejects with. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'no error'
  } catch (error) {
    return isShelflifeError(error) ? error.code : `not ours: ${error}`
  }
}

/** @throws Error unless both are the same; `what` says which. */
export function equal(found: unknown, expected: unknown, what: string): void {
  if (!Object.is(found, expected))
    throw new Error(`${what}: expected ${String(expected).slice(0, 300)}, found ${String(found).slice(0, 300)}`)
}

/** @throws Error unless both look the same, in type too. */
export function same(found: unknown, expected: unknown): void {
  equal(show(found), show(expected), 'values')
}

/** A text that differs when values differ, in type too. */
export function show(value: unknown): string {
  if (Object.is(value, -0)) return '-0'
  if (typeof value === 'bigint') return `${value}n`
  if (value instanceof Date) return `Date ${value.getTime()}`
  if (value instanceof Map) return `Map ${show([...value])}`
  if (value instanceof Set) return `Set ${show([...value])}`
  if (value instanceof Uint8Array) return `bytes ${value}`
  if (Array.isArray(value)) return `[${value.map(show).join()}]`
  if (typeof value === 'object' && value !== null) return `{${Object.entries(value).map(([key, item]) => `${key}:${show(item)}`)}}`
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}

/** Numbers from 0 to 1 that look random (mulberry32). */
export function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
