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
  /** One key has one holder most of the time, and many keys may be read at once. */
  readonly #out = new Map<string, Lease | Set<Lease>>()

  /** How many keys have a lease out. */
  get size(): number {
    return this.#out.size
  }

  take(key: string, era = 0, why: MissCode = COLD): Lease {
    const lease: Lease = { key, era, why, revoked: false }
    const others = this.#out.get(key)
    if (others === undefined) this.#out.set(key, lease)
    else if (others instanceof Set) others.add(lease)
    else this.#out.set(key, new Set([others, lease]))
    return lease
  }

  /** The holder is done, whatever came of it. */
  release(lease: Lease): void {
    const out = this.#out.get(lease.key)
    if (out instanceof Set) {
      out.delete(lease)
      if (out.size === 0) this.#out.delete(lease.key)
    } else if (out === lease) this.#out.delete(lease.key)
  }

  /** Something newer happened to `key`. */
  revoke(key: string): void {
    const out = this.#out.get(key)
    if (out instanceof Set) for (const lease of out) lease.revoked = true
    else if (out !== undefined) out.revoked = true
  }

  /** Something newer happened to every key. */
  revokeAll(): void {
    for (const key of this.#out.keys()) this.revoke(key)
  }
}
