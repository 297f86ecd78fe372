/** The public types of `createFetch`. */

import type { Clock } from '../clock.ts'
import type { BreakerState } from '../core/breaker-core.ts'
import type { RateLimit } from '../limits/types.ts'
import type { Registry } from '../metrics/registry.ts'
import type { Duration, Size } from '../options.ts'
import type { AdaptiveOptions, LimitChange } from '../policies/adaptive-options.ts'
import type { BreakerOptions, CircuitChange } from '../policies/breaker-options.ts'
import type { RetryBudgetOptions } from '../policies/budget-options.ts'
import type { HedgeDelay } from '../policies/hedge-options.ts'
import type { FetchStats, HostStats, RequestOutlook } from './figures.ts'
import type { FetchHooks } from './hook-types.ts'
import type { Transport } from './transport.ts'

export type { FetchLatency, FetchStats, HostStats, OutlookReason, RequestOutlook } from './figures.ts'
export type { FetchHooks, HookResult, ResponseContext, RetryContext } from './hook-types.ts'
export type { BareResponse, ConnectionStats, Transport, TransportProgress, TransportStats } from './transport.ts'

/** What has come of a body. */
export interface DownloadProgress {
  /** Decoded bytes so far. */
  readonly transferred: number
  /** Of so many; `undefined` where the origin does not say. */
  readonly total: number | undefined
}

/** How redirects are followed. Browsers follow them by themselves: there these are not used. */
export interface RedirectOptions {
  /** At most so many in a row; then `ERR_NETWORK`. Default: 20. */
  max?: number
  /** Follows none from `https:` to `http:`. Default: false. */
  refuseInsecure?: boolean
}

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
  /** How much of the load may be retries: `{ ratio: 0.2, minPerSecond: 3 }` is at most a fifth of the requests of the last ten seconds, and thirty. Default: no limit. */
  budget?: Omit<RetryBudgetOptions, 'clock'>
  /** The methods that are tried again. Default: GET, HEAD, OPTIONS, PUT, DELETE. */
  methods?: readonly string[]
}

/**
 * The part of a `Cache` that `createFetch` uses. Responses lie beside whatever else the cache holds, under keys that begin
 * with the method and a space; so a `Cache` of any values will do, and nothing (`never`) is asked of their type.
 */
export interface ResponseCache {
  /** `peek` is for `fetch.explain`: without it, that knows nothing of what is kept. */
  readonly memory: { has(key: string): boolean; get(key: string): unknown; peek?(key: string): unknown }
  /** Whether others than this process use what it keeps; then the rules of shared caches hold. Default: false. */
  readonly isShared?: boolean
  getOrSet(
    key: string,
    loader: (context?: { readonly skip: () => undefined; readonly stale?: unknown }) => Promise<never>,
    options?: KeepOptions & { forceFresh?: boolean },
  ): Promise<unknown>
  set(key: string, value: never, options?: KeepOptions): Promise<void>
  /** What `fetch.invalidate` needs; without these it is refused. */
  delete?(key: string): Promise<unknown>
  invalidate?(pattern: string): Promise<unknown>
  invalidatePrefix?(prefix: string): Promise<unknown>
}

/** How a {@link ResponseCache} is asked to keep something. Milliseconds. */
export interface KeepOptions {
  ttl?: number
  /** How long after that it may still be had, as what is old. */
  staleIfError?: number
  skipTierWrite?: boolean
}

/** How long an answer is fresh whose origin says nothing but when it was changed. */
export interface HeuristicOptions {
  /** The share of the time since that change, 0 to 1. Default: 0.1. */
  fraction?: number
  /** At most so long. Default: 1 day. */
  maxAge?: Duration
}

/** What a request may say about the cache, and a client for all of its requests. */
export interface CachingOptions {
  /**
   * How long an answer that succeeds is fresh, whatever its origin says. What must not be kept is not kept for that. Default: its
   * `max-age` or `Expires`, else a share of its age, see `heuristic`, else as long as the cache keeps it.
   */
  ttl?: Duration
  /** For so long after its time an answer is given at once, while its origin is asked in the background. Default: what the origin says, else 0. */
  staleWhileRevalidate?: Duration
  /**
   * For so long after its time an answer stands in when its origin fails, with an error of the network or the server, or by a deadline;
   * or when the platform is offline, at once. Not where the origin forbids it (`must-revalidate`, `no-cache`). Default: what the origin says, else 0.
   */
  staleIfError?: Duration
  /**
   * For whom the answer is, such as the id of a user: what is kept under one partition no other sees. Without it, nothing is kept of
   * requests that say who asks (`Authorization`, `Cookie`, `credentials: 'include'`, or a header of your own); and a `private`
   * answer is kept in memory only. Default: none.
   */
  partition?: string
}

