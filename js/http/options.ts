/** Reads the options of a client once, and those of a single request when it brings some. */

import type { Clock } from '../clock.ts'
import type { AdaptiveConfig, ScheduleConfig, TaskLimits } from '../core/schedule-types.ts'
import { InvalidArgumentError } from '../errors.ts'
import { readRate } from '../limits/rate.ts'
import type { Registry } from '../metrics/registry.ts'
import {
  clockOption,
  durationMs,
  durationOrZeroMs,
  flag,
  metricsOption,
  optionalFunction,
  optionsObject,
  ratio,
  sizeInBytes,
  wholeNumber,
} from '../options.ts'
import { type AdaptiveOptions, readAdaptive } from '../policies/adaptive-options.ts'
import { type CircuitChange, readBreaker } from '../policies/breaker-options.ts'
import { readBudget } from '../policies/budget-options.ts'
import { readHedgeDelay } from '../policies/hedge-options.ts'
import type { HedgingConfig } from './hedging.ts'
import { type Hooks, readHooks } from './hooks.ts'
import type { RedirectPolicy } from './redirect.ts'
import type { Heuristic } from './rfc9111/freshness.ts'
import { platformTransport } from './transports/platform.ts'
import type { FetchInit, FetchOptions, HedgingOptions, ResponseCache, RetryOptions, Transport } from './types.ts'

/** What a request may use up. */
export interface RequestLimits extends TaskLimits {
  readonly maxResponseSize: number
  readonly idleTimeout: number
  /** In milliseconds; `undefined` leaves it to the response and the cache. */
  readonly ttl: number | undefined
  /** Where the response does not say. */
  readonly staleWhileRevalidate: number
  readonly staleIfError: number
}

/** All options, checked and complete. */
export interface ResolvedOptions {
  readonly cache: ResponseCache | undefined
  /** Whether many use what the cache keeps. */
  readonly shared: boolean
  readonly heuristic: Heuristic
  readonly partition: string | undefined
  readonly redirects: RedirectPolicy
  readonly maxRequestSize: number
  readonly maxCompressionRatio: number
  readonly base: URL | undefined
  readonly headers: Headers | undefined
  readonly hooks: Hooks
  readonly limits: RequestLimits
  readonly methods: ReadonlySet<string>
  readonly dedupe: boolean
  readonly transport: Transport
  readonly clock: Clock
  readonly name: string
  readonly metrics: Registry | undefined
  readonly schedule: ScheduleConfig
  readonly hedge: HedgingConfig | undefined
  readonly heedsLimits: boolean
  readonly adaptive: AdaptiveConfig | undefined
  readonly onCircuitChange: ((change: CircuitChange) => void) | undefined
}

const IDEMPOTENT = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']
const MAX_COUNT = 2 ** 32 - 1

