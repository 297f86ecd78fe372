/** The public types of `createFetch`. */

import type { Clock } from '../clock.ts'
import type { RateLimit } from '../limits/types.ts'
import type { Registry } from '../metrics/registry.ts'
import type { Duration, Size } from '../options.ts'

/** What performs one request: the platform's `fetch`, or one with the same shape. */
export type Transport = (url: string, init: RequestInit) => Promise<Response>

/** How failed requests are tried again. */
export interface RetryOptions {
  /** Attempts after the first. Default: 3. */
  maxRetries?: number
  /** The shortest delay, or the upper end of the first one with `'exponential'`. Default: 100 ms. */
  initialDelay?: Duration
  /** The longest delay. Default: 20 s. */
  maxDelay?: Duration
  /** `'decorrelated'`: from `initialDelay` to three times the delay before; `'exponential'`: from 0 to a bound that doubles. Default: `'decorrelated'`. */
  backoff?: 'decorrelated' | 'exponential'
  /** The longest `Retry-After` that is waited for; a longer one ends the request at once. Default: 60 s. */
  maxRetryAfter?: Duration
  /** The methods that are tried again. Default: GET, HEAD, OPTIONS, PUT, DELETE. */
  methods?: readonly string[]
}

/**
 * The part of a `Cache` that `createFetch` uses. Responses lie beside whatever else the cache holds, under keys that begin
 * with the method and a space; so a `Cache` of any values will do, and nothing (`never`) is asked of their type.
 */
export interface ResponseCache {
  readonly memory: { has(key: string): boolean; get(key: string): unknown }
  getOrSet(
    key: string,
    loader: (context?: { readonly skip: () => undefined }) => Promise<never>,
    options?: { ttl?: number },
  ): Promise<unknown>
  set(key: string, value: never, options?: { ttl?: number }): Promise<void>
  /** What `fetch.invalidate` needs; without these it is refused. */
  delete?(key: string): Promise<unknown>
  invalidate?(pattern: string): Promise<unknown>
  invalidatePrefix?(prefix: string): Promise<unknown>
}

/** Options of {@link createFetch}. */
export interface FetchOptions {
  /** Where responses are kept: a cache of `createCache`. Default: none. */
  cache?: ResponseCache
  /** How long a response stays in the cache. Default: its `max-age`, else what the cache says. */
  ttl?: Duration
  /** Requests on the wire at once. Default: 64. */
  concurrency?: number
  /** Requests on the wire at once to one host and port. Default: 8. */
  perHost?: number
  /** Requests that may wait, for a slot or for their next attempt; more are refused with `ERR_QUEUE_FULL`. Default: 100 000. */
  maxQueue?: number
  /**
   * How often requests go on the wire, each retry counted: `{ tokensPerInterval: 50, interval: '1s', burst: 50 }`. A request
   * waits for its slot first, and under its `totalTimeout`; one that would wait longer than `maxWait` is refused with
   * `ERR_RATE_LIMITED`. Default: no limit.
   */
  rateLimit?: Omit<RateLimit, 'maxQueue'>
  /** For one attempt, from sending to the end of the body. Default: 10 s. `Infinity`: none. */
  timeout?: Duration
  /** For everything: queue, rate limit, attempts and backoff. Default: 30 s. `Infinity`: none. */
  totalTimeout?: Duration
  /** The largest body, in decoded bytes. Default: 2 MB. `Infinity`: none. */
  maxResponseSize?: Size
  /** How failures are tried again; `false`: not at all. */
  retry?: RetryOptions | false
  /** Whether identical GET and HEAD requests that are under way at the same time share one. Default: true. */
  dedupe?: boolean
  /** What performs a request. Default: the platform's `fetch`. */
  fetch?: Transport
  /** Where jitter begins; the same seed gives the same delays. Default: random. */
  seed?: number
  /** Default: {@link systemClock}. */
  clock?: Clock
  /** The label `client` of this client in metrics; clients of one name add up. Default: `'default'`. */
  name?: string
  /** Where this client reports: `client_requests_total{outcome}`, `client_request_duration_seconds` and others. Default: nowhere. */
  metrics?: Registry
}

/** What a single request may set, besides what the platform's `fetch` takes. */
export interface FetchInit extends RequestInit {
  timeout?: Duration
  totalTimeout?: Duration
  maxResponseSize?: Size
  /** How long this response stays in the cache. */
  ttl?: Duration
  /** `false`: one attempt only. */
  retry?: { maxRetries?: number } | false
}

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
  /** Calls answered from the cache. */
  hits: number
  /** Calls answered by a request of their own. */
  misses: number
  /** Calls that shared the request of another. */
  coalesced: number
  /** Attempts after the first. */
  retries: number
  /** Calls that ended without an answer, by `code`. An answer that `json` refuses for its status or its text is counted as an answer. */
  failures: Record<string, number>
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
}

/** A client made by {@link createFetch}: call it like `fetch`. */
export interface Fetch {
  /**
   * Resolves with a standard `Response` once its body is complete. `x-cache` among its headers says `hit`, `miss` or `coalesced`.
   * Like the platform's `fetch`, it resolves for every status, after retries where they apply. An abort rejects with `signal.reason`.
   */
  (url: string | URL | Request, init?: FetchInit): Promise<Response>
  /**
   * The parsed body. It is parsed once for each cached response and the same value is given to every caller: treat it as read-only.
   * Rejects with `ERR_HTTP_STATUS` when the status is not 200 to 299 and with `ERR_PARSE` when the body is not JSON.
   */
  json<T = unknown>(url: string | URL | Request, init?: FetchInit): Promise<T>
  /**
   * Gives up what the cache keeps of a URL, whatever headers chose between its variants, or of all URLs that a pattern means, in
   * which `*` stands for any run of characters: `await fetch.invalidate('https://api.example.com/users/*')`. Requests under way still
   * answer those who wait; they are not kept, and nobody joins them. A `*` in a `URL` object is itself. Rejects with
   * `ERR_INVALID_ARGUMENT`, `ERR_CLOSED`, and what the cache rejects with.
   */
  invalidate(url: string | URL | Request): Promise<void>
  /** A snapshot of counts. */
  stats(): FetchStats
  /** Rejects everything under way with `ERR_CLOSED` and refuses new calls. Idempotent; the cache stays open. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
