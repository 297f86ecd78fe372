/** Reads of a cache that its memory does not answer at once: a tier has to be read, or somebody asked whether the entry is still right. */

import { untilAborted } from '../abort-watch.ts'
import type { Room, TierEntry } from '../stores/tier.ts'
import { heldOf } from './entry-detail.ts'
import { failed, passed } from './guarded.ts'
import { type Kept, NONE } from './kept.ts'
import type { Lease } from './leases.ts'
import type { Loading } from './loading.ts'
import type { MemoryCache } from './memory-cache.ts'
import type { MissCode } from './miss-counts.ts'
import type { NamedTiers } from './named-tiers.ts'
import type { Shelf } from './shelf.ts'
import type { CacheReadOptions } from './types.ts'

/** Keys that are read together when memory is filled. */
const READ_KEYS = 512

/** What a cache reads from. */
export interface Sources<V> {
  readonly memory: MemoryCache<string, Kept<V>>
  readonly shelf: Shelf<V>
  readonly loading: Loading<V>
  readonly tiers: NamedTiers | undefined
  /** What is kept, as users get it. */
  out(known: Kept<V> | undefined): V | undefined
}

/** See the top of this file. */
export class Reading<V> {
  readonly #from: Sources<V>

  constructor(from: Sources<V>) {
    this.#from = from
  }

  /** The value of `key`, which memory did not have. */
  async below(key: string, options: CacheReadOptions | undefined): Promise<V | undefined> {
    const { memory, shelf, loading, tiers, out } = this.#from
    const { signal } = options ?? {}
    signal?.throwIfAborted()
    if (options?.skipMemoryRead !== true && memory.guardOf(key) !== undefined) {
      const known = await patiently(this.asked(key), signal)
      if (known !== undefined) return out(known)
    }
    const lease = loading.take(key)
    try {
      const reading = options?.skipTierRead === true ? undefined : tiers?.read(key)
      let entry = reading && (await patiently(reading, signal))
      if (shelf.mustAsk(entry)) entry = await patiently(loading.arrivals.confirm(lease, entry), signal)
      return out(loading.arrivals.receive(lease, entry, options))
    } finally {
      loading.claims.leases.release(lease)
    }
  }

  /** The values of `keys`, in their order; the missing ones are looked up below memory together. */
  async many(keys: readonly string[], options: CacheReadOptions | undefined): Promise<(V | undefined)[]> {
    const { memory, shelf, loading, tiers, out } = this.#from
    const values = new Array<V | undefined>(keys.length).fill(undefined)
    const wanted: string[] = []
    const indexes: number[] = []
    const whys: MissCode[] = []
    const asked: Promise<unknown>[] = []
    const skips = options?.skipMemoryRead === true
    for (let index = 0; index < keys.length; index += 1) {
      const key = keys[index] as string
      const known = skips ? undefined : memory.get(key, options)
      if (known !== undefined) values[index] = out(known)
      else if (skips || memory.guardOf(key) === undefined) {
        wanted.push(key)
        indexes.push(index)
        whys.push(memory.lastMiss)
      } else
        asked.push(
          this.below(key, options).then(value => {
            values[index] = value
          }),
        )
    }
    if (asked.length > 0) await Promise.all(asked)
    if (wanted.length === 0) return values
    const { claims, arrivals } = loading
    const joint = claims.takeMany()
    try {
      const entries = options?.skipTierRead === true ? undefined : await tiers?.readMany(wanted, options?.signal)
      const right = entries?.some(entry => shelf.mustAsk(entry))
        ? await patiently(Promise.all(entries.map((entry, at) => this.#confirmed(joint.of(wanted[at] as string), entry))), options?.signal)
        : entries
      for (let at = 0; at < wanted.length; at += 1) {
        values[indexes[at] as number] = out(arrivals.receive(joint.of(wanted[at] as string, whys[at]), right?.[at], options))
      }
      return values
    } finally {
      claims.leases.releaseMany(joint)
    }
  }

  /** Brings up into memory what was stored last, as far as there is room; how many entries. */
  async hydrate(most: Room): Promise<number> {
    const { memory, shelf, loading, tiers } = this.#from
    const keys = ((await tiers?.recent(most)) ?? []).filter(key => heldOf(memory, key) === undefined)
    const { claims, arrivals } = loading
    const joint = claims.takeMany()
    try {
      const found: (TierEntry | undefined)[] = []
      for (let at = 0; at < keys.length; at += READ_KEYS) found.push(...((await tiers?.readMany(keys.slice(at, at + READ_KEYS))) ?? []))
      let count = 0
      // The latest come last, as those used last; where there is no room for all, the others go.
      for (let at = keys.length - 1; at >= 0; at -= 1) {
        const entry = found[at]
        if (!shelf.mustAsk(entry) && arrivals.bringUp(joint.of(keys[at] as string), entry)) count += 1
      }
      return count
    } finally {
      claims.leases.releaseMany(joint)
    }
  }

  /** Whether memory or a tier has a value of `key` that is not stale. */
  async has(key: string): Promise<boolean> {
    const { memory, shelf, tiers } = this.#from
    const known = memory.guardOf(key) === undefined ? memory.peek(key) : await this.asked(key)
    if (known !== undefined) return known !== NONE
    const entry = (await tiers?.readMany([key]))?.[0]
    if (shelf.mustAsk(entry) && !(await shelf.isRight(key, entry))) return false
    const found = shelf.found(key, entry, false)
    return found !== undefined && 'fresh' in found && found.fresh !== NONE
  }

  /** What memory has of `key`, when whoever must be asked has found it right; it is gone, from the tiers too, when it is not. */
  async asked(key: string): Promise<Kept<V> | undefined> {
    const { memory, loading, tiers } = this.#from
    for (let guard = memory.guardOf(key); guard !== undefined; guard = memory.guardOf(key)) {
      const right = await guard.askOwner(key, heldOf(memory, key)?.value as Kept<V>)
      const known = right ? passed(memory, key, guard) : undefined
      if (known !== undefined) return known
      // Overwritten meanwhile, it is another one's turn.
      if (right || !failed(memory.contents, key, guard)) continue
      loading.overtake(key)
      void tiers?.remove([key], 'memory', true)
    }
    return memory.get(key)
  }

  /** What a tier had, unless its source has changed. */
  async #confirmed(lease: Readonly<Lease>, entry: TierEntry | undefined): Promise<TierEntry | undefined> {
    const { shelf, loading } = this.#from
    return shelf.mustAsk(entry) ? loading.arrivals.confirm(lease, entry) : entry
  }
}

/** `work`, for whoever waits no longer than until `signal` aborts. */
export function patiently<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return signal === undefined ? work : untilAborted(work, signal)
}