/** Checks and completes `options`. */
export function resolveOptions(given: FetchOptions | undefined): ResolvedOptions {
  const options: FetchOptions = optionsObject(given, 'options')
  const retry: RetryOptions = options.retry === false ? { maxRetries: 0 } : optionsObject(options.retry, 'retry')
  optionalFunction(options.fetch, 'fetch')
  const { backoff = 'decorrelated', methods = IDEMPOTENT } = retry
  if (!Array.isArray(methods) || !methods.every(method => typeof method === 'string'))
    throw new InvalidArgumentError('retry.methods', 'an array of HTTP methods', methods)
  checkCache(options.cache)
  if (backoff !== 'decorrelated' && backoff !== 'exponential') {
    throw new InvalidArgumentError('retry.backoff', "'decorrelated' or 'exponential'", backoff)
  }
  const initialDelay = durationOrZeroMs(retry.initialDelay ?? 100, 'retry.initialDelay')
  return {
    cache: options.cache,
    shared: flag(options.shared ?? options.cache?.isShared ?? false, 'shared'),
    heuristic: readHeuristic(options.heuristic),
    partition: readPartition(options.partition, 'partition'),
    redirects: readRedirects(options.redirects),
    maxRequestSize: sizeInBytes(options.maxRequestSize ?? Number.POSITIVE_INFINITY, 'maxRequestSize'),
    maxCompressionRatio: readRatio(options.maxCompressionRatio ?? 100),
    base: readBase(options.baseUrl),
    headers: options.headers === undefined ? undefined : readHeaders(options.headers, 'headers'),
    hooks: readHooks(options.hooks),
    limits: {
      timeout: durationMs(options.timeout ?? '10s', 'timeout'),
      totalTimeout: durationMs(options.totalTimeout ?? '30s', 'totalTimeout'),
      maxResponseSize: sizeInBytes(options.maxResponseSize ?? '2mb', 'maxResponseSize'),
      idleTimeout: durationMs(options.idleTimeout ?? Number.POSITIVE_INFINITY, 'idleTimeout'),
      maxRetries: count(retry.maxRetries ?? 3, 'retry.maxRetries', 0),
      ttl: options.ttl === undefined ? undefined : durationMs(options.ttl, 'ttl'),
      staleWhileRevalidate: durationOrZeroMs(options.staleWhileRevalidate ?? 0, 'staleWhileRevalidate'),
      staleIfError: durationOrZeroMs(options.staleIfError ?? 0, 'staleIfError'),
    },
    methods: new Set(methods.map(method => method.toUpperCase())),
    dedupe: flag(options.dedupe ?? true, 'dedupe'),
    transport: options.fetch ?? platformTransport(),
    clock: clockOption(options.clock),
    name: readName(options.name),
    metrics: metricsOption(options.metrics),
    heedsLimits: flag(options.rateLimitHeaders ?? false, 'rateLimitHeaders'),
    adaptive: options.adaptiveConcurrency === undefined ? undefined : readLimits(options),
    onCircuitChange: options.circuitBreaker?.onStateChange,
    hedge: options.hedge === undefined ? undefined : readHedging(options.hedge),
    schedule: {
      concurrency: count(options.concurrency ?? 64, 'concurrency', 1),
      perLane: count(options.perHost ?? 8, 'perHost', 1),
      maxQueue: count(options.maxQueue ?? 100_000, 'maxQueue', 0),
      initialDelay,
      maxDelay: Math.max(initialDelay, durationOrZeroMs(retry.maxDelay ?? '20s', 'retry.maxDelay')),
      decorrelated: backoff === 'decorrelated',
      maxRetryAfter: durationOrZeroMs(retry.maxRetryAfter ?? '60s', 'retry.maxRetryAfter'),
      breaker: options.circuitBreaker === undefined ? undefined : readBreaker(options.circuitBreaker, 'circuitBreaker.'),
      retryBudget: retry.budget === undefined ? undefined : readBudget(retry.budget, 'retry.budget.'),
      rateLimit: options.rateLimit === undefined ? undefined : readRate(options.rateLimit, 'rateLimit.'),
      seed: wholeNumber(options.seed ?? Math.floor(Math.random() * Number.MAX_SAFE_INTEGER), 'seed', { min: 0 }),
    },
  }
}

/** Of one host. It is never more than what there may be in all. */
function readLimits(options: FetchOptions): AdaptiveConfig {
  const given: AdaptiveOptions = optionsObject(options.adaptiveConcurrency, 'adaptiveConcurrency')
  const max = given.max ?? Math.min(count(options.concurrency ?? 64, 'concurrency', 1), 1_000_000)
  return readAdaptive({ ...given, max, initial: given.initial ?? options.perHost ?? 8 }, 'adaptiveConcurrency.')
}

function readRedirects(given: FetchOptions['redirects']): RedirectPolicy {
  const { max = 20, refuseInsecure = false } = optionsObject(given, 'redirects')
  return { max: wholeNumber(max, 'redirects.max', { min: 0 }), refuseInsecure: flag(refuseInsecure, 'redirects.refuseInsecure') }
}

function readName(name: unknown = 'default'): string {
  if (typeof name !== 'string' || name === '') throw new InvalidArgumentError('name', 'a text that is not empty', name)
  return name
}

function readRatio(value: unknown): number {
  if (typeof value !== 'number' || !(value >= 1)) throw new InvalidArgumentError('maxCompressionRatio', 'a number from 1', value)
  return value
}

