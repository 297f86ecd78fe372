/** What a monitor takes and tells. Everything it tells is plain data, ready for `JSON.stringify`. */

import type { MissRatioPoint } from '../cache/memory-types.ts'
import type { Clock } from '../clock.ts'
import type { BreakerState } from '../core/breaker-core.ts'
import type { MemoryReading } from '../governor/types.ts'
import type { HostStats } from '../http/types.ts'
import type { Registry } from '../metrics/registry.ts'
import type { Duration } from '../options.ts'

/** What is watched; by what its `stats()` says. */
export type SourceKind =
  | 'cache'
  | 'memory-cache'
  | 'fetch'
  | 'queue'
  | 'batcher'
  | 'pool'
  | 'rate-limiter'
  | 'circuit-breaker'
  | 'bulkhead'
  | 'governor'

/** Anything of ours that can say how it is: caches, clients, queues, batchers, pools, limiters, breakers, bulkheads, governors. */
export interface Watchable {
  stats(): object
}

/** Options of {@link createMonitor}. */
export interface MonitorOptions {
  /** What this process, tab or worker is called where several are shown. Default: `'client'`. */
  name?: string
  /** Whose timers and slow operations are told beside what is watched. Default: none. */
  registry?: Registry
  /** Alerts of `createAlerts`, told with every snapshot. Default: none; more by {@link Monitor.provide}. */
  alerts?: { list(): readonly MonitorAlert[] }
  /** How often a point is taken. Default: 1 s. */
  interval?: Duration
  /** How many points are kept. Default: 900: a quarter of an hour. */
  history?: number
  /** The `BroadcastChannel` on which tabs and workers of one origin (in Node: threads of one process) tell each other their snapshots. Default: none. */
  channel?: string
  /** Whether the snapshots of others on the channel are kept, for {@link Monitor.others}. Default: true. */
  collect?: boolean
  /** Default: the system's. */
  clock?: Clock
}

/** Options of {@link Monitor.watch}. */
export interface WatchOptions {
  /** Whether the hit rates that a cache would have with other sizes are watched, too; a miss costs a little more then. Default: true. */
  curve?: boolean
}

/** Percentiles in milliseconds; `null` where there was nothing. */
export interface LatencyPoint {
  readonly count: number
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
}

/**
 * How something that is watched went since the point before. Names are those of its `stats()`; a number by name in there has a dot:
 * `rates['missesByReason.cold']`.
 */
export interface SourcePoint {
  readonly kind: SourceKind
  /** What happened, per second: counts of `stats()` as they grew. */
  readonly rates: Readonly<Record<string, number>>
  /** How much there is now: entries, bytes, what runs and waits. */
  readonly levels: Readonly<Record<string, number>>
  /** Hits as a share of the reads since the point before; `null` where nothing was read, and of what has no hits. */
  readonly hitRate: number | null
  /** How long loads or requests took since it was made; `null` where that is not counted. For those of late, see {@link MonitorPoint.timers}. */
  readonly latency: LatencyPoint | null
}

/** One point in time. */
export interface MonitorPoint {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** How many seconds it sums up. */
  readonly seconds: number
  /** By the name under which something is watched. */
  readonly sources: Readonly<Record<string, SourcePoint>>
  /** The timers of the registry over the last 10 s, or the interval where that is longer, by name and labels, as in `load_seconds{kind="user"}`; at most 100. */
  readonly timers: Readonly<Record<string, LatencyPoint>>
  /** What the runtime says of its memory; nothing in browsers. */
  readonly memory: readonly MemoryReading[]
}

