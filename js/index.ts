/** What `import … from 'shelflife'` offers: export lists only. */

export { type Advisor, createAdvisor } from './advice/advisor.ts'
export { reportText } from './advice/report-text.ts'
export { createTuner, type Tuner } from './advice/tuner.ts'
export { type Alerts, createAlerts } from './alerts/alerts.ts'
export { burnRate } from './alerts/burn-rate.ts'
export { createBatcher } from './batch/batcher/batcher.ts'
export { BatchAbortedError, BatchResultError } from './batch/errors.ts'
export { processBatch } from './batch/process.ts'
export { ResumeTokenError } from './batch/resume.ts'
export { type Cache, createCache } from './cache/cache.ts'
export { type Lazy, type LazyOptions, lazy } from './cache/lazy.ts'
export { createMemoryCache, type MemoryCache } from './cache/memory-cache.ts'
export { PartialLoadError } from './cache/partial-load-error.ts'
export { type Clock, type ClockTimer, systemClock } from './clock.ts'
export { cached } from './decorators/cached.ts'
export { concurrencyLimited } from './decorators/concurrency-limited.ts'
export { lazyLoaded } from './decorators/lazy-loaded.ts'
export { rateLimited } from './decorators/rate-limited.ts'
export { timed } from './decorators/timed.ts'
export {
  ClosedError,
  CoreTrappedError,
  type ErrorCode,
  InvalidArgumentError,
  isShelflifeError,
  QueueFullError,
  ShelflifeError,
  TimeoutError,
} from './errors.ts'
export { createMemoryGovernor, type MemoryGovernor } from './governor/governor.ts'
export { cacheControl } from './http/cache-control.ts'
export {
  HttpStatusError,
  NetworkError,
  RequestTimeoutError,
  RequestTooLargeError,
  ResponseTooLargeError,
} from './http/errors.ts'
export { createFetch } from './http/fetch.ts'
export { RateLimitedError } from './limits/errors.ts'
export { createRateLimiter } from './limits/rate-limiter.ts'
export { collectDefaultMetrics } from './metrics/defaults/collect.ts'
export { otlpMetrics } from './metrics/otlp.ts'
export { createRegistry } from './metrics/registry.ts'
export { createMonitor, type Monitor } from './monitor/monitor.ts'
export { adaptiveConcurrency } from './policies/adaptive-concurrency.ts'
export { bulkhead } from './policies/bulkhead.ts'
export { circuitBreaker } from './policies/circuit-breaker.ts'
export { BulkheadFullError, CircuitOpenError } from './policies/errors.ts'
export { fallback } from './policies/fallback.ts'
export { hedge } from './policies/hedge.ts'
export { pipeline } from './policies/pipeline.ts'
export { rateLimit } from './policies/rate-limit.ts'
export { retry } from './policies/retry.ts'
export { retryBudget } from './policies/retry-budget.ts'
export { timeout } from './policies/timeout.ts'
export { createPool } from './pool/pool.ts'
export { createQueue } from './queue/queue.ts'
export { compareRuns } from './regression/compare.ts'
export { scanRuns } from './regression/history.ts'
export { createRun, readRun } from './regression/run.ts'
export { comparisonMarkdown, comparisonText } from './regression/text.ts'
export { jsonArray } from './streams/json-array.ts'
export { ndjson } from './streams/lines.ts'
export type * from './types.ts'
