/** What tiers had, on its way into memory and to whoever asked for it. */

import type { TierEntry } from '../stores/tier.ts'
import type { Claims } from './claims.ts'
import type { Lease } from './leases.ts'
import type { LoadTally } from './load-tally.ts'
import type { GetOrSetOptions } from './loading-types.ts'
import type { Shelf } from './shelf.ts'
import type { CacheReadOptions } from './types.ts'

/** What {@link Arrivals} needs of the cache. */
export interface ArrivalsHost<V> {
  readonly shelf: Shelf<V>
  /** Removes a key from memory and the tiers. */
  remove(key: string): void
}

/** See the top of this file. */
export class Arrivals<V> {
  readonly #host: ArrivalsHost<V>
  readonly #claims: Claims
  readonly #tally: LoadTally<V>
  #closed = false

  constructor(host: ArrivalsHost<V>, claims: Claims, tally: LoadTally<V>) {
    this.#host = host
    this.#claims = claims
    this.#tally = tally
  }

  /** `entry` of a tier, if its source has not changed; else it is removed, unless something newer happened. */
  async confirm(lease: Readonly<Lease>, entry: TierEntry, validate?: GetOrSetOptions['validate']): Promise<TierEntry | undefined> {
    if (await this.#host.shelf.isRight(lease.key, entry, validate)) return entry
    if (!lease.revoked && !this.#closed) {
      this.#claims.changed(lease.key)
      this.#host.remove(lease.key)
    }
    return undefined
  }

  /** What a tier has comes up into memory, though nobody has asked for it. Whether it is of use. */
  bringUp(lease: Readonly<Lease>, entry: TierEntry | undefined): boolean {
    if (lease.revoked || this.#closed || entry === undefined || this.#claims.isGivenUp(lease.era, lease.key, entry.facts)) return false
    return this.#host.shelf.found(lease.key, entry, true) !== undefined
  }

  /** What a tier had for a read: `undefined` is a miss. Counts, and keeps it in memory unless something newer happened. */
  receive(lease: Readonly<Lease>, entry: TierEntry | undefined, options: CacheReadOptions | undefined): V | undefined {
    const allowStale = options?.allowStale === true
    const isRight = !lease.revoked && !this.#closed && entry !== undefined && !this.#claims.isGivenUp(lease.era, lease.key, entry.facts)
    const mayKeep = isRight && options?.skipMemoryWrite !== true
    const found = this.#host.shelf.found(lease.key, entry, mayKeep)
    if (found !== undefined && 'former' in found && allowStale) {
      this.#tally.servedStale(lease.key, found.former.value, 'revalidate')
      return found.former.value
    }
    if (found === undefined || !('fresh' in found)) {
      this.#tally.missed(lease)
      return undefined
    }
    return this.#tally.fromTier(lease.key, found.fresh)
  }

  /** Nothing is kept any more. */
  close(): void {
    this.#closed = true
  }
}
