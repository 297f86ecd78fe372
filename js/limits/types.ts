/** The public types of limits. */

import type { Clock } from '../clock.ts'
import type { Registry } from '../metrics/registry.ts'
import type { Duration } from '../options.ts'

/** How often; see {@link createRateLimiter}. */
export interface RateLimit {
  /** Tokens that come in each interval. Up to 2^32 - 1. */
  tokensPerInterval: number
  /** The length of the interval; down to a microsecond. */
  interval: Duration
  /**
   * Tokens that can be there at once, after a time without calls. With 1, calls are spaced out, and what the host's timers are
   * late by is lost: about a millisecond for each call. Default: `tokensPerInterval`.
   */
  burst?: number
  /** A call that would have to wait longer is refused at once, with `ERR_RATE_LIMITED`. 0: none waits. Default: no limit. */
  maxWait?: Duration
  /** Calls that may wait; more are refused with `ERR_RATE_LIMITED`. Default: 100 000. */
  maxQueue?: number
}

/** Options of {@link createRateLimiter}. */
export interface RateLimiterOptions extends RateLimit {
  /** The source of time. Default: {@link systemClock}. */
  clock?: Clock
  /** The label `limiter` in metrics, where limiters of one name add up, and the name in errors. Default: `'default'`. */
  name?: string
  /** Where it reports: `rate_limit_calls_total{outcome}`, `rate_limit_wait_seconds`, `rate_limit_waiting`. Default: nowhere. */
  metrics?: Registry
}

/** Counts of a limiter since it was made; a copy. */
export interface RateLimiterStats {
  /** Calls that were let through, at once or in turn. */
  admitted: number
  /** Calls that were refused. */
  refused: number
  /** Calls that left the line before their turn: by an abort, a trap of the core, or the end of the limiter. */
  aborted: number
  /** Calls in line. */
  waiting: number
  /** Whole tokens that are there for the next call. */
  tokens: number
}

/** A limiter made by {@link createRateLimiter}. */
export interface RateLimiter {
  /**
   * Resolves when the call may go on; calls are served in the order in which they came, whatever they cost. Rejects with
   * `ERR_RATE_LIMITED` (see {@link RateLimitedError}), with `signal.reason` on abort, `ERR_CLOSED`, `ERR_CORE_TRAPPED`, and
   * `ERR_INVALID_ARGUMENT` where `cost` (default: 1) is no whole number from 1 to the burst.
   */
  acquire(cost?: number, options?: { signal?: AbortSignal | undefined }): Promise<void>
  /** Whether the call may go on now. False while others wait. Takes nothing otherwise, and never waits. */
  tryAcquire(cost?: number): boolean
  /**
   * Lets nobody through before `at`, a date or milliseconds since the epoch, as a server asks by `Retry-After`. Those in line
   * whose wait becomes longer than `maxWait` are refused. An earlier hold that lasts longer stands. The bucket fills meanwhile.
   */
  holdUntil(at: number | Date): void
  stats(): RateLimiterStats
  /** Rejects those in line with `ERR_CLOSED`, and refuses new calls. Idempotent. */
  close(): void
  [Symbol.dispose](): void
}