/** When a request is sent once more, beside the one under way. */
export interface HedgingOptions {
  /** Requests beside the first. Default: 1. */
  maxHedges?: number
  /** When the next one begins. Default: when it has taken longer than 95 of 100 of the latest of its host, once 50 are known. */
  delay?: HedgeDelay
  /** How much of the load may be such requests. Default: `{ ratio: 0.1, minPerSecond: 1 }`. */
  budget?: Omit<RetryBudgetOptions, 'clock'>
}

/** Options of {@link createFetch}. */
export interface FetchOptions extends CachingOptions {
  /** Where responses are kept: a cache of `createCache`. Default: none. */
  cache?: ResponseCache
  /** Whether the rules of shared caches hold (RFC 9111). Default: whether others use the cache's tiers, as they do in Redis. */
  shared?: boolean
  /** How long an answer is fresh of which only the last change is known; `false`: not at all. Default: `{ fraction: 0.1, maxAge: '1d' }`. */
  heuristic?: HeuristicOptions | false
  /** Requests on the wire at once. Default: 64. */
  concurrency?: number
  /** Requests on the wire at once to one host and port. Default: 8. */
  perHost?: number
  /**
   * Finds out for each host how many requests at once are good for it, between `min` and `max` (default: `concurrency`), beginning with `initial` (default:
   * `perHost`, which then means nothing else); `{}` for what is usual. A 429, a 503 or a deadline of an attempt lowers it, and by `'gradient'` so does
   * latency that grows with it. `on('concurrency')` tells each change and why. Default: it is `perHost`.
   */
  adaptiveConcurrency?: AdaptiveOptions
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
  /** No next piece of the body for so long, after the head or another, ends the attempt as a failure. Default: `Infinity`. */
  idleTimeout?: Duration
  /** The largest body, in decoded bytes. Default: 2 MB. `Infinity`: none. */
  maxResponseSize?: Size
  /** Decoded bytes for each that comes over the wire, beyond 1 MB, where the transport shows those. Default: 100. */
  maxCompressionRatio?: number
  /** The largest body of a request; a larger one is refused with `ERR_REQUEST_TOO_LARGE`. Default: `Infinity`. */
  maxRequestSize?: Size
  /** How redirects are followed, where the platform shows them. What says who asks is not sent to another origin. Default: `{ max: 20, refuseInsecure: false }`. */
  redirects?: RedirectOptions
  /** What relative URLs are resolved against, as the platform does: `'https://api.example.com/v1/'`. Default: that of the page, if there is one. */
  baseUrl?: string | URL
  /** Headers of every request that has none of the same name. With a `baseUrl`, only requests to its origin get them. */
  headers?: NonNullable<RequestInit['headers']>
  /** What you do between a call and the wire, see {@link FetchHooks}. */
  hooks?: FetchHooks
  /**
   * Whether a pause that a host asks for holds for all requests to it, and not only for the one that was told: `Retry-After` of a 429 or 503, and `RateLimit` headers
   * that say nothing is left, up to `retry.maxRetryAfter`. Whoever could not wait as long is refused at once with `ERR_RATE_LIMITED`. Default: false: such a pause may be
   * meant for one path.
   */
  rateLimitHeaders?: boolean
  /**
   * Leaves a host alone that fails too often: its requests are refused at once with `ERR_CIRCUIT_OPEN`, those in the queue too, until it has had time to
   * recover; `{}` for what is usual. A failure is a status from 500 on, a network error or a deadline of an attempt; 429 is none. What the cache has
   * may stand in, as for any failure. Default: no host is left alone.
   */
  circuitBreaker?: BreakerOptions
  /**
   * Sends GET, HEAD and OPTIONS once more when an answer takes longer than usual, takes the first good one and aborts the other; `{}` for what is usual.
   * Such a request takes a place and a token like any other, and is not sent where it would have to wait for one. Default: never.
   */
  hedge?: HedgingOptions
  /** How failures are tried again; `false`: not at all. */
  retry?: RetryOptions | false
  /** Whether identical GET and HEAD requests that are under way at the same time share one. Default: true. */
  dedupe?: boolean
  /** What performs a request: on Node `undiciTransport` of `shelflife/transports/undici` is faster, and limits connections. Default: the platform's `fetch`. */
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
export interface FetchInit extends RequestInit, CachingOptions {
  /** As the option of the client, for this call: how long an attempt may take. */
  timeout?: Duration
  /** The same, of all attempts and pauses together. */
  totalTimeout?: Duration
  /** The same, of a body that stands still. */
  idleTimeout?: Duration
  /** The same, of the size of the body. */
  maxResponseSize?: Size
  /** Told of each piece of the body as it comes. */
  onDownloadProgress?: (progress: DownloadProgress) => void
  /** `false`: one attempt only. */
  retry?: { maxRetries?: number } | false
}

/** The circuit of one host. */
export interface HostCircuit {
  readonly state: BreakerState
  /** When an open one lets somebody through, in milliseconds since the epoch. */
  readonly retryAt: number | undefined
  /** Refuses all requests to the host, also those in the queue, until it is reset. */
  isolate(): void
  /** Closes it, and forgets what it has seen. */
  reset(): void
}

/** What a client tells of. */
export interface FetchEvents {
  /** The circuit of a host (`key`) has changed. */
  circuit: CircuitChange
  /** Another number of requests at once is good for a host, see `adaptiveConcurrency`. */
  concurrency: HostLimitChange
}

/** The limit of a host has moved. */
export interface HostLimitChange extends LimitChange {
  /** As in a URL, with its port. */
  readonly host: string
}

/** A client made by {@link createFetch}: call it like `fetch`. */
export interface Fetch {
  /**
   * Resolves with a standard `Response` once its body is complete. `x-cache` among its headers says `hit`, `stale`, `revalidated`,
   * `miss` or `coalesced`. The option `cache` means what it means for the platform: `no-store`, `reload`, `no-cache`, `force-cache`;
   * with `only-if-cached` nothing is sent, and what the cache does not have is a 504.
   * Like the platform's `fetch`, it resolves for every status, after retries where they apply. An abort rejects with `signal.reason`.
   */
  (url: string | URL | Request, init?: FetchInit): Promise<Response>
  /**
   * The parsed body. It is parsed once for each cached response and the same value is given to every caller: treat it as read-only.
   * Rejects with `ERR_HTTP_STATUS` when the status is not 200 to 299 and with `ERR_PARSE` when the body is not JSON.
   */
  json<T = unknown>(url: string | URL | Request, init?: FetchInit): Promise<T>
  /**
   * Resolves as soon as the head of the answer has come, with a `Response` whose body comes as it is read. For what is large: its size has no limit
   * unless the call sets `maxResponseSize`. It has its slot until the body has ended or is cancelled, or a deadline passes: `timeout`
   * and `totalTimeout` go for the body, too, so give a long one more, and an `idleTimeout`. Nothing is tried again after the head. What is in
   * memory answers; what was read to its end, and is no larger than the client's `maxResponseSize`, is kept. With `hedge`, the attempt whose head comes first
   * goes on and the others are aborted; how long heads take is known apart from how long whole answers do. What a stream does not do:
   * it is shared with nobody, asks no lower tier and no condition (`ETag`), nothing stale stands in when it fails, and `afterResponse` does not see it. {@link ndjson} and {@link jsonArray} read items one at a time.
   */
  stream(url: string | URL | Request, init?: FetchInit): Promise<Response>
  /**
   * Gives up what the cache keeps of a URL, whatever headers chose between its variants, or of all URLs that a pattern means, in
   * which `*` stands for any run of characters: `await fetch.invalidate('https://api.example.com/users/*')`. Requests under way still
   * answer those who wait; they are not kept, and nobody joins them. A `*` in a `URL` object is itself. Rejects with
   * `ERR_INVALID_ARGUMENT`, `ERR_CLOSED`, and what the cache rejects with.
   */
  invalidate(url: string | URL | Request): Promise<void>
  /** A snapshot of counts. */
  stats(): FetchStats
  /** The hosts that something is under way to, or that are left alone. */
  hosts(): HostStats[]
  /**
   * What would delay or refuse a request that were made now, and why: `fetch.explain('https://api.example.com/users/7').reasons`. Changes nothing. Hooks are not
   * asked. Throws `ERR_INVALID_ARGUMENT` and `ERR_CLOSED`.
   */
  explain(url: string | URL | Request, init?: FetchInit): RequestOutlook
  /** The circuit of a host, such as `'api.example.com'` or `'localhost:8080'`. Throws `ERR_INVALID_ARGUMENT` for a client without `circuitBreaker`. */
  circuit(host: string): HostCircuit
  /** Tells `listener`; the result takes it away. */
  on<Name extends keyof FetchEvents>(event: Name, listener: (event: FetchEvents[Name]) => void): () => void
  /** Rejects everything under way with `ERR_CLOSED` and refuses new calls. Idempotent; the cache stays open. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
