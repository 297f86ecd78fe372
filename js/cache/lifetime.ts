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

/**
 * A life as memory has it, which keeps nothing for longer than `most`; after that the tiers are asked again. `more`: how much longer the
 * entry is fresh.
 */
export function inMemory(
  ttl: number,
  staleFor: number,
  most: number,
): { readonly ttl: number; readonly staleFor: number; readonly more: number } {
  if (most === Number.POSITIVE_INFINITY) return { ttl, staleFor, more: 0 }
  if (ttl <= most) return { ttl, staleFor: Math.min(staleFor, most - ttl), more: 0 }
  return { ttl: most, staleFor: 0, more: ttl - most }
}
