/** One worker of a pool: what it has in its hands, and whether it is well. */

import { Alarm, type Driver } from '../../core/driver.ts'
import type { Job } from './job.ts'
import { type FromWorker, readMessage, type ToWorker, wrapped } from './messages.ts'
import { hold, watch } from './platform.ts'
import type { WorkerLike } from './types.ts'
import { decodeError, encodeError } from './wire-error.ts'

/** How long a worker may take to load its module. */
const START_MS = 30_000

/** What a pool hears of its workers. */
export interface MemberListener {
  /** It can take a batch: at first, and after each. `isDone` when it has answered one, well or badly. */
  free(member: Member, isDone: boolean): void
  /** It has no handler. */
  unfit(member: Member, why: unknown): void
  /** It is gone. What it had in its hands is given back. */
  died(member: Member, job: Job | undefined, why: string, details: { cause?: unknown; exitCode?: number }): void
  /** It did not end its batch in time. */
  stuck(member: Member): void
}

/** See the top of this file. */
export class Member {
  /** Whether it has ever been free: a worker that dies before cannot be started at all. */
  wasReady = false
  readonly #worker: WorkerLike
  readonly #listener: MemberListener
  readonly #driver: Driver
  readonly #grace: number
  readonly #patience = new Alarm(() => this.#tooLong(), { holds: true })
  readonly #onAbort = () => this.#abort()
  #job: { readonly job: Job; readonly id: number; readonly signal: AbortSignal } | undefined
  #isGone = false
  #lastId = 0

  constructor(worker: WorkerLike, listener: MemberListener, driver: Driver, grace: number) {
    this.#worker = worker
    this.#listener = listener
    this.#driver = driver
    this.#grace = grace
    watch(worker, { said: data => this.#heard(readMessage<FromWorker>(data)), died: (why, details) => this.#died(why, details) })
  }

  get isBusy(): boolean {
    return this.#job !== undefined
  }

  /** Asks it whether it is there, and tells it where its handler is, unless it knows. */
  greet(url: string | undefined): void {
    this.#say({ kind: 'hello' })
    if (url !== undefined) this.#say({ kind: 'module', url })
    if (!this.wasReady) this.#driver.set(this.#patience, this.#driver.now() + START_MS)
  }

  /** Gives it a batch. Throws what the platform throws when something of it cannot leave the thread; then the member is free still. */
  take(job: Job, list: readonly object[], transfers: boolean): void {
    const { items, context } = job
    const { signal, indexes, attempt } = context
    this.#lastId += 1
    const id = this.#lastId
    this.#job = { job, id, signal }
    signal.addEventListener('abort', this.#onAbort, { once: true })
    try {
      job.hasMoved = list.length > 0
      const first = indexes[0] ?? 0
      const isRow = (indexes.at(-1) ?? 0) - first === items.length - 1
      this.#say({ kind: 'batch', id, items, first, indexes: isRow ? undefined : indexes, attempt, transfers }, list)
    } catch (error) {
      job.hasMoved = false
      this.#letGo()
      throw error
    }
  }

  /** Keeps the process alive for it, or not. */
  hold(isHeld: boolean): void {
    hold(this.#worker, isHeld)
  }

  /** Ends it, and gives back what it had in its hands. */
  end(): Job | undefined {
    this.#isGone = true
    const job = this.#letGo()
    void this.#worker.terminate()
    return job
  }

  #heard(message: FromWorker | undefined): void {
    if (message === undefined || this.#isGone) return
    if (message.kind === 'unfit') this.#listener.unfit(this, decodeError(message.error))
    else if (message.kind === 'ready') {
      if (this.wasReady) return
      this.wasReady = true
      this.#driver.set(this.#patience, Number.POSITIVE_INFINITY)
      this.#listener.free(this, false)
    } else if (message.id === this.#job?.id) {
      const job = this.#letGo()
      if (message.kind === 'threw') job?.reject(decodeError(message.error))
      else {
        const results = message.results as unknown[]
        for (const [at, error] of message.errors) results[at] = asError(decodeError(error))
        job?.resolve(results)
      }
      this.#listener.free(this, true)
    }
  }

  #died(why: string, details: { cause?: unknown; exitCode?: number }): void {
    if (this.#isGone) return
    this.#listener.died(this, this.end(), why, details)
  }

  #tooLong(): void {
    if (this.wasReady) this.#listener.stuck(this)
    else this.#died(`it was not ready after ${START_MS} ms`, {})
  }

  /** It may answer still, and be spared; one that hears nothing is ended. */
  #abort(): void {
    if (this.#job === undefined) return
    const { id, signal } = this.#job
    this.#say({ kind: 'abort', id, reason: encodeError(signal.reason) })
    this.#driver.set(this.#patience, this.#driver.now() + this.#grace)
  }

  #letGo(): Job | undefined {
    const held = this.#job
    this.#job = undefined
    held?.signal.removeEventListener('abort', this.#onAbort)
    this.#driver.set(this.#patience, Number.POSITIVE_INFINITY)
    return held?.job
  }

  #say(message: ToWorker, list: readonly object[] = []): void {
    this.#worker.postMessage(wrapped(message), list)
  }
}

/** In the place of a result only an `Error` says that the item failed. */
function asError(value: unknown): Error {
  return value instanceof Error ? value : new Error(String(value))
}
