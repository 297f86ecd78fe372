/** The public types of queues. */

import type { Clock } from '../clock.ts'
import type { RateLimit } from '../limits/types.ts'
import type { Registry } from '../metrics/registry.ts'
import type { Duration } from '../options.ts'

/** Options of {@link createQueue}. */
export interface QueueOptions {
  /** Tasks at the same time. Default: `Infinity`. */
  concurrency?: number
  /** Tasks at the same time with one `key`. Keys take turns. Default: `Infinity`. */
  perKey?: number
  /** Tasks that may wait; what happens to more says `overflow`. Default: 100 000. */
  maxQueue?: number
  /**
   * Where the queue is full: whoever comes is refused, or whoever has waited for longest, with `ERR_QUEUE_FULL`. `'wait'`: whoever comes waits outside, whatever its
   * priority, and is taken in when there is room; so producers that await `add`, or `onSizeLessThan(maxQueue)`, are held back and not refused. `size`
   * counts those outside; more than 100 000 of them are refused. Default: `'reject'`.
   */
  overflow?: 'reject' | 'drop-oldest' | 'wait'
  /** How often tasks may begin; `maxWait` refuses those that would wait longer with `ERR_RATE_LIMITED`. Default: no limit. */
  rateLimit?: Omit<RateLimit, 'maxQueue'>
  /** How long a task may run; then it is rejected with `ERR_TIMEOUT` and its `signal` is aborted. Default: no limit. */
  timeout?: Duration
  /** How long a task has to wait to come before one whose `priority` is higher by one. Default: however long, it does not. */
  aging?: Duration
  /** Whether tasks begin before `start()` is called. Default: true. */
  autoStart?: boolean
  /** The label `queue` in metrics; queues of one name add up. Default: `'default'`. */
  name?: string
  /** Where it reports: `queue_tasks_total{queue,outcome}`, `queue_wait_seconds`, `queue_waiting`, `queue_running`. Default: nowhere. */
  metrics?: Registry
  /** What tells the time. Default: the system's. */
  clock?: Clock
}

/** What one task may be given. */
export interface TaskOptions {
  /** Takes the task out of the queue, or tells it by its own `signal`; either way its promise rejects with `signal.reason` at once. */
  signal?: AbortSignal | undefined
  /** Higher comes first; a whole number. Default: 0. */
  priority?: number
  /** What it shares `perKey` with. Default: `''`. */
  key?: string
  /** How many places it takes. Default: 1. */
  weight?: number
  /** See {@link QueueOptions.timeout}. */
  timeout?: Duration
}

/** What a task is told. */
export interface TaskContext {
  /** Aborted when its caller gives up, when it takes longer than `timeout`, and when the queue is closed. Made when it is asked for. */
  readonly signal: AbortSignal
}

/** What {@link Queue.on} tells: the queue is `idle` (nothing waits or runs) or `empty` (nothing waits); a task was taken in, begins, has ended. */
export interface QueueEvents {
  add: () => void
  active: () => void
  completed: (value: unknown) => void
  error: (error: unknown) => void
  next: () => void
  empty: () => void
  idle: () => void
}

/** Counts of a queue since it was made; a copy. */
export interface QueueStats {
  waiting: number
  running: number
  completed: number
  /** Rejected by their own error or by `timeout`. */
  failed: number
  /** Given up by an abort, by `clear`, by `close`. */
  aborted: number
  /** Not taken in, or dropped for a newer one. */
  refused: number
}

/** A queue made by {@link createQueue}. Called as a function it is p-limit's `limit`: `await queue(load, 1)` is `await queue.add(() => load(1))`. */
export interface Queue {
  <T, A extends unknown[]>(task: (...args: A) => T | PromiseLike<T>, ...args: A): Promise<T>
  /**
   * Runs `task` when it is its turn. The promise is that of the task, or rejects with `ERR_QUEUE_FULL`, `ERR_RATE_LIMITED`, `ERR_TIMEOUT`,
   * `ERR_ABORTED` (see {@link Queue.clear}), `ERR_CLOSED`, `ERR_CORE_TRAPPED`, or `signal.reason`.
   */
  add<T>(task: (context: TaskContext) => T | PromiseLike<T>, options?: TaskOptions): Promise<T>
  /** The same for several, in order. Rejects as soon as one does. */
  addAll<T>(tasks: Iterable<(context: TaskContext) => T | PromiseLike<T>>, options?: TaskOptions): Promise<T[]>
  /** Each item through `task`; the results in order. Rejects as soon as one does. */
  map<I, T>(items: Iterable<I>, task: (item: I, index: number) => T | PromiseLike<T>, options?: TaskOptions): Promise<T[]>
  /** Lets tasks begin. */
  start(): this
  /** Lets no more tasks begin. What runs goes on. */
  pause(): void
  /** Rejects all that wait with `ERR_ABORTED`. */
  clear(): void
  /** Resolves when nothing waits. */
  onEmpty(): Promise<void>
  /** Resolves when nothing waits and nothing runs. */
  onIdle(): Promise<void>
  /** Resolves when fewer than `limit` tasks wait. */
  onSizeLessThan(limit: number): Promise<void>
  /** Calls `listener` on each event; the result takes it off. What it throws is reported and disturbs nobody. */
  on<E extends keyof QueueEvents>(event: E, listener: QueueEvents[E]): () => void
  /** Tasks at the same time; may be changed. What runs goes on. */
  concurrency: number
  /** Tasks that wait. */
  readonly size: number
  /** Tasks that run. */
  readonly pending: number
  readonly isPaused: boolean
  /** Whether a task that comes now would have to wait. */
  readonly isSaturated: boolean
  /** p-limit's name of {@link Queue.pending}. */
  readonly activeCount: number
  /** p-limit's name of {@link Queue.size}. */
  readonly pendingCount: number
  /** p-limit's name of {@link Queue.clear}. */
  clearQueue(): void
  /** A snapshot of counts. */
  stats(): QueueStats
  /** Rejects all that wait or run with `ERR_CLOSED`, aborts their signals, and takes in no more. Idempotent. */
  close(): void
  [Symbol.dispose](): void
}
