/** Who is told what happens in a memory cache: its owner, those who listen, the tally of misses, and the curve. */

import { Departed } from './departed.ts'
import { Departures } from './departures.ts'
import { Listeners } from './listeners.ts'
import { EVENTS } from './memory-events.ts'
import type { DisposeReason, MemoryCacheEvents, MissReason } from './memory-types.ts'
import { EXPIRED, reasonOf } from './miss-counts.ts'
import type { CurveWatch } from './miss-ratio-curve.ts'

type Dispose<K, V> = (value: V, key: K, reason: DisposeReason) => void

/** See the top of this file. */
export class Witnesses<K, V> {
  readonly departed: Departed<K>
  /** While it watches. */
  curve: CurveWatch<K> | undefined
  #departures: Departures<K, V> | undefined
  #listeners: Listeners<MemoryCacheEvents<K, V>> | undefined

  /** `entries` tells how large the cache is. */
  constructor(entries: { readonly size: number }, dispose: Dispose<K, V> | undefined) {
    this.departed = new Departed(entries)
    this.#departures = dispose === undefined ? undefined : new Departures(dispose)
  }

  /** Those who listen, from now on. */
  listeners(): Listeners<MemoryCacheEvents<K, V>> {
    if (this.#listeners === undefined) {
      this.#listeners = new Listeners(EVENTS)
      this.#departures ??= new Departures(undefined)
      this.#departures.listeners = this.#listeners
    }
    return this.#listeners
  }

  /** An entry was stored. */
  stored(key: K, value: V): void {
    if (this.#listeners !== undefined) this.#departures?.note(value, key, 'stored')
  }

  /** A value is gone, or never came in, while its key may stay. */
  lost(key: K, value: V, reason: DisposeReason): void {
    this.#departures?.note(value, key, reason)
  }

  /** An entry has left. */
  left(key: K, value: V, reason: DisposeReason): void {
    this.#departures?.note(value, key, reason)
    this.departed.note(key, reason)
    if (reason !== 'evict') this.curve?.gone(key)
  }

  /** All entries leave at once; nothing is known of any key any more. */
  emptied(entries: Iterable<[K, number]>, values: readonly (V | undefined)[], reason: DisposeReason): void {
    if (this.#departures !== undefined) for (const [key, slot] of entries) this.#departures.note(values[slot] as V, key, reason)
    this.departed.clear()
    this.curve?.cleared()
  }

  /** `key` was asked for, and it is not there. */
  missed(key: K): void {
    this.departed.missed(key)
    this.tellMiss(key, reasonOf(this.departed.last))
    this.curve?.missed(key)
  }

  /** `key` was asked for, and its time was over. Who listens is told when the entry is cleared away. */
  tooLate(key: K): void {
    this.departed.last = EXPIRED
    this.curve?.expired(key)
  }

  tellMiss(key: K, reason: MissReason): void {
    this.#listeners?.emit('miss', { key, reason })
  }

  /** Tells the owner, and who listens, what has come and left since. */
  report(): void {
    this.#departures?.report()
  }
}
