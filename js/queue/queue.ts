/** `createQueue`: tasks that wait for their turn. */

import { AbortWatch } from '../abort-watch.ts'
import { type Driver, driverOf } from '../core/driver.ts'
import type { Deadline, Submitted } from '../core/schedule-types.ts'
import { Turns } from '../core/turns.ts'
import { ClosedError, InvalidArgumentError, QueueFullError, ShelflifeError, TimeoutError } from '../errors.ts'
import { RateLimitedError } from '../limits/errors.ts'
import type { WaitReport } from '../metrics/wait-report.ts'
import { wholeNumber } from '../options.ts'
import { report } from '../report.ts'
import { Conditions } from './conditions.ts'
import { queueReport } from './metrics.ts'
import { countOf, type ResolvedQueue, resolveQueue, timeoutOf } from './options.ts'
import { nextPromise, QueueTask, type TaskListener, type TaskOutcome, type Work } from './task.ts'
import type { Queue, QueueEvents, QueueOptions, QueueStats, TaskContext, TaskOptions } from './types.ts'

/**
 * A queue of tasks with limits: so many at the same time, in all and for each key, so many in so much time, so many that wait.
 *
 * ```ts
 * const queue = createQueue({ concurrency: 4, timeout: '10s' })
 * const page = await queue.add(({ signal }) => fetch(url, { signal }), { priority: 1, signal })
 * const users = await queue.map(ids, id => loadUser(id))
 * await queue.onIdle()
 * ```
 *
 * The vocabulary is that of p-queue; called as a function it is p-limit's: `await queue(loadUser, 7)`. What is cleared or closed is rejected,
 * never left hanging. Throws `ERR_INVALID_ARGUMENT`.
 */
export function createQueue(options?: QueueOptions): Queue {
  const line = new Line(resolveQueue(options))
  const call = (task: (...args: unknown[]) => unknown, ...args: unknown[]) => line.call(task, args)
  return Object.defineProperties(call as unknown as Queue, {
    ...Object.fromEntries(METHODS.map(name => [name, { value: line[name].bind(line), writable: true }])),
    start: {
      value() {
        line.start()
        return call
      },
    },
    [Symbol.dispose]: { value: () => line.close() },
    concurrency: { get: () => line.concurrency, set: (value: number) => line.setConcurrency(value) },
    size: { get: () => line.waiting },
    pending: { get: () => line.running },
    activeCount: { get: () => line.running },
    pendingCount: { get: () => line.waiting },
    isPaused: { get: () => line.isPaused },
    isSaturated: { get: () => line.isSaturated },
    clearQueue: { value: () => line.clear() },
  })
}

const METHODS = ['add', 'addAll', 'map', 'pause', 'clear', 'onEmpty', 'onIdle', 'onSizeLessThan', 'on', 'stats', 'close'] as const

class Line implements TaskListener {
  waiting = 0
  running = 0
  isPaused: boolean
  concurrency: number
  readonly #options: ResolvedQueue
  readonly #driver: Driver
  readonly #aborts = new AbortWatch()
  readonly #counts = { completed: 0, failed: 0, aborted: 0, refused: 0 }
  readonly #listeners = new Map<keyof QueueEvents, Set<(value?: unknown) => void>>()
  readonly #report: WaitReport | undefined
  readonly #turns: Turns
  readonly #conditions = new Conditions()
  #closed = false

  constructor(options: ResolvedQueue) {
    this.#options = options
    this.#driver = driverOf(options.clock)
    this.concurrency = options.limits.concurrency
    this.isPaused = !options.autoStart
    this.#turns = new Turns(options.limits, this.#driver)
    if (this.isPaused) this.#turns.paused = true
    this.#report =
      options.metrics &&
      queueReport(
        options.metrics,
        options.name,
        () => this.stats(),
        () => this.#driver.now(),
      )
  }

  get isSaturated(): boolean {
    return this.isPaused || this.waiting > 0 || this.running >= this.concurrency
  }

