/** The tiers below memory, taken together: reads go down until they find something, writes go to all. */

import type { Clock } from '../clock.ts'
import { storeContext } from '../core/tier-core.ts'
import type { Invalidation, Persist, Store, StoreChange, Tier, TierEntry, TierStats } from '../stores/tier.ts'
import { type Lease, Leases } from './leases.ts'

/** A write of one key. */
export interface TierWrite {
  readonly key: string
  readonly entry: TierEntry
}

interface Gathering {
  readonly at: Map<string, number>
  readonly found: Promise<(TierEntry | undefined)[]>
}

/** See the top of this file. */
export class TierStack {
  readonly #tiers: readonly Tier[]
  readonly #opening: Promise<void>
  #isOpen = false
  /** Calls that came before the tiers were open and have not gone on yet. Later ones must not overtake them. */
  #queuedAtDoor = 0
  /** Of reads that look further than the first tier: what they find may go up unless it was written or deleted meanwhile. */
  readonly #leases = new Leases()
  /** Keys asked for one by one within a microtask; they go down as one read. */
  #gathering: Gathering | undefined

  /** `onChange` is told what others have done to the stores. */
  constructor(stores: readonly Store[], clock: Clock, onChange: (change: StoreChange) => void = () => {}) {
    this.#tiers = stores.map((store, depth) =>
      store.openTier({ ...storeContext(clock), onChange: change => this.#changed(change, depth, onChange) }),
    )
    // A tier that cannot open is off and says so; one that rejects all the same fails at its first call.
    this.#opening = Promise.allSettled(this.#tiers.map(async tier => tier.open())).then(() => {
      this.#isOpen = true
    })
  }

  /** The right to load `key` for all who share the tiers; `undefined` at once where nobody needs it. See {@link Tier.lock}. */
  lock(key: string, signal: () => AbortSignal): Promise<(() => void) | undefined> | undefined {
    for (const tier of this.#tiers) {
      const turn = tier.lock?.(key, signal)
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
    const leases = this.#tiers.length === 1 ? [] : keys.map(key => this.#leases.take(key))
    try {
      return await this.#descend(keys, leases, signal)
    } finally {
      for (const lease of leases) this.#leases.release(lease)
    }
  }

  async #descend(keys: readonly string[], leases: readonly Lease[], signal: AbortSignal | undefined): Promise<(TierEntry | undefined)[]> {
    // Behind the writes that came before: an empty call waits for its turn and does nothing else.
    if (!this.#isOpen || this.#queuedAtDoor > 0) await this.#inOrder(async () => {})
    const found: (TierEntry | undefined)[] = new Array(keys.length).fill(undefined)
    let missing = keys.map((key, index) => ({ key, index }))
    for (let depth = 0; depth < this.#tiers.length && missing.length > 0; depth += 1) {
      const tier = this.#tiers[depth] as Tier
      const entries = await tier.getMany(
        missing.map(({ key }) => key),
        { signal },
      )
      const here = missing.filter(({ index }, at) => entries[at] !== undefined && leases[index]?.revoked === false)
      for (const [at, { index }] of missing.entries()) found[index] = entries[at]
      this.#promote(
        here.map(({ key, index }) => ({ key, entry: found[index] as TierEntry })),
        depth,
      )
      missing = missing.filter(({ index }) => found[index] === undefined)
    }
    return found
  }

  /** Writes to every tier; resolves when all have it as `persist` says, rejects when one cannot. */
  async write(writes: readonly TierWrite[], persist: Persist): Promise<void> {
    for (const { key } of writes) this.#leases.revoke(key)
    await this.#inOrder(tier => tier.setMany(writes, { persist }))
  }

  /** Deletes from every tier; for each key, whether one of them had it. */
  async remove(keys: readonly string[], persist: Persist): Promise<boolean[]> {
    for (const key of keys) this.#leases.revoke(key)
    const had = await this.#inOrder(tier => tier.deleteMany(keys, { persist }))
    return keys.map((_, at) => had.some(tier => tier[at] === true))
  }

  /** Gives up what is meant in every tier. */
  async invalidate(meant: Invalidation, persist: Persist): Promise<void> {
    this.#leases.revokeAll()
    await this.#inOrder(tier => tier.invalidate(meant, { persist }))
  }

  async clear(): Promise<void> {
    this.#leases.revokeAll()
    await this.#inOrder(tier => tier.clear())
  }

  async flush(): Promise<void> {
    await this.#inOrder(tier => tier.flush())
  }

  async close(): Promise<void> {
    await this.#inOrder(tier => tier.close())
  }

  stats(): TierStats[] {
    return this.#tiers.map(tier => tier.stats())
  }

  /** Calls every tier, once all are open, in the order in which the calls came. */
  #inOrder<T>(call: (tier: Tier) => Promise<T>): Promise<T[]> {
    if (this.#isOpen && this.#queuedAtDoor === 0) return Promise.all(this.#tiers.map(call))
    this.#queuedAtDoor += 1
    return this.#opening.then(() => {
      this.#queuedAtDoor -= 1
      return Promise.all(this.#tiers.map(call))
    })
  }

  /** What is known above of a store that others have changed is out of date. */
  #changed(change: StoreChange, depth: number, onChange: (change: StoreChange) => void): void {
    if ('keys' in change) for (const key of change.keys) this.#leases.revoke(key)
    else this.#leases.revokeAll()
    for (const tier of this.#tiers.slice(0, depth)) void outdate(tier, change).catch(() => {})
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

  /** Gives what was found at `depth` to the tiers above. It is a copy: a tier that cannot take it counts that itself. */
  #promote(entries: readonly TierWrite[], depth: number): void {
    if (entries.length === 0) return
    for (const tier of this.#tiers.slice(0, depth)) tier.setMany(entries, { persist: 'memory' }).catch(() => {})
  }
}

function outdate(tier: Tier, change: StoreChange): Promise<unknown> {
  if ('keys' in change) return tier.deleteMany(change.keys)
  return 'invalidation' in change ? tier.invalidate(change.invalidation, { persist: 'memory' }) : tier.clear()
}
