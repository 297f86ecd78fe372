/** `bulkhead`: so many calls at the same time. */

import type { Abortable } from '../abort-watch.ts'
import type { Clock } from '../clock.ts'
import { type AdaptiveConfig, type Deadline, type LimitReason, type Load, ScheduleCore, type ScheduledTask } from '../core/schedule-core.ts'
import { InvalidArgumentError } from '../errors.ts'
import { type Duration, durationMs, durationOrZeroMs, optionsObject, wholeNumber } from '../options.ts'
import type { Context } from './context.ts'
import { BulkheadFullError } from './errors.ts'
import { Layered, type Next } from './layer.ts'
import type { Policy } from './types.ts'

/** Options of {@link bulkhead}. */
export interface BulkheadOptions {
  /** Calls at the same time. */
  concurrency: number
  /** Calls at the same time for one key. The keys take turns. Default: `concurrency`. */
  perKey?: number
  /** Calls that may wait; more are refused with `ERR_QUEUE_FULL`. Default: 0. */
  maxQueue?: number
  /** Whoever waits for longer is refused with `ERR_QUEUE_FULL`. Default: no limit. */
  maxWait?: Duration
  /** `'drop-oldest'`: where the queue is full, whoever has waited for longest is refused in place of whoever comes. Default: `'reject'`. */
  overflow?: 'reject' | 'drop-oldest'
  /** How long a call has to wait to come before one whose `priority` is higher by one. Default: however long, it does not. */
  aging?: Duration
  /** The name in errors. Default: `'default'`. */
  name?: string
  /** The source of time. Default: {@link systemClock}. */
  clock?: Clock
}

/** Counts of a bulkhead; a copy. */
export interface BulkheadStats {
  running: number
  waiting: number
}

/** A policy made by {@link bulkhead}. */
export interface Bulkhead extends Policy {
  stats(): BulkheadStats
  /** Changes how many calls run at the same time. What runs goes on. */
  concurrency: number
}

/** What the core can count. */
const MOST = 2 ** 32 - 1
const NEVER = Number.POSITIVE_INFINITY

/**
 * Makes a policy that runs at most `concurrency` calls at the same time, and `perKey` of one key. The others wait in a queue: higher priorities first,
 * then in the order in which they came. A place is handed over at once, so that no newcomer slips in.
 *
 * ```ts
 * const call = bulkhead({ concurrency: 100, perKey: 10, maxQueue: 1000, maxWait: '5s' })
 * await call.execute(() => load(url), { key: url.host, priority: 1 })
 * ```
 */
export function bulkhead(options: BulkheadOptions): Bulkhead {
  return new Compartments(options)
}

/** A number of calls that moves by how they go. */
export interface Moving {
  readonly config: AdaptiveConfig
  /** What an error says. */
  readonly loadOf: (error: unknown) => Load
  readonly onLimitChange: (from: number, to: number, reason: LimitReason) => void
}

/** See {@link bulkhead}; where it is given how, the number of calls moves. */
export class Compartments extends Layered implements Bulkhead {
  readonly #name: string
  readonly #maxQueue: number
  readonly #maxWait: number
  readonly #make: () => ScheduleCore
  readonly #moving: Moving | undefined
  #concurrency: number
  #made: ScheduleCore | undefined

  constructor(given: BulkheadOptions, moving?: Moving) {
    const options: Partial<BulkheadOptions> = optionsObject(given, 'options')
    super(options.clock)
    const { name = 'default', overflow = 'reject', aging } = options
    if (typeof name !== 'string') throw new InvalidArgumentError('name', 'a string', name)
    if (overflow !== 'reject' && overflow !== 'drop-oldest')
      throw new InvalidArgumentError('overflow', "'reject' or 'drop-oldest'", overflow)
    this.#name = name
    this.#moving = moving
    this.#concurrency = countOf(options.concurrency, 'concurrency', 1)
    const perLane = countOf(options.perKey ?? NEVER, 'perKey', 1)
    this.#maxQueue = countOf(options.maxQueue ?? 0, 'maxQueue', 0)
    this.#maxWait = durationOrZeroMs(options.maxWait ?? NEVER, 'maxWait')
    const unused = { initialDelay: 0, maxDelay: 0, decorrelated: false, maxRetryAfter: 0, seed: 0 }
    const queue = {
      maxQueue: this.#maxQueue,
      dropOldest: overflow === 'drop-oldest',
      aging: aging === undefined ? NEVER : durationMs(aging, 'aging'),
    }
    this.#make = () => {
      const config = { ...unused, ...queue, concurrency: this.#concurrency, perLane, adaptive: moving?.config }
      const made = new ScheduleCore(config, this.driver)
      made.onLimitChange = moving?.onLimitChange
      return made
    }
  }