function readBase(given: unknown): URL | undefined {
  if (given === undefined) return undefined
  const page = (globalThis as { location?: { href?: string } }).location?.href
  if ((typeof given !== 'string' && !(given instanceof URL)) || !URL.canParse(`${given}`, page))
    throw new InvalidArgumentError('baseUrl', 'an absolute URL', given)
  return new URL(given, page)
}

/** Headers that the platform takes. */
export function readHeaders(given: NonNullable<RequestInit['headers']>, name: string): Headers {
  try {
    return new Headers(given)
  } catch {
    throw new InvalidArgumentError(name, 'valid header names and values', given)
  }
}

function readHeuristic(given: FetchOptions['heuristic']): Heuristic {
  if (given === false) return { fraction: 0, most: 0 }
  const { fraction = 0.1, maxAge = '1d' } = optionsObject(given, 'heuristic')
  return { fraction: ratio(fraction, 'heuristic.fraction'), most: durationMs(maxAge, 'heuristic.maxAge') }
}

/** An empty one is somebody's missing name, and would be shared by all who have none. */
export function readPartition(value: unknown, name: string): string | undefined {
  if (value !== undefined && (typeof value !== 'string' || value === ''))
    throw new InvalidArgumentError(name, 'a text that is not empty', value)
  return value as string | undefined
}

function readHedging(given: HedgingOptions): HedgingConfig {
  const { maxHedges = 1, delay, budget = { ratio: 0.1, minPerSecond: 1 } }: HedgingOptions = optionsObject(given, 'hedge')
  return {
    ...readHedgeDelay(delay, 'hedge.delay'),
    maxHedges: wholeNumber(maxHedges, 'hedge.maxHedges'),
    budget: readBudget(budget, 'hedge.budget.'),
  }
}

/** A cache of `createCache`, or something with the same methods; one in memory only has no loader, and would never keep anything. */
function checkCache(cache: unknown): void {
  const { memory, getOrSet, set } = (cache ?? { memory: {} }) as Partial<ResponseCache>
  const isCache = typeof memory === 'object' && typeof getOrSet === 'function' && typeof set === 'function'
  if (cache !== undefined && !isCache) throw new InvalidArgumentError('cache', 'a cache of createCache', cache)
}

/** The limits of one request: its own where `init` names them, else the client's. */
export function requestLimits(init: FetchInit, limits: RequestLimits): RequestLimits {
  const { timeout, totalTimeout, idleTimeout, maxResponseSize, ttl, retry, staleWhileRevalidate, staleIfError } = init
  const given = [timeout, totalTimeout, idleTimeout, maxResponseSize, ttl, retry, staleWhileRevalidate, staleIfError]
  if (given.every(one => one === undefined)) return limits
  const maxRetries = retry === false ? 0 : optionsObject(retry, 'init.retry').maxRetries
  return {
    timeout: timeout === undefined ? limits.timeout : durationMs(timeout, 'timeout'),
    totalTimeout: totalTimeout === undefined ? limits.totalTimeout : durationMs(totalTimeout, 'totalTimeout'),
    maxResponseSize: maxResponseSize === undefined ? limits.maxResponseSize : sizeInBytes(maxResponseSize, 'maxResponseSize'),
    idleTimeout: idleTimeout === undefined ? limits.idleTimeout : durationMs(idleTimeout, 'idleTimeout'),
    maxRetries: maxRetries === undefined ? limits.maxRetries : count(maxRetries, 'retry.maxRetries', 0),
    ttl: ttl === undefined ? limits.ttl : durationMs(ttl, 'ttl'),
    staleWhileRevalidate:
      staleWhileRevalidate === undefined ? limits.staleWhileRevalidate : durationOrZeroMs(staleWhileRevalidate, 'staleWhileRevalidate'),
    staleIfError: staleIfError === undefined ? limits.staleIfError : durationOrZeroMs(staleIfError, 'staleIfError'),
  }
}

/** The core counts in 32 bits; `Infinity` is as many as it can count. */
function count(value: unknown, name: string, min: number): number {
  return Math.min(wholeNumber(value, name, { min, infinite: true }), MAX_COUNT)
}
