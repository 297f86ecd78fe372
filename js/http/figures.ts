/** What a client tells of itself in numbers. */

import type { BreakerState } from '../core/breaker-core.ts'
import type { ConnectionStats, TransportStats } from './transport.ts'

/** How long calls took that were not answered from memory; milliseconds, quantiles within 1 %. */
export interface FetchLatency {
  count: number
  mean: number
  p50: number
  p95: number
  p99: number
}

/** Counts of a client since it was made; a copy. */
export interface FetchStats {
  /** Calls. */
  requests: number
  /** Attempts that went to the transport. */
  sent: number
  /** Calls answered from the cache, with something fresh. */
  hits: number
  /** Calls answered from the cache, with something past its time. */
  stale: number
  /** Calls answered by a hook, before anything was sent. */
  answered: number
  /** Calls answered by a request of their own. */
  misses: number
  /** Calls whose request found that what the cache has is still right. */
  revalidated: number
  /** Requests that asked whether what the cache has is still right, and were given something else. */
  changed: number
  /** Calls that shared the request of another. */
  coalesced: number
  /** Attempts after the first. */
  retries: number
  /** Calls that ended without an answer, by `code`. An answer that `json` refuses for its status or its text is counted as an answer. */
  failures: Record<string, number>
  /** Most attempts at once, in all and to one host. */
  concurrency: number
  perHost: number
  /** Requests that wait for a slot. */
  queued: number
  /** Attempts under way. */
  inflight: number
  /** Requests asleep between attempts. */
  sleeping: number
  /** Decoded bytes of bodies that came over the wire. */
  bytes: number
  /** Responses that the cache failed to keep or to look up; the requests went on without it. */
  cacheFailures: number
  /** Only where `metrics` is given. */
  latency?: FetchLatency
  /** Connections by host and port, where the transport tells. */
  connections?: TransportStats['hosts']
}

/** What goes on with one host; a copy. */
export interface HostStats {
  /** As in a URL, with its port. */
  host: string
  /** Attempts under way. */
  inflight: number
  /** Requests that wait for a slot. */
  queued: number
  /** Requests asleep between attempts. */
  sleeping: number
  /** Whether it is left alone. */
  circuit: BreakerState
  /** Most attempts at once, where `adaptiveConcurrency` finds that out. */
  concurrency?: number
  /** When an open circuit lets somebody through, in milliseconds since the epoch. */
  retryAt?: number
}

/** Why a request would wait, or be refused. */
export interface OutlookReason {
  /**
   * `'circuit-open'`, `'isolated'`: its host is left alone. `'held'`: its host has asked for a pause. `'rate-limit'`: there is no token. `'slots'`, `'slots-of-host'`: as
   * many as may are under way. `'queue'`: others come first. `'queue-full'`, and `'not-cached'` for one that is to be answered from the cache or not at all.
   */
  readonly reason: 'circuit-open' | 'isolated' | 'held' | 'rate-limit' | 'slots' | 'slots-of-host' | 'queue' | 'queue-full' | 'not-cached'
  /** Until then, in milliseconds since the epoch, where that is known. */
  readonly until?: number
  /** For so many milliseconds, where that is known. */
  readonly wait?: number
}

/** What would become of a request that were made now. */
export interface RequestOutlook {
  readonly method: string
  readonly url: string
  /** As in a URL, with its port. */
  readonly host: string
  /** `'from-cache'`: memory answers. `'shared'`: it would join one under way. `'sent'`: at once. `'waits'`, `'refused'`: see `reasons`. */
  readonly outcome: 'from-cache' | 'shared' | 'sent' | 'waits' | 'refused'
  /** All that stands between it and the wire, refusals first. */
  readonly reasons: readonly OutlookReason[]
  /**
   * What memory has: what lies in a lower tier only is `'none'`. `'unused'`: this request may not use the cache. `isServed`: it is given as it is, though it may be
   * stale. `age` in milliseconds.
   */
  readonly cache: { readonly state: 'fresh' | 'stale' | 'none' | 'unused'; readonly isServed: boolean; readonly age?: number }
  readonly circuit: BreakerState
  /** Requests that wait for a slot, in all and for this host; those asleep between attempts; and the most that may wait or sleep. */
  readonly queue: { readonly length: number; readonly ofHost: number; readonly sleeping: number; readonly max: number }
  /** Attempts that could begin now, in all and to this host, and the most there may be. */
  readonly slots: { readonly free: number; readonly max: number; readonly freeOfHost: number; readonly perHost: number }
  /** Milliseconds until there is a token for it, with all that wait before it. */
  readonly rateWait: number
  /** Retries that the budget has left; `Infinity` without one. */
  readonly retriesLeft: number
  /** Connections to the host, where the transport tells. */
  readonly connections?: ConnectionStats
}
