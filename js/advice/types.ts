/** What an advisor says of what a monitor watches. Plain data but for `apply`. */

import type { MissReason } from '../cache/memory-types.ts'
import type { LatencyPoint, MonitorAlert, MonitorRecommendation, SlowOperation, SourceKind } from '../monitor/types.ts'
import type { Duration } from '../options.ts'

/** What is better when it is higher (hit rates) or lower (times, in milliseconds). */
export type Measure = 'hitRate' | 'p95Ms' | 'meanMs'

/** A measure as it was, and as it would have been with the change. */
export interface Prediction {
  readonly measure: Measure
  readonly now: number
  readonly expected: number
}

/** Something to change, why, and what it brings. */
export interface Recommendation extends MonitorRecommendation {
  /** The name under which what it is about is watched. */
  readonly source: string
  readonly evidence: Readonly<Record<string, number | string>>
  readonly gain: string
  readonly option: string
  /** Where the gain can be said as a number. Over the same reads, from the same start. */
  readonly predicted?: Prediction | undefined
  /** What tells whether it helped, where nothing can be predicted. */
  readonly measure?: Measure | undefined
  /** Makes the change, where it can be made while everything runs; to another value than `to`, if one is given. The result takes it back. */
  apply?(to?: number): () => void
}

/** How a cache did. */
export interface CacheReport {
  readonly name: string
  readonly reads: number
  readonly hits: number
  readonly hitRate: number
  readonly misses: Readonly<Record<MissReason, number>>
  readonly entries: number
  /** In the unit of `maxSize`; 0 where sizes are not counted. */
  readonly size: number
  readonly evictions: number
  /** Loads that were not needed, and the time they would have taken, in milliseconds. */
  readonly saved: { readonly loads: number; readonly ms: number }
  readonly loadLatency: LatencyPoint | null
  readonly tiers: readonly {
    readonly name: string
    readonly hits: number
    readonly misses: number
    readonly bytes: number
    readonly errors: number
  }[]
}

/** How a client of `createFetch` did. */
export interface FetchReport {
  readonly name: string
  readonly requests: number
  readonly sent: number
  readonly retries: number
  readonly failures: Readonly<Record<string, number>>
  /** Requests that were not sent, and the bytes of bodies that did not come again, by the mean of those that did. */
  readonly saved: { readonly requests: number; readonly bytes: number }
  readonly latency: LatencyPoint | null
  /** Hosts that are left alone now. */
  readonly circuits: readonly string[]
}

/** How anything else did: its counts over the time of the report, and where it stands. */
export interface OtherReport {
  readonly name: string
  readonly kind: SourceKind
  readonly counts: Readonly<Record<string, number>>
  readonly levels: Readonly<Record<string, number>>
}

/** What happened between two moments. */
export interface Report {
  readonly version: 1
  readonly name: string
  /** Milliseconds since the epoch. */
  readonly from: number
  readonly to: number
  readonly caches: readonly CacheReport[]
  readonly fetches: readonly FetchReport[]
  readonly others: readonly OtherReport[]
  readonly slow: readonly SlowOperation[]
  readonly alerts: readonly MonitorAlert[]
  /** Used of limit, by kind of memory; none in browsers. */
  readonly memory: readonly { readonly kind: string; readonly used: number; readonly limit: number }[]
  /** The weightiest first. */
  readonly recommendations: readonly Recommendation[]
}

/** Options of {@link createAdvisor}. */
export interface AdvisorOptions {
  /** Reads or requests below which nothing is said of something. Default: 1000. */
  minSamples?: number
  /** The least gain in hit rate, 0 to 1, that is worth a change. Default: 0.02. */
  minGain?: number
}

/** Options of {@link createTuner}. */
export interface TunerOptions {
  /** `'recommend'` only says what it would do; `'apply'` does it. Default: `'recommend'`. */
  mode?: 'recommend' | 'apply'
  /**
   * What shall get better: higher is better. Asked before a change and after it, over the same length of time. Default: what the recommendation predicts, of
   * what it is about.
   */
  goal?: () => number
  /** How much worse the goal may be after a change, as a share of what it was, before that is taken back. Default: 0.01. */
  tolerance?: number
  /** How far options may be moved, by the name of what is watched and the option: `{ 'users.max': [1000, 50_000] }`. What is not named may be moved by a factor of four each way. */
  bounds?: Readonly<Record<string, readonly [least: number, most: number]>>
  /** How long is watched before a change, and after it. Default: 1 min. */
  interval?: Duration
  /** Called with each step. What it throws is reported. */
  onStep?: (step: TunerStep) => void
}

/** What a tuner did. */
export interface TunerStep {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly action: 'proposed' | 'applied' | 'kept' | 'rolled-back'
  readonly id: string
  readonly option: string
  readonly from: number | string | undefined
  readonly to: number | string | undefined
  /** The goal before the change, and after it. */
  readonly before: number
  readonly after: number | null
}