  add<T>(work: (context: TaskContext) => T | PromiseLike<T>, options?: TaskOptions): Promise<T> {
    try {
      if (options === undefined) return this.#enterUsual(work as Work, undefined) as Promise<T>
      check(options)
      const { signal, priority = 0, key = '', weight = 1 } = options
      const timeout = options.timeout === undefined ? this.#options.timeout : timeoutOf(options.timeout)
      signal?.throwIfAborted()
      const promise = nextPromise() as Promise<T>
      this.#enter(new QueueTask(work as Work, undefined, this, key, priority, weight, timeout, signal, this.#since))
      return promise
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** The same with arguments. */
  call(work: (...args: unknown[]) => unknown, args: readonly unknown[]): Promise<unknown> {
    try {
      return this.#enterUsual(work, args)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async addAll<T>(tasks: Iterable<(context: TaskContext) => T | PromiseLike<T>>, options?: TaskOptions): Promise<T[]> {
    return Promise.all(listOf(tasks, 'tasks').map(task => this.add(task, options)))
  }

  async map<I, T>(items: Iterable<I>, work: (item: I, index: number) => T | PromiseLike<T>, options?: TaskOptions): Promise<T[]> {
    if (typeof work !== 'function') throw new InvalidArgumentError('task', 'a function', work)
    return Promise.all(listOf(items, 'items').map((item, index) => this.add(() => work(item, index), options)))
  }

  start(): void {
    this.isPaused = false
    this.#turns.paused = false
  }

  pause(): void {
    this.isPaused = true
    this.#turns.paused = true
  }

  setConcurrency(value: number): void {
    this.concurrency = countOf(value, 'concurrency', 1)
    this.#turns.concurrency = this.concurrency
  }

  clear(): void {
    const error = new ShelflifeError('ERR_ABORTED', 'the queue was cleared before the task began')
    for (const task of this.#tasks()) if (task.state === 'waiting') this.#withdraw(task, error)
  }

  onEmpty(): Promise<void> {
    return this.#conditions.when(() => this.waiting === 0)
  }

  onIdle(): Promise<void> {
    return this.#conditions.when(() => this.waiting === 0 && this.running === 0)
  }

  onSizeLessThan(limit: number): Promise<void> {
    wholeNumber(limit, 'limit', { infinite: true })
    return this.#conditions.when(() => this.waiting < limit)
  }

  on<E extends keyof QueueEvents>(event: E, listener: QueueEvents[E]): () => void {
    if (!EVENTS.has(event)) throw new InvalidArgumentError('event', `one of ${[...EVENTS].join(', ')}`, event)
    if (typeof listener !== 'function') throw new InvalidArgumentError('listener', 'a function', listener)
    const listeners = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, listeners)
    const own = (value?: unknown) => (listener as (value?: unknown) => void)(value)
    listeners.add(own)
    return () => {
      listeners.delete(own)
    }
  }

  stats(): QueueStats {
    return { waiting: this.waiting, running: this.running, ...this.#counts }
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    const error = new ClosedError('the queue')
    // A place that becomes free is nobody's any more.
    this.#turns.paused = true
    for (const task of this.#tasks()) this.#withdraw(task, error)
    this.#report?.close()
    this.#turns.close()
  }

  // What the tasks say.

  began(task: QueueTask): void {
    this.waiting -= 1
    this.running += 1
    this.#report?.waited(task.since)
    this.#tell('active')
    if (this.waiting === 0) this.#tell('empty')
    this.#conditions.review()
  }

  answered(task: QueueTask, outcome: 'completed' | 'failed', value: unknown): void {
    if (task.state === 'settled') return
    // The promise first: whoever waited for it goes on before the next task's caller does.
    this.#end(task, outcome, value)
    this.#turns.end(task)
    this.#conditions.review()
  }

  expired(task: QueueTask, deadline: Deadline): void {
    if (deadline === 'room') return this.#end(task, 'refused', new QueueFullError(this.#options.limits.maxQueue, 'tasks'))
    const error = new TimeoutError('attempt', task.timeout ?? 0)
    this.#end(task, 'failed', error)
    task.stop(error)
    this.#conditions.review()
  }

  refused(task: QueueTask, why: Submitted): void {
    if (why === 'queue-full') return this.#end(task, 'refused', new QueueFullError(this.#options.limits.maxQueue, 'tasks'))
    const ms = typeof why === 'object' && 'retryAfterMs' in why ? why.retryAfterMs : 0
    this.#end(task, 'refused', new RateLimitedError(this.#options.name, 'wait', ms))
  }

  lost(task: QueueTask, error: Error): void {
    if (task.state === 'waiting') this.#end(task, 'failed', error)
  }

  left(task: QueueTask, reason: unknown): void {
    this.#withdraw(task, reason)
  }

  #enterUsual(work: Work, args: readonly unknown[] | undefined): Promise<unknown> {
    const promise = nextPromise()
    this.#enter(new QueueTask(work, args, this, '', 0, 1, this.#options.timeout, undefined, this.#since))
    return promise
  }

  /** When a task comes, where somebody wants to know. */
  get #since(): number {
    return this.#report === undefined ? 0 : this.#driver.now()
  }

  #enter(task: QueueTask): void {
    if (this.#closed) throw new ClosedError('the queue')
    if (typeof task.work !== 'function') throw new InvalidArgumentError('task', 'a function', task.work)
    // Before it is in, since it may begin, and even end, within the call.
    this.waiting += 1
    if (task.signal !== undefined) this.#aborts.add(task.signal, task)
    try {
      const entered = this.#turns.enter(task)
      if (entered === 'in') this.#tell('add')
      else this.refused(task, entered)
    } catch (error) {
      // There is no core here.
      this.#end(task, 'failed', error)
    }
  }

  /** Takes a task out, whatever it does. It is told before the next one begins in its place. */
  #withdraw(task: QueueTask, error: unknown): void {
    if (task.state === 'settled') return
    this.#end(task, 'aborted', error)
    task.stop(error)
    this.#turns.leave(task)
    this.#conditions.review()
  }

  #end(task: QueueTask, outcome: TaskOutcome, value: unknown): void {
    if (task.state === 'settled') return
    if (task.state === 'running') this.running -= 1
    else this.waiting -= 1
    task.state = 'settled'
    if (task.signal !== undefined) this.#aborts.remove(task.signal, task)
    this.#counts[outcome] += 1
    if (outcome === 'completed') task.resolve(value)
    else task.reject(value)
    if (this.#listeners.size === 0) return
    this.#tell(outcome === 'completed' ? 'completed' : 'error', value)
    this.#tell('next')
    if (this.waiting === 0 && this.running === 0) this.#tell('idle')
  }

  #tasks(): QueueTask[] {
    return this.#turns.all() as QueueTask[]
  }

  #tell(event: keyof QueueEvents, value?: unknown): void {
    if (this.#listeners.size === 0) return
    for (const listener of this.#listeners.get(event) ?? []) {
      try {
        listener(value)
      } catch (error) {
        report(error)
      }
    }
  }
}

const EVENTS: ReadonlySet<string> = new Set<keyof QueueEvents>(['add', 'active', 'completed', 'error', 'next', 'empty', 'idle'])

/** All of it before any task is added: where it throws in the middle, nobody would hear of those before. */
function listOf<T>(items: Iterable<T>, name: string): T[] {
  if (typeof (items as Partial<Iterable<T>> | undefined | null)?.[Symbol.iterator] !== 'function')
    throw new InvalidArgumentError(name, 'an iterable', items)
  return [...items]
}

function check(options: TaskOptions): void {
  if (typeof options !== 'object' || options === null) throw new InvalidArgumentError('options', 'an object of options', options)
  const { signal, priority, key, weight } = options
  if (signal !== undefined && typeof signal?.throwIfAborted !== 'function')
    throw new InvalidArgumentError('signal', 'an AbortSignal', signal)
  if (priority !== undefined && priority !== (priority | 0))
    throw new InvalidArgumentError('priority', 'a whole number within 32 bits', priority)
  if (key !== undefined && typeof key !== 'string') throw new InvalidArgumentError('key', 'a string', key)
  if (weight !== undefined) wholeNumber(weight, 'weight')
}
