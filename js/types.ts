/** The public types, written by hand. Each room's options and results; numbers of time are milliseconds. */

export type * from './advice/types.ts'
export type { BurnRateOptions, BurnRateWindow, CounterSelector } from './alerts/burn-rate.ts'
export type * from './alerts/types.ts'
export type * from './batch/batcher/types.ts'
export type {
  BatchContext,
  BatchHandler,
  BatchOptions,
  BatchProgress,
  BatchResult,
  BatchStats,
  FailedItem,
  ItemKey,
  LearnedBatchSize,
  ResumeToken,
} from './batch/types.ts'
export type { ResourceLimits, WorkerBatchOptions, WorkerLike, WorkerSettings, WorkerStats } from './batch/workers/types.ts'
export type { CircuitState } from './cache/circuit.ts'
export type * from './cache/loading-types.ts'
export type * from './cache/memory-types.ts'
export type { TierBreakerOptions, TierMode, TierOptions } from './cache/tier-options.ts'
export type * from './cache/types.ts'
export type { Clock, ClockTimer } from './clock.ts'
export type { BreakerCause, BreakerState } from './core/breaker-core.ts'
export type { EvictionPolicy } from './core/cache-core.ts'
export type { OwnCacheOptions, ResultCache, SharedCacheOptions } from './decorators/cached.ts'
export type { ConcurrencyLimitOptions } from './decorators/concurrency-limited.ts'
export type { OwnLimiterOptions, SharedLimiterOptions } from './decorators/rate-limited.ts'
export type { CallTimer } from './decorators/timed.ts'
export type * from './governor/types.ts'
export type { CacheControlOptions, CacheDirectives } from './http/cache-control.ts'
export type { RequestPhases, RequestTrace } from './http/errors.ts'
export type { StoredResponse } from './http/record.ts'
export type { Freshness } from './http/rfc9111/reuse.ts'
export type {
  BareResponse,
  CachingOptions,
  ConnectionStats,
  DownloadProgress,
  Fetch,
  FetchEvents,
  FetchHooks,
  FetchInit,
  FetchLatency,
  FetchOptions,
  FetchStats,
  HeuristicOptions,
  HookResult,
  HostCircuit,
  HostLimitChange,
  HostStats,
  KeepOptions,
  OutlookReason,
  RedirectOptions,
  RequestOutlook,
  ResponseCache,
  ResponseContext,
  RetryContext,
  RetryOptions,
  Transport,
  TransportProgress,
  TransportStats,
} from './http/types.ts'
export type * from './limits/types.ts'
export type { LabelCardinality } from './metrics/cardinality.ts'
export type { DefaultMetrics, DefaultMetricsOptions } from './metrics/defaults/collect.ts'
export type { HistogramOptions, MetricOptions, SampleOptions, SummaryOptions, TimerOptions } from './metrics/definition.ts'
export type { MergeOptions, MetricDump, RegistryDump } from './metrics/dump.ts'
export type { TextFormat } from './metrics/exposition.ts'
export type {
  Counter,
  CounterSeries,
  Gauge,
  GaugeSeries,
  Histogram,
  HistogramSeries,
  Operation,
  Summary,
  Timer,
  TimerSeries,
} from './metrics/instruments.ts'
export type { Labels, LabelValue } from './metrics/labels.ts'
export type { OtlpOptions } from './metrics/otlp.ts'
export type { GaugeOptions, Registry, RegistryOptions, SnapshotOptions } from './metrics/registry.ts'
export type { LabelSelector, Selection } from './metrics/selection.ts'
export type { SlowLog, SlowOperation } from './metrics/slow-log.ts'
export type {
  Distribution,
  Exploding,
  HistogramSeriesSnapshot,
  HistogramSnapshot,
  MetricSnapshot,
  NumberSnapshot,
  RegistrySnapshot,
  WindowedDistribution,
} from './metrics/snapshot.ts'
export type { WindowOptions } from './metrics/window.ts'
export type { BatchWatch } from './monitor/batches.ts'
export type * from './monitor/types.ts'
export type { Duration, Size } from './options.ts'
export type { AdaptiveConcurrencyOptions } from './policies/adaptive-concurrency.ts'
export type { AdaptiveOptions, LimitChange } from './policies/adaptive-options.ts'
export type { BreakerOptions, BreakerWindow, CircuitChange } from './policies/breaker-options.ts'
export type { RetryBudgetOptions } from './policies/budget-options.ts'
export type { Bulkhead, BulkheadOptions, BulkheadStats } from './policies/bulkhead.ts'
export type {
  CircuitBreaker,
  CircuitBreakerEvents,
  CircuitBreakerOptions,
  CircuitBreakerStats,
  SavedCircuits,
} from './policies/circuit-breaker.ts'
export type { FallbackOptions } from './policies/fallback.ts'
export type { HedgeOptions } from './policies/hedge.ts'
export type { HedgeDelay } from './policies/hedge-options.ts'
export type { Hurdle } from './policies/layer.ts'
export type { Pipeline, PipelineStats, SavedPipeline } from './policies/pipeline.ts'
export type { RateLimitOptions } from './policies/rate-limit.ts'
export type { RetryEvent, RetryPolicyOptions } from './policies/retry.ts'
export type { RetryBudget } from './policies/retry-budget.ts'
export type { TimeoutOptions } from './policies/timeout.ts'
export type * from './policies/types.ts'
export type * from './pool/types.ts'
export type * from './queue/types.ts'
export type * from './regression/types.ts'
export type { Persist, Store, TierState, TierStats } from './stores/tier.ts'
export type { ByteSource, ItemOptions } from './streams/lines.ts'