  get concurrency(): number {
    return this.#moving === undefined ? this.#concurrency : (this.#made?.concurrency ?? this.#moving.config.initial)
  }

  set concurrency(concurrency: number) {
    this.#concurrency = countOf(concurrency, 'concurrency', 1)
    this.#made?.setConcurrency(this.#concurrency)
  }

  run<T>(context: Context, next: Next<T>): Promise<T> {
    const { ended, priority } = context
    if (ended !== undefined) return Promise.reject(ended.reason)
    if (!Number.isInteger(priority) || priority !== (priority | 0))
      return Promise.reject(new InvalidArgumentError('priority', 'a whole number within 32 bits', priority))
    this.#made ??= this.#make()
    const core = this.#made
    return new Promise((resolve, reject) => {
      const call = new Call(context, next, core, this.#moving?.loadOf, { resolve, reject, refused: why => reject(this.#refusal(why)) })
      const limits = { timeout: NEVER, totalTimeout: NEVER, maxRetries: 0, maxWait: this.#maxWait, priority }
      if (core.submit(call, limits) === 'in') call.wait()
      else reject(this.#refusal('queue'))
    })
  }

  stats(): BulkheadStats {
    const { running = 0, queued = 0 } = this.#made?.counts() ?? {}
    return { running, waiting: queued }
  }

  #refusal(why: BulkheadFullError['reason']): BulkheadFullError {
    return new BulkheadFullError(this.#name, why, this.#maxQueue, this.#maxWait)
  }
}

interface Outcomes<T> {
  resolve(value: T): void
  reject(error: unknown): void
  refused(why: BulkheadFullError['reason']): void
}

/** One call: it waits, runs, and gives its place up. */
class Call<T> implements ScheduledTask, Abortable {
  readonly key: string
  token = -1
  readonly #context: Context
  readonly #next: Next<T>
  readonly #core: ScheduleCore
  readonly #loadOf: Moving['loadOf'] | undefined
  readonly #outcomes: Outcomes<T>
  #isRunning = false

  constructor(context: Context, next: Next<T>, core: ScheduleCore, loadOf: Moving['loadOf'] | undefined, outcomes: Outcomes<T>) {
    this.key = context.key
    this.#context = context
    this.#next = next
    this.#core = core
    this.#loadOf = loadOf
    this.#outcomes = outcomes
  }

  /** From now on an abort ends it, unless it runs: then what lies further in is told. */
  wait(): void {
    if (!this.#isRunning && this.token >= 0 && this.#context.canEnd) this.#context.watch(this)
  }

  start(): void {
    this.#isRunning = true
    this.#context.unwatch(this)
    this.#next(this.#context).then(
      value => {
        this.#core.settle(this, 1, false)
        this.#outcomes.resolve(value)
      },
      error => {
        this.#core.settle(this, 1, false, undefined, 'failure', this.#loadOf?.(error))
        this.#outcomes.reject(error)
      },
    )
  }

  aborted(reason: unknown): void {
    this.#core.cancel(this)
    this.#outcomes.reject(reason)
  }

  expire(deadline: Deadline): void {
    this.#context.unwatch(this)
    this.#outcomes.refused(deadline === 'room' ? 'dropped' : 'wait')
  }

  lose(error: Error): void {
    if (this.#isRunning) return
    this.#context.unwatch(this)
    this.#outcomes.reject(error)
  }

  // An attempt without a deadline is never broken off.
  abort(): void {}
}

function countOf(value: unknown, name: string, min: number): number {
  return Math.min(wholeNumber(value, name, { min, infinite: true }), MOST)
}
