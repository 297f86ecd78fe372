/**
 * Who may still fill a key. A value on its way from a tier or a loader may be put into the cache only if the key was
 * not written or deleted since it set out (leases: Nishtala et al., "Scaling Memcache at Facebook", 2013).
 */

import { COLD, type MissCode } from './miss-counts.ts'

/** The right to fill one key; see {@link Leases}. */
export interface Lease {
  readonly key: string
  /** What had been given up when the holder set out, by number. */
  era: number
  /** What is known of why memory did not have it. */
  why: MissCode
  /** Whether something newer happened to the key. */
  revoked: boolean
}

/** The leases that are out. Bounded by what is under way: a lease ends with its holder. */
export class Leases {
  readonly #out = new Map<string, Set<Lease>>()

  /** How many keys have a lease out. */
  get size(): number {
    return this.#out.size
  }

  take(key: string, era = 0, why: MissCode = COLD): Lease {
    const lease: Lease = { key, era, why, revoked: false }
    const others = this.#out.get(key)
    if (others === undefined) this.#out.set(key, new Set([lease]))
    else others.add(lease)
    return lease
  }

  /** The holder is done, whatever came of it. */
  release(lease: Lease): void {
    const leases = this.#out.get(lease.key)
    leases?.delete(lease)
    if (leases?.size === 0) this.#out.delete(lease.key)
  }

  /** Something newer happened to `key`. */
  revoke(key: string): void {
    const leases = this.#out.get(key)
    if (leases !== undefined) for (const lease of leases) lease.revoked = true
  }

  /** Something newer happened to every key. */
  revokeAll(): void {
    for (const key of this.#out.keys()) this.revoke(key)
  }
}
