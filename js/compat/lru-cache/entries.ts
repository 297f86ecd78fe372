/** Puts entries in and takes them out: everything that counts, ages, measures or reports an entry meets here. */

import { MOST_ENTRIES } from '../../core/cache-core.ts'
import { Ages } from './ages.ts'
import { metrics } from './channels.ts'
import type { Farewells } from './farewells.ts'
import { Flight } from './flight.ts'
import type { LRUCache } from './lru-cache.ts'
import { Purge } from './purge.ts'
import { Residents } from './residents.ts'
import { Sizes, sizeOf } from './sizes.ts'
import type { DisposeReason, InsertReason, SetOptions, Status } from './types.ts'

/** What a key holds; `undefined` only where an aborted fetch has left nothing. */
export type Held<K, V, FC> = V | Flight<K, V, FC> | undefined

/** The value that can be shown: while one is being fetched, that is the stale one. */
export function shown<K, V, FC>(held: Held<K, V, FC>): V | undefined {
  return held instanceof Flight ? held.stale : held
}

/** See the top of this file. */
export class Entries<K extends {}, V extends {}, FC> {
  readonly residents = new Residents<K, Held<K, V, FC>>()
  /** From the first TTL on. */
  ages: Ages | undefined
  /** Where sizes are limited. */
  readonly sizes: Sizes | undefined
  readonly #cache: LRUCache<K, V, FC>
  readonly #farewells: Farewells<K, V>
  readonly #most: number
  #purge: Purge | undefined

  /** `cache` has its limits and choices already; the choices may change later. */
  constructor(cache: LRUCache<K, V, FC>, farewells: Farewells<K, V>) {
    this.#cache = cache
    this.#farewells = farewells
    this.#most = Math.min(cache.max || MOST_ENTRIES, MOST_ENTRIES)
    if (cache.maxEntrySize !== 0) this.sizes = new Sizes()
    if (cache.ttl !== 0) this.#beginToAge()
  }

  /** Whether the entry in `slot` has lived longer than it may. */
  isStale(slot: number): boolean {
    return this.ages?.isStale(slot) ?? false
  }

  /** The life of the entry in `slot` begins anew. */
  renew(slot: number): void {
    this.ages?.renew(slot)
    this.#purge?.expect(slot, this.ages?.ttl(slot) ?? 0)
  }

  /** Slots by recency; stale ones only where they are wanted. */
  *slots(newestFirst: boolean, allowStale: boolean): Generator<number, void, unknown> {
    for (const slot of this.residents.inOrder(newestFirst)) if (allowStale || !this.isStale(slot)) yield slot
  }

