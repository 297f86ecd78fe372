/** How long an entry lives that is stored now. */

/** What a cache says of all lives. */
export interface LifetimeOptions {
  readonly maxTtlMs: number
  readonly jitterMs: number
  readonly random: () => number
}

/** A life of `ttlMs`, no longer than `maxTtlMs`, and with jitter somewhat less than it says, never more. */
export function lifetime(ttlMs: number, { maxTtlMs, jitterMs, random }: LifetimeOptions): number {
  const ttl = Math.min(ttlMs, maxTtlMs)
  return jitterMs === 0 || ttl === Number.POSITIVE_INFINITY ? ttl : Math.max(ttl - jitterMs * random(), Math.min(ttl, 1))
}
