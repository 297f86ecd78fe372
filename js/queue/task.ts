/** One task of a queue: it waits, runs, and settles its promise once. */

import type { Abortable } from '../abort-watch.ts'
import type { Deadline, Submitted } from '../core/schedule-types.ts'
import { Turn } from '../core/turn.ts'
import { LateSignal } from '../late-signal.ts'
import type { TaskContext } from './types.ts'

/** How a task can end. */
export type TaskOutcome = 'completed' | 'failed' | 'aborted' | 'refused'

/** What a task does: with its context, or, where it was given arguments, with those. */
export type Work = ((context: TaskContext) => unknown) | ((...args: unknown[]) => unknown)

/** What a task says to its queue. */
export interface TaskListener {
  /** It begins. */
  began(task: QueueTask): void
  /** It has answered, or thrown. Whoever hears it settles it. */
  answered(task: QueueTask, outcome: 'completed' | 'failed', value: unknown): void
  expired(task: QueueTask, deadline: Deadline): void
  refused(task: QueueTask, why: Submitted): void
  lost(task: QueueTask, error: Error): void
  left(task: QueueTask, reason: unknown): void
}

/** What settles the promise that is being made: one function takes it for all, since one for each would cost more than the rest of a task. */
const taken = { resolve: nothing as (value: unknown) => void, reject: nothing as (error: unknown) => void }

function take(resolve: (value: unknown) => void, reject: (error: unknown) => void): void {
  taken.resolve = resolve
  taken.reject = reject
}

function nothing(): void {}

/** A promise that the next task to be made will settle. Not the task's to keep: where many wait, each word of each counts. */
export function nextPromise(): Promise<unknown> {
  return new Promise<unknown>(take)
}

/** See the top of this file. */
export class QueueTask extends Turn implements Abortable {
  readonly resolve: (value: unknown) => void = taken.resolve
  readonly reject: (error: unknown) => void = taken.reject
  readonly signal: AbortSignal | undefined
  /** On the driver's timeline; 0 where nobody wants to know. */
  readonly since: number
  state: 'waiting' | 'running' | 'settled' = 'waiting'
  readonly work: Work
  readonly #args: readonly unknown[] | undefined
  readonly #listener: TaskListener
  #late: LateSignal | undefined

  constructor(
    work: Work,
    args: readonly unknown[] | undefined,
    listener: TaskListener,
    key: string,
    priority: number,
    weight: number,
    timeout: number | undefined,
    signal: AbortSignal | undefined,
    since: number,
  ) {
    super(key, priority, weight, timeout)
    this.work = work
    this.#args = args
    this.#listener = listener
    this.signal = signal
    this.since = since
  }

  override start(): void {
    this.state = 'running'
    this.#listener.began(this)
    let answer: unknown
    try {
      answer = this.#run()
      // Here, too, since what looks like a promise may be anything.
      if (typeof (answer as PromiseLike<unknown> | undefined | null)?.then === 'function') {
        ;(answer as PromiseLike<unknown>).then(
          value => this.#listener.answered(this, 'completed', value),
          error => this.#listener.answered(this, 'failed', error),
        )
        return
      }
    } catch (error) {
      this.#listener.answered(this, 'failed', error)
      return
    }
    this.#listener.answered(this, 'completed', answer)
  }

  /** Tells what runs that nobody waits for it any more. */
  stop(reason: unknown): void {
    this.#late?.abort(reason)
  }

  override expire(deadline: Deadline): void {
    this.#listener.expired(this, deadline)
  }

  override refuse(why: Submitted): void {
    this.#listener.refused(this, why)
  }

  override lose(error: Error): void {
    this.#listener.lost(this, error)
  }

  aborted(reason: unknown): void {
    this.#listener.left(this, reason)
  }

  #run(): unknown {
    if (this.#args !== undefined) return (this.work as (...args: unknown[]) => unknown)(...this.#args)
    this.#late = new LateSignal()
    return (this.work as (context: TaskContext) => unknown)(this.#late)
  }
}