  /** Stores `held` under `key`. `landing` is the flight whose value it is. */
  put(key: K, held: V | Flight<K, V, FC>, options: SetOptions<K, V, FC> | undefined, landing?: Flight<K, V, FC>): void {
    const { ttl = this.#cache.ttl, noDisposeOnSet = this.#cache.noDisposeOnSet, start, status } = options ?? {}
    const flying = held instanceof Flight
    if (status !== undefined && !flying) status.value = held
    const size = this.#measure(key, held, options)
    if (size > this.#mostSize()) {
      this.remove(key, 'set')
      if (status !== undefined) {
        status.set = 'miss'
        status.maxEntrySizeExceeded = true
      }
      return
    }
    let slot = this.residents.slotOf(key)
    let { noUpdateTTL = this.#cache.noUpdateTTL } = options ?? {}
    if (slot === undefined) {
      slot = this.#add(key, held, size, status)
      noUpdateTTL = false
    } else this.#overwrite(slot, key, held, size, noDisposeOnSet, status, landing)
    if (ttl !== 0 && this.ages === undefined) this.#beginToAge()
    if (this.ages !== undefined) {
      if (!noUpdateTTL) {
        this.ages.begin(slot, ttl, start)
        this.#purge?.expect(slot, ttl)
      }
      if (status !== undefined) this.ages.describe(slot, status)
    }
    if (!noDisposeOnSet) this.#farewells.flush()
  }

  /** Takes `key` out. Whether it was there. */
  remove(key: K, reason: DisposeReason): boolean {
    if (metrics.hasSubscribers) metrics.publish({ op: 'delete', delete: reason, key, cache: this.#cache })
    const slot = this.residents.slotOf(key)
    if (slot !== undefined) {
      this.sizes?.remove(slot)
      this.#dismiss(slot, reason)
      if (this.residents.slotOf(key) === slot) this.residents.remove(slot)
    }
    this.#farewells.flush()
    return slot !== undefined
  }

  /** Takes the least recently used out and gives what it held. */
  evict(): Held<K, V, FC> {
    const slot = this.residents.victim()
    const key = this.residents.keyIn(slot)
    const held = this.residents.heldIn(slot)
    if (held instanceof Flight) held.abort('evicted')
    const value = shown(held)
    if (value !== undefined && this.#farewells.wanted) this.#farewells.tell(value, key, 'evict')
    this.sizes?.remove(slot)
    if (this.residents.slotOf(key) === slot) this.residents.remove(slot)
    return held
  }

  /** Tells of everything that has been evicted. */
  flush(): void {
    this.#farewells.flush()
  }

  /** Takes everything out. */
  clear(reason: DisposeReason): void {
    if (this.#farewells.wanted || this.#cache.fetchMethod !== undefined) {
      for (const slot of this.residents.inOrder(false)) this.#dismiss(slot, reason)
    }
    this.residents.clear()
    this.ages?.clear()
    this.sizes?.clear()
    this.#farewells.flush()
  }

  #measure(key: K, held: V | Flight<K, V, FC>, options: SetOptions<K, V, FC> | undefined): number {
    const { size, sizeCalculation = this.#cache.sizeCalculation } = options ?? {}
    if (this.sizes === undefined) {
      if (size || sizeCalculation) throw new TypeError('a size needs a cache that has maxSize or maxEntrySize')
      return 0
    }
    if (!(held instanceof Flight)) return sizeOf(key, held, size, sizeCalculation)
    return sizeOf(key, held, size, () => this.#cache.backgroundFetchSize)
  }

  #mostSize(): number {
    return Math.min(this.#cache.maxEntrySize || Number.POSITIVE_INFINITY, this.#cache.maxSize || Number.POSITIVE_INFINITY)
  }

  #add(key: K, held: V | Flight<K, V, FC>, size: number, status: Status<K, V, FC> | undefined): number {
    while (this.residents.size >= this.#most) this.evict()
    const slot = this.residents.admit(key, held)
    this.#weigh(slot, size, status)
    if (status !== undefined) status.set = 'add'
    if (!(held instanceof Flight)) this.#cache.onInsert?.(held, key, 'add')
    return slot
  }

  #overwrite(
    slot: number,
    key: K,
    held: V | Flight<K, V, FC>,
    size: number,
    noDisposeOnSet: boolean,
    status: Status<K, V, FC> | undefined,
    landing: Flight<K, V, FC> | undefined,
  ): void {
    this.residents.touch(slot)
    const old = this.residents.heldIn(slot)
    const oldValue = shown(old)
    if (held !== old) {
      if (!noDisposeOnSet) {
        if (old instanceof Flight && old !== landing) old.abort('replaced')
        const told = old instanceof Flight ? oldValue !== undefined && oldValue !== held : this.#farewells.wanted
        if (told) this.#farewells.tell(oldValue as V, key, 'set')
      }
      this.sizes?.remove(slot)
      this.#weigh(slot, size, status)
      this.residents.hold(slot, held)
    }
    if (held instanceof Flight) return
    const reason: InsertReason = oldValue === undefined ? 'add' : oldValue === held ? 'update' : 'replace'
    if (status !== undefined) {
      status.set = reason
      if (held !== old && oldValue !== undefined) status.oldValue = oldValue
    }
    this.#cache.onInsert?.(held, key, reason)
  }

  /** Counts the size of what is in `slot`, and makes room for it. */
  #weigh(slot: number, size: number, status: Status<K, V, FC> | undefined): void {
    if (this.sizes === undefined) return
    const { maxSize } = this.#cache
    if (maxSize !== 0) while (this.sizes.total > maxSize - size && this.residents.size > 1) this.evict()
    this.sizes.add(slot, size, status)
  }

  /** Calls the fetch in `slot` off, or says goodbye to the value. */
  #dismiss(slot: number, reason: DisposeReason): void {
    const held = this.residents.heldIn(slot)
    if (held instanceof Flight) held.abort('deleted')
    else if (this.#farewells.wanted) this.#farewells.tell(held as V, this.residents.keyIn(slot), reason)
  }

  #beginToAge(): void {
    const ages = new Ages(this.#cache)
    this.ages = ages
    if (!this.#cache.ttlAutopurge) return
    this.#purge = new Purge(this.residents, slot => {
      if (!ages.isStale(slot)) return ages.remaining(slot)
      this.remove(this.residents.keyIn(slot), 'expire')
      return undefined
    })
  }
}
