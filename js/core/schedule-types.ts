/** What a schedule is told and what it answers. */

import type { CoreTrappedError } from '../errors.ts'
import type { BreakerRules, BreakerState } from './breaker-core.ts'
import type { KeyLimits } from './key-limits.ts'

/** How long failed tasks sleep; times are milliseconds. */
export interface BackoffConfig {
  initialDelay: number
  maxDelay: number
  /** From `initialDelay` to three times the delay before; else an exponential delay. */
  decorrelated: boolean
  /** The exponential delay itself; else anything up to it. */
  exact?: boolean | undefined
  /** By what the exponential delay grows. Default: 2. */
  factor?: number | undefined
  seed: number
}

/** The limits of a schedule; times are milliseconds. */
export interface ScheduleConfig extends BackoffConfig {
  concurrency: number
  perLane: number
  maxQueue: number
  maxRetryAfter: number
  /** How often attempts begin. Default: no limit. */
  rateLimit?: AttemptRate | undefined
  /** How long a task has to wait to come before one of a priority higher by one. Default: `Infinity`: however long, it does not. */
  aging?: number | undefined
  /** Where the queue is full, whoever has waited for longest makes room. Default: whoever comes is refused. */
  dropOldest?: boolean | undefined
  /** How much of the load may be attempts after the first. Default: no limit. */
  retryBudget?: BudgetConfig | undefined
  /** How the number of attempts that run at once is found out. Default: it is `concurrency`. */
  adaptive?: AdaptiveConfig | undefined
  /** How the number of attempts of each key is found out. Default: it is `perLane`. */
  keyLimits?: KeyLimits | undefined
  /** When the attempts of a key are refused since those before have failed. Default: never. */
  breaker?: BreakerRules | undefined
}

/** Between what the number of attempts that run at once lies, and how it moves; times are milliseconds. */
export interface AdaptiveConfig {
  /** By refusals alone; else by latency, too. */
  readonly aimd: boolean
  readonly min: number
  readonly max: number
  readonly initial: number
  readonly maxHealthyLatency: number
  readonly maxLimitFactor: number
}

/** Why a limit has moved. */
export type LimitReason = 'overload' | 'unhealthy-latency' | 'queueing' | 'headroom' | 'unused' | 'probe' | 'probed'

/** What an attempt says about how much whoever was asked can bear. */
export type Load = 'served' | 'overload' | 'ignored'

/** Second attempts in any ten seconds: `ratio` of the calls, and `minPerSecond` in each second whatever the calls. */
export interface BudgetConfig {
  readonly ratio: number
  readonly minPerSecond: number
}

/** A token bucket with a token for each attempt. A task that would wait longer than `maxWait` for its first is refused. */
export interface AttemptRate {
  readonly tokens: number
  readonly interval: number
  readonly burst: number
  readonly maxWait: number
}

/**
 * The answer to `ScheduleCore.submit`: in, or refused; by the rate limit, with how long the task would have waited; by an open circuit, with
 * when it lets somebody through, on the driver's timeline.
 */
export type Submitted = 'in' | 'queue-full' | { readonly retryAfterMs: number } | { readonly retryAt: number }

/** What one task may use up; times are milliseconds. */
export interface TaskLimits {
  /** For each attempt. */
  readonly timeout: number
  /** For everything. */
  readonly totalTimeout: number
  readonly maxRetries: number
  /** In the queue, before the first attempt. 0: it begins at once or is refused. Default: `Infinity`. */
  readonly maxWait?: number
  /** Who comes first of those with the same key: the higher whole number, within 32 bits. Default: 0. */
  readonly priority?: number
  /** How many places it takes while it runs; where that is more than there are, it runs alone. Default: 1. */
  readonly weight?: number
}

/** Where a task's time went, in milliseconds. */
export interface Spent {
  readonly attempts: number
  readonly queue: number
  readonly running: number
  readonly backoff: number
  /** In the queue, for the rate limit alone. */
  readonly rate: number
}

/** Which deadline ended a task: `'wait'` is `maxWait`, and `'room'` is none: a newer task has taken its place in the queue. */
export type Deadline = 'queue' | 'attempt' | 'total' | 'wait' | 'room'

/** Why a settled task is not tried again. */
export type Ending = 'final' | 'exhausted' | 'no-time-left' | 'pause-too-long' | 'circuit-open' | 'budget-spent'

/** The answer to `ScheduleCore.settle`: stale, asleep, or ended. */
export type Settled = undefined | 'backoff' | { readonly ending: Ending; readonly spent: Spent }

/** What a task is told. None of these may throw. */
export interface ScheduledTask {
  /** What shares a limit per key, such as a host. */
  readonly key: string
  /** Its name in the core, or -1; the schedule's to write. */
  token: number
  /** Begin this attempt. */
  start(attempt: number): void
  /** Break off this attempt, whose time is up; another follows. */
  abort(attempt: number): void
  /** The end, without a result. Break off the attempt if one runs. */
  expire(deadline: Deadline, spent: Spent): void
  /** The end: its circuit has opened while it waited, and lets nobody through before `retryAt`. */
  refuse?(retryAt: number, spent: Spent): void
  /** The core trapped and forgot the task. Break off the attempt if one runs. */
  lose(error: CoreTrappedError): void
}

/** What happens to the tasks of one key. */
export interface KeyCounts {
  running: number
  queued: number
  sleeping: number
  circuit: BreakerState
  retryAt: number | undefined
}

/** The answer to `ScheduleCore.outlook`; times are milliseconds on the driver's timeline. */
export interface ScheduleOutlook {
  /** Whether its attempt would begin at once. */
  readonly begins: boolean
  /** Places that its key takes, and tasks of it that wait. */
  readonly lane: { readonly running: number; readonly queued: number }
  readonly running: number
  readonly queued: number
  readonly sleeping: number
  readonly concurrency: number
  /** Until when whoever was asked has asked for a pause. */
  readonly heldUntil: number | undefined
  /** When the circuit lets somebody through that refuses everyone now; `Infinity` where nobody knows. */
  readonly shutUntil: number | undefined
  readonly circuit: BreakerState
  /** For a token, with all that wait before it. */
  readonly rateWait: number
  /** `Infinity` where there is no budget. */
  readonly retriesLeft: number
}
