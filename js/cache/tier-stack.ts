/** The tiers below memory, taken together: reads go down until they find something, writes go to all. */

import type { Clock } from '../clock.ts'
import type { Invalidation, Offered, Room, StoreChange, TierEntry } from '../stores/tier.ts'
import { GuardedTier, type HowToChange, type TierWatch, type TierWrite } from './guarded-tier.ts'
import { type Joint, Leases } from './leases.ts'
import type { ResolvedTier } from './tier-options.ts'
import type { CacheTierStats } from './types.ts'
import { Memo } from './untold.ts'

export type { TierWrite } from './guarded-tier.ts'

interface Gathering {
  readonly at: Map<string, number>
  readonly found: Promise<(TierEntry | undefined)[]>
}

/** See the top of this file. */
export class TierStack {
  readonly #tiers: readonly GuardedTier[]
  /** The tier that takes a write at once where none is written through and more than `'memory'` is asked for. */
  readonly #standIn: GuardedTier | undefined
  /** Of reads that look further than the first tier: what they find may go up unless it was written or deleted meanwhile. */
  readonly #leases = new Leases()
  /** Keys asked for one by one within a microtask; they go down as one read. */
  #gathering: Gathering | undefined

  /** `onChange` is told what others have done to the stores. */
  constructor(tiers: readonly ResolvedTier[], clock: Clock, watch: TierWatch, onChange: (change: StoreChange) => void = () => {}) {
    let keeper: GuardedTier | undefined
    this.#tiers = tiers.map((tier, depth) => {
      const heard = (change: StoreChange) => this.#changed(change, depth, onChange)
      const above = keeper
      const memoOf = (name: string) => above && new Memo(above, `${depth}:${name}`, clock)
      const made = new GuardedTier(tier, clock, { ...watch, changed: heard }, memoOf)
      // What others share is no place for what this process alone has to remember.
      if (!made.isShared) keeper = made
      return made
    })
    this.#standIn = this.#tiers.some(({ mode }) => mode === 'write-through') ? undefined : this.#tiers[0]
  }

  /** Whether other processes use one of the tiers. */
  get isShared(): boolean {
    return this.#tiers.some(tier => tier.isShared)
  }

  /** The right to load `key` for all who share the tiers; `undefined` at once where nobody needs it. See {@link Tier.lock}. */
  lock(key: string, signal: () => AbortSignal): Promise<(() => void) | undefined> | undefined {
    for (const tier of this.#tiers) {
      const turn = tier.lock(key, signal)
      if (turn !== undefined) return turn
    }
    return undefined
  }

  /** Finds one key; those asked for at the same time become one read. */
  async read(key: string): Promise<TierEntry | undefined> {
    this.#gathering ??= this.#gather()
    const { at, found } = this.#gathering
    let index = at.get(key)
    if (index === undefined) {
      index = at.size
      at.set(key, index)
    }
    return (await found)[index]
  }

  /** Finds several keys; what a lower tier has is given to those above it. */
  async readMany(keys: readonly string[], signal?: AbortSignal): Promise<(TierEntry | undefined)[]> {
    const [only] = this.#tiers
    if (only !== undefined && this.#tiers.length === 1) {
      const entries = await only.getMany(keys, signal)
      return only.mode === 'on-evict' ? entries.map(fromBelow) : entries
    }
    const lease = this.#leases.takeMany()
    try {
      return await this.#descend(keys, lease, signal)
    } finally {
      this.#leases.releaseMany(lease)
    }
  }

  /** The keys that the nearest tier that can tell was given last. */
  async recent(most: Room, wanted: (key: string) => boolean): Promise<string[]> {
    for (const tier of this.#tiers) {
      const keys = await tier.recent(most, wanted)
      if (keys !== undefined && keys.length > 0) return keys
    }
    return []
  }

  /**
   * Writes to the tiers, each as its mode says. With more than `'memory'`, resolves when all that are written through have it, or the
   * nearest where none is, and rejects when one cannot.
   */
  write(writes: readonly TierWrite[], how: HowToChange): Promise<void> {
    const [only] = this.#tiers
    for (const { key } of writes) this.#leases.revoke(key)
    if (only !== undefined && this.#tiers.length === 1) return this.#writeTo(only, writes, how)
    return Promise.all(this.#tiers.map(tier => this.#writeTo(tier, writes, how))).then(() => {})
  }

  /** {@link write} of one entry that is only to be queued, where that is done within the call. False: nothing has happened. */
  offer(key: string, entry: TierEntry): Offered {
    const [only] = this.#tiers
    if (only === undefined || this.#tiers.length > 1 || only.mode === 'on-evict') return false
    const offered = only.offer(key, entry)
    if (offered === false) return false
    this.#leases.revoke(key)
    return only.mode === 'write-behind' ? true : offered
  }

  /** Memory has given these up, for want of room. */
  spill(writes: readonly TierWrite[], told: HowToChange['told']): void {
    const copies = writes.map(({ key, entry }) => ({ key, entry: withoutEra(entry) }))
    for (const tier of this.#tiers) if (tier.mode === 'on-evict') void tier.set(copies, { persist: 'memory', isLoose: true, told })
  }

  /** Deletes from every tier; for each key, whether one of them had it. */
  async remove(keys: readonly string[], how: HowToChange): Promise<boolean[]> {
    for (const key of keys) this.#leases.revoke(key)
    const had = await Promise.all(this.#tiers.map(tier => tier.remove(keys, how)))
    return keys.map((_, at) => had.some(tier => tier[at] === true))
  }

  /** Gives up what is meant in every tier. */
  async invalidate(meant: Invalidation, how: HowToChange): Promise<void> {
    this.#leases.revokeAll()
    await Promise.all(this.#tiers.map(tier => tier.invalidate(meant, how)))
  }

  async clear(how: HowToChange): Promise<void> {
    this.#leases.revokeAll()
    await Promise.all(this.#tiers.map(tier => tier.clear(how)))
  }

  async flush(): Promise<void> {
    await Promise.all(this.#tiers.map(tier => tier.flush()))
  }

  async close(): Promise<void> {
    await Promise.all(this.#tiers.map(tier => tier.leave()))
    await Promise.all(this.#tiers.map(tier => tier.close()))
  }

  stats(): CacheTierStats[] {
    return this.#tiers.map(tier => tier.stats())
  }

  /** Asks one tier after the other for what those above it do not have. */
  async #descend(keys: readonly string[], lease: Joint, signal: AbortSignal | undefined): Promise<(TierEntry | undefined)[]> {
    const found: (TierEntry | undefined)[] = new Array(keys.length).fill(undefined)
    let missing = keys.map((key, index) => ({ key, index }))
    for (const [depth, tier] of this.#tiers.entries()) {
      const entries = await tier.getMany(
        missing.map(({ key }) => key),
        signal,
      )
      const here = missing.filter(({ key }, at) => entries[at] !== undefined && !lease.isRevoked(key))
      for (const [at, { index }] of missing.entries()) {
        const entry = entries[at]
        found[index] = tier.mode === 'on-evict' ? fromBelow(entry) : entry
      }
      this.#promote(
        here.map(({ key, index }) => ({ key, entry: found[index] as TierEntry })),
        depth,
      )
      missing = missing.filter(({ index }) => found[index] === undefined)
      if (missing.length === 0) break
    }
    return found
  }

  #writeTo(tier: GuardedTier, writes: readonly TierWrite[], how: HowToChange): Promise<void> {
    const isStandIn = how.persist !== 'memory' && tier === this.#standIn
    if (tier.mode === 'write-through' || isStandIn) return tier.set(writes, how)
    const loose: HowToChange = { persist: 'memory', isLoose: true, told: how.told }
    if (tier.mode !== 'on-evict') return tier.set(writes, loose)
    // Until memory gives up the new value, the tier must not come up with an old one.
    const evicted = writes.filter(({ entry }) => entry.fate === 'evicted')
    const resident = writes.filter(({ entry }) => entry.fate !== 'evicted').map(({ key }) => key)
    if (evicted.length > 0) void tier.set(evicted, loose)
    if (resident.length > 0) void tier.remove(resident, loose)
    return Promise.resolve()
  }

  /** What is known above of a store that others have changed is out of date. */
  #changed(change: StoreChange, depth: number, onChange: (change: StoreChange) => void): void {
    if ('keys' in change) for (const key of change.keys) this.#leases.revoke(key)
    else this.#leases.revokeAll()
    for (const tier of this.#tiers.slice(0, depth)) void outdate(tier, change)
    onChange(change)
  }

  #gather(): Gathering {
    const at = new Map<string, number>()
    const found = Promise.resolve().then(() => {
      this.#gathering = undefined
      return this.readMany([...at.keys()])
    })
    return { at, found }
  }

  /** Gives what was found at `depth` to the tiers above, with the time that is left of it. */
  #promote(writes: readonly TierWrite[], depth: number): void {
    // A copy of what was made stale would be fresh.
    const copies = writes.filter(({ entry }) => entry.expiredAt === undefined).map(({ key, entry }) => ({ key, entry: withoutEra(entry) }))
    if (copies.length === 0) return
    for (const tier of this.#tiers.slice(0, depth)) if (tier.mode !== 'on-evict') tier.copy(copies)
  }
}

/** A copy of it in memory need not go down again. */
function fromBelow(entry: TierEntry | undefined): TierEntry | undefined {
  return entry && { ...entry, fate: 'below' }
}

function outdate(tier: GuardedTier, change: StoreChange): Promise<unknown> {
  if ('keys' in change) return tier.remove(change.keys, LOOSE)
  return 'invalidation' in change ? tier.invalidate(change.invalidation, LOOSE) : tier.clear(LOOSE)
}

const LOOSE: HowToChange = { persist: 'memory', isLoose: true }

/** Numbers of one tier mean nothing in another. */
function withoutEra(entry: TierEntry): TierEntry {
  return entry.facts?.era === undefined ? entry : { ...entry, facts: { ...entry.facts, era: undefined } }
}
