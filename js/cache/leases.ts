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

/** Keys that a {@link Joint} notes one by one. When more change while it is out, it takes all of its own as changed. */
const MOST_NOTED = 16_384

/**
 * The right to fill many keys at once. It notes what changes meanwhile, which is little, instead of what may be filled, which is much.
 */
export class Joint {
  /** What had been given up when the holder set out, by number. */
  readonly era: number
  readonly #changed = new Set<string>()
  #isVoid = false

  constructor(era: number) {
    this.era = era
  }

  /** The lease of one of the keys. */
  of(key: string, why: MissCode = COLD): Readonly<Lease> {
    return new OneOfMany(this, key, why)
  }

  /** Whether something newer happened to `key`. */
  isRevoked(key: string): boolean {
    return this.#isVoid || (this.#changed.size > 0 && this.#changed.has(key))
  }

  /** Something newer happened to `key`, or to every key. */
  revoke(key?: string): void {
    if (key !== undefined) this.#changed.add(key)
    if (key !== undefined && this.#changed.size <= MOST_NOTED) return
    this.#isVoid = true
    this.#changed.clear()
  }
}

class OneOfMany implements Readonly<Lease> {
  readonly key: string
  readonly why: MissCode
  readonly #joint: Joint

  constructor(joint: Joint, key: string, why: MissCode) {
    this.#joint = joint
    this.key = key
    this.why = why
  }

  get era(): number {
    return this.#joint.era
  }

  get revoked(): boolean {
    return this.#joint.isRevoked(this.key)
  }
}

/** The leases that are out. Bounded by what is under way: a lease ends with its holder. */
export class Leases {
  /** One key has one holder most of the time. */
  readonly #out = new Map<string, Lease | Set<Lease>>()
  readonly #joint = new Set<Joint>()

  /** How many keys have a lease out; a joint one counts as one. */
  get size(): number {
    return this.#out.size + this.#joint.size
  }

  /** A lease of many keys. */
  takeMany(era = 0): Joint {
    const joint = new Joint(era)
    this.#joint.add(joint)
    return joint
  }

  /** The holder of a joint lease is done. */
  releaseMany(joint: Joint): void {
    this.#joint.delete(joint)
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
    if (this.#joint.size > 0) for (const joint of this.#joint) joint.revoke(key)
  }

  /** Something newer happened to every key. */
  revokeAll(): void {
    for (const key of this.#out.keys()) this.revoke(key)
    for (const joint of this.#joint) joint.revoke()
  }
}
