/** What is kept of an answer's freshness, and whether it may answer a request at some time (RFC 9111, section 4). */

import { type Directives, isWhole } from './directives.ts'
import type { AnswerHead } from './fields.ts'
import { bornAt, type Heuristic, lifetimeOf, type Times } from './freshness.ts'
import { isShared, type Keeping } from './storable.ts'

/** Plain data, made once when an answer is kept. Milliseconds; times by the wall clock. */
export interface Freshness {
  readonly born: number
  /** `Infinity`: as long as the cache has it. */
  readonly lifetime: number
  readonly staleWhileRevalidate: number
  readonly staleIfError: number
  /** It must not be used stale, not even offline. */
  readonly strict: boolean
  /** It must not be used before its origin has confirmed it. */
  readonly unconfirmed: boolean
  readonly immutable: boolean
}

/** What the caller says about freshness; milliseconds. */
export interface FreshnessPolicy {
  /** How long an answer that succeeds is fresh, whatever its origin says. */
  readonly ttl: number | undefined
  readonly heuristic: Heuristic
  /** Where the origin does not say. */
  readonly staleWhileRevalidate: number
  readonly staleIfError: number
}

/** The freshness of an answer; its lifetime is `undefined` when neither its origin nor the caller says anything of it. */
export function freshnessOf(
  answer: AnswerHead,
  said: Directives,
  times: Times,
  keeping: Keeping,
  policy: FreshnessPolicy,
): Omit<Freshness, 'lifetime'> & { readonly lifetime: number | undefined } {
  const shared = isShared(keeping)
  // An age counts from when the origin made it; the caller's time, from when it came.
  const own = policy.ttl !== undefined && answer.status === 200 ? policy.ttl : undefined
  return {
    born: own === undefined ? bornAt(answer.headers, times) : times.receivedAt,
    lifetime: own ?? lifetimeOf(answer, said, shared, times, policy.heuristic)?.ms,
    staleWhileRevalidate: window(said.staleWhileRevalidate, policy.staleWhileRevalidate),
    staleIfError: window(said.staleIfError, policy.staleIfError),
    strict: said.mustRevalidate || (shared && (said.proxyRevalidate || said.sMaxAge !== undefined)),
    unconfirmed: isWhole(said.noCache),
    immutable: said.immutable,
  }
}

/**
 * What becomes of an answer that is kept: it is `'fresh'`; it may be given `'stale'`, as the request allows; it may be given stale
 * `'while-revalidating'`; or its origin must be asked first (`'validate'`).
 */
export type Verdict = 'fresh' | 'stale' | 'while-revalidating' | 'validate'

/** Judges an answer for a request that says `asked`, at `now`. */
export function judge(kept: Freshness, asked: Directives, now: number): Verdict {
  if (isWhole(asked.noCache) || kept.unconfirmed) return 'validate'
  const age = ageAt(kept, now)
  const left = kept.lifetime - age
  const mayBeOld = kept.immutable && left > 0
  if (asked.maxAge !== undefined && age > asked.maxAge * 1000 && !mayBeOld) return 'validate'
  // As old as it may be is too old where nothing old is wanted at all.
  if (asked.maxAge === 0 && !mayBeOld) return 'validate'
  if (asked.minFresh !== undefined && left < asked.minFresh * 1000) return 'validate'
  if (left > 0) return 'fresh'
  if (kept.strict) return 'validate'
  if (asked.maxStale !== undefined && -left <= asked.maxStale * 1000) return 'stale'
  return -left <= kept.staleWhileRevalidate && kept.staleWhileRevalidate > 0 && asked.maxAge === undefined
    ? 'while-revalidating'
    : 'validate'
}

/** Whether it may be given in place of a failure, which a request may allow by itself. */
export function mayStandIn(kept: Freshness, asked: Directives, now: number): boolean {
  if (kept.unconfirmed || isWhole(asked.noCache)) return false
  const staleness = ageAt(kept, now) - kept.lifetime
  if (staleness <= 0) return true
  return !kept.strict && staleness <= window(asked.staleIfError, kept.staleIfError)
}

/** How old it is, in milliseconds; a clock that was set back makes nothing younger than new. */
export function ageAt({ born }: Freshness, now: number): number {
  return Math.max(0, now - born)
}

function window(seconds: number | undefined, otherwise: number): number {
  return seconds === undefined ? otherwise : seconds * 1000
}
