/** `bulkhead`: so many calls at the same time. */

import type { Abortable } from '../abort-watch.ts'
import type { Clock } from '../clock.ts'
import type { AdaptiveConfig, Deadline, LimitReason, Load } from '../core/schedule-types.ts'
import { Turn } from '../core/turn.ts'
import { MOST, Turns } from '../core/turns.ts'
import { InvalidArgumentError } from '../errors.ts'
import type { Registry } from '../metrics/registry.ts'
import { type Duration, durationMs, durationOrZeroMs, metricsOption, optionsObject, wholeNumber } from '../options.ts'
import type { Context } from './context.ts'
import { BulkheadFullError } from './errors.ts'
import { type Hurdle, Layered, type Next } from './layer.ts'
import { reportBulkhead } from './metrics.ts'
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
  /** The name in errors, and the label `bulkhead` in metrics. Default: `'default'`. */
  name?: string
  /** Where it reports, for as long as that lives: `bulkhead_running`, `bulkhead_waiting`, `bulkhead_concurrency`. Default: nowhere. */
  metrics?: Registry
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
  override readonly policy: string
  readonly #name: string
  readonly #maxQueue: number
  readonly #maxWait: number
  readonly #moving: Moving | undefined
  readonly #turns: Turns

  constructor(given: BulkheadOptions, moving?: Moving) {
    const options: Partial<BulkheadOptions> = optionsObject(given, 'options')
    super(options.clock)
    this.policy = moving === undefined ? 'bulkhead' : 'adaptiveConcurrency'
    const { name = 'default', overflow = 'reject', aging } = options
    if (typeof name !== 'string') throw new InvalidArgumentError('name', 'a string', name)
    if (overflow !== 'reject' && overflow !== 'drop-oldest')
      throw new InvalidArgumentError('overflow', "'reject' or 'drop-oldest'", overflow)
    this.#name = name
    this.#moving = moving
    this.#maxQueue = countOf(options.maxQueue ?? 0, 'maxQueue', 0)
    this.#maxWait = durationOrZeroMs(options.maxWait ?? NEVER, 'maxWait')
    const limits = {
      concurrency: countOf(options.concurrency, 'concurrency', 1),
      perLane: countOf(options.perKey ?? NEVER, 'perKey', 1),
      maxQueue: this.#maxQueue,
      overflow,
      aging: aging === undefined ? NEVER : durationMs(aging, 'aging'),
      rateLimit: undefined,
      adaptive: moving?.config,
    }
    this.#turns = new Turns(limits, this.driver)
    this.#turns.onLimitChange = moving?.onLimitChange
    const registry = metricsOption(options.metrics)
    if (registry !== undefined) reportBulkhead(registry, name, () => ({ ...this.stats(), concurrency: this.concurrency }))
  }

  get concurrency(): number {
    return this.#turns.concurrency
  }

  set concurrency(concurrency: number) {
    this.#turns.concurrency = countOf(concurrency, 'concurrency', 1)
  }

  run<T>(context: Context, next: Next<T>): Promise<T> {
    const { ended, priority } = context
    if (ended !== undefined) return Promise.reject(ended.reason)
    if (!Number.isInteger(priority) || priority !== (priority | 0))
      return Promise.reject(new InvalidArgumentError('priority', 'a whole number within 32 bits', priority))
    const call = new Call(this, context, next)
    const entered = this.#turns.enter(call)
    if (entered !== 'in') return Promise.reject(this.refusal('queue'))
    return call.outcome
  }

  stats(): BulkheadStats {
    return { running: this.#turns.running, waiting: this.#turns.waiting }
  }

  explain(): Hurdle | undefined {
    const { running, waiting } = this.stats()
    if (running < this.concurrency) return undefined
    const { policy } = this
    if (waiting >= this.#maxQueue) return { policy, effect: 'refuse', reason: `${running} calls run and ${waiting} wait` }
    return { policy, effect: 'wait', reason: `${running} calls run and ${waiting} wait` }
  }

  /** What its calls ask of it. */
  refusal(why: BulkheadFullError['reason']): BulkheadFullError {
    return new BulkheadFullError(this.#name, why, this.#maxQueue, this.#maxWait)
  }

  get maxWait(): number | undefined {
    return this.#maxWait === NEVER ? undefined : this.#maxWait
  }

  ended(call: Turn): void {
    this.#turns.end(call)
  }

  failed(call: Turn, error: unknown): void {
    this.#turns.end(call, this.#moving?.loadOf(error) ?? 'ignored')
  }

  left(call: Turn): void {
    this.#turns.leave(call)
  }
}

/** One call: it waits, runs, and gives its place up. */
class Call<T> extends Turn implements Abortable {
  readonly #bulkhead: Compartments
  readonly #context: Context
  readonly #next: Next<T>
  #outcome: Promise<T> | undefined
  #settle: { readonly resolve: (value: T | PromiseLike<T>) => void; readonly reject: (error: unknown) => void } | undefined

  constructor(bulkhead: Compartments, context: Context, next: Next<T>) {
    super(context.key, context.priority, 1, undefined)
    this.#bulkhead = bulkhead
    this.#context = context
    this.#next = next
  }

  override get maxWait(): number | undefined {
    return this.#bulkhead.maxWait
  }

  /** How it ends. From now on an abort ends it, unless it runs: then what lies further in is told. */
  get outcome(): Promise<T> {
    if (this.#outcome !== undefined) return this.#outcome
    if (this.#context.canEnd) this.#context.watch(this)
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
  }

  override start(): void {
    const outcome = this.#next(this.#context).then(
      value => {
        this.#bulkhead.ended(this)
        return value
      },
      error => {
        this.#bulkhead.failed(this, error)
        throw error
      },
    )
    this.#outcome = outcome
    if (this.#settle === undefined) return
    this.#context.unwatch(this)
    this.#settle.resolve(outcome)
  }

  aborted(reason: unknown): void {
    this.#bulkhead.left(this)
    this.#settle?.reject(reason)
  }

  override expire(deadline: Deadline): void {
    this.#end(this.#bulkhead.refusal(deadline === 'room' ? 'dropped' : 'wait'))
  }

  override refuse(): void {
    this.#end(this.#bulkhead.refusal('queue'))
  }

  override lose(error: Error): void {
    this.#end(error)
  }

  #end(error: unknown): void {
    this.#context.unwatch(this)
    this.#outcome = Promise.reject(error)
    if (this.#settle === undefined) return
    this.#outcome.catch(() => undefined)
    this.#settle.reject(error)
  }
}

function countOf(value: unknown, name: string, min: number): number {
  return Math.min(wholeNumber(value, name, { min, infinite: true }), MOST)
}
