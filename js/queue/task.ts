/** One task of a queue: it waits, runs, and settles its promise once. */

import type { Abortable } from '../abort-watch.ts'
import type { Deadline, ScheduledTask } from '../core/schedule-core.ts'
import { LateSignal } from '../late-signal.ts'
import type { TaskContext } from './types.ts'

/** How a task can end. */
export type TaskOutcome = 'completed' | 'failed' | 'aborted' | 'refused'

/** What a task says to its queue. */
export interface TaskListener {
  /** It begins. */
  began(task: QueueTask): void
  /** It has ended while it ran, or while it waited. It is settled by whoever calls {@link QueueTask.settle}. */
  answered(task: QueueTask, outcome: 'completed' | 'failed', value: unknown): void
  expired(task: QueueTask, deadline: Deadline): void
  lost(task: QueueTask, error: Error): void
  left(task: QueueTask, reason: unknown): void
}

/** See the top of this file. */
export class QueueTask implements ScheduledTask, Abortable {
  token = -1
  readonly key: string
  readonly signal: AbortSignal | undefined
  /** On the driver's timeline; 0 where nobody wants to know. */
  readonly since: number
  /** How long it may run. */
  readonly timeout: number
  state: 'waiting' | 'running' | 'settled' = 'waiting'
  resolve!: (value: unknown) => void
  reject!: (error: unknown) => void
  readonly #work: (context: TaskContext) => unknown
  readonly #listener: TaskListener
  readonly #late = new LateSignal()

  constructor(
    work: (context: TaskContext) => unknown,
    listener: TaskListener,
    given: { key: string; signal: AbortSignal | undefined; since: number; timeout: number },
  ) {
    this.#work = work
    this.#listener = listener
    this.key = given.key
    this.signal = given.signal
    this.since = given.since
    this.timeout = given.timeout
  }

  start(): void {
    this.state = 'running'
    this.#listener.began(this)
    let answer: unknown
    try {
      answer = this.#work(this.#late)
    } catch (error) {
      this.#listener.answered(this, 'failed', error)
      return
    }
    if (typeof (answer as PromiseLike<unknown> | undefined | null)?.then === 'function') {
      ;(answer as PromiseLike<unknown>).then(
        value => this.#listener.answered(this, 'completed', value),
        error => this.#listener.answered(this, 'failed', error),
      )
    } else this.#listener.answered(this, 'completed', answer)
  }

  /** Tells what runs that nobody waits for it any more. */
  stop(reason: unknown): void {
    this.#late.abort(reason)
  }

  expire(deadline: Deadline): void {
    this.#listener.expired(this, deadline)
  }

  lose(error: Error): void {
    this.#listener.lost(this, error)
  }

  aborted(reason: unknown): void {
    this.#listener.left(this, reason)
  }

  // There are no further attempts that an attempt could make room for.
  abort(): void {}
}