/** Something that is watched, as it is. Numbers that JSON has not, such as the infinite, are `null`. */
export interface SourceSnapshot {
  readonly name: string
  readonly kind: SourceKind
  /** What its `stats()` says. */
  readonly stats: Readonly<Record<string, unknown>>
  /** Of caches: the hit rates of other sizes. Empty before the first read. */
  readonly curve?: readonly MissRatioPoint[]
  /** Of clients: where requests go. */
  readonly hosts?: readonly Readonly<HostStats>[]
  /** Of breakers: the keys whose circuit is not closed, at most 50. */
  readonly keys?: readonly KeySnapshot[]
  /** Of caches, only where asked for: keys that would stay longest. */
  readonly hottest?: readonly string[]
  /** Why it could not be read this time. */
  readonly error?: string
}

/** What a breaker does with calls of one key. */
export interface KeySnapshot {
  readonly key: string
  readonly state: BreakerState
  readonly retryAt?: number
}

/** A run over many items. */
export interface BatchSnapshot {
  readonly name: string
  readonly state: 'running' | 'done'
  readonly done: number
  readonly failed: number
  readonly total: number | null
  /** Items per second. */
  readonly rate: number
  readonly remainingMs: number | null
  readonly batchSize: number
  /** When it began and when it was last heard of, in milliseconds since the epoch. */
  readonly startedAt: number
  readonly at: number
}

/** An operation that took longer than it should. */
export interface SlowOperation {
  readonly name: string
  readonly ms: number
  /** When it ended, in milliseconds since the epoch. */
  readonly at: number
  /** What it was about, such as a URL or a key. */
  readonly detail?: string | undefined
  readonly outcome?: string | undefined
}

/** A rule that speaks up. */
export interface MonitorAlert {
  readonly name: string
  readonly state: 'inactive' | 'pending' | 'firing' | 'resolved'
  readonly severity?: 'info' | 'warning' | 'critical' | undefined
  readonly summary?: string | undefined
  readonly value?: number | null | undefined
  /** Since when it is in this state, in milliseconds since the epoch. */
  readonly since?: number | undefined
}

/** Something to change. */
export interface MonitorRecommendation {
  readonly id: string
  readonly severity: 'info' | 'warning' | 'critical'
  readonly title: string
  readonly detail?: string | undefined
  /** What it is about; shown as little of as of all keys. Keys belong nowhere else. */
  readonly keys?: readonly string[] | undefined
  /** The numbers it rests on. */
  readonly evidence?: Readonly<Record<string, number | string>> | undefined
  /** What is to be gained. */
  readonly gain?: string | undefined
  /** The option to change, from what and to what. */
  readonly option?: string | undefined
  readonly from?: number | string | undefined
  readonly to?: number | string | undefined
  /** Makes the change; left out where that is not safe. Snapshots say `canApply` instead. */
  apply?(): unknown
}

/** A {@link MonitorRecommendation} as snapshots have it. */
export interface RecommendationSnapshot extends Omit<MonitorRecommendation, 'apply'> {
  readonly canApply: boolean
}

/** Everything a monitor knows at one moment. */
export interface MonitorSnapshot {
  readonly version: 1
  /** Of this monitor; another one has another. */
  readonly id: string
  readonly name: string
  readonly runtime: string
  /** Milliseconds since the epoch. */
  readonly at: number
  /** When the monitor was made. */
  readonly startedAt: number
  /** Milliseconds from point to point. */
  readonly interval: number
  readonly sources: readonly SourceSnapshot[]
  readonly batches: readonly BatchSnapshot[]
  readonly slow: readonly SlowOperation[]
  readonly alerts: readonly MonitorAlert[]
  readonly recommendations: readonly RecommendationSnapshot[]
  /** The newest point; `null` before the first. */
  readonly point: MonitorPoint | null
}

/** What others give to a monitor, each a function that is asked for every snapshot. */
export interface Provided {
  slow: () => readonly SlowOperation[]
  alerts: () => readonly MonitorAlert[]
  recommendations: () => readonly MonitorRecommendation[]
}

/** The events of a monitor. */
export interface MonitorEvents {
  /** A point was taken. */
  point: MonitorPoint
  /** Another one on the channel told its snapshot. */
  other: MonitorSnapshot
}
