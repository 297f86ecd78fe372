/** `createWorkers`: batches are processed by threads, which may crash. */

import { type Driver, driverOf } from '../../core/driver.ts'
import { ClosedError, type ShelflifeError, thrownBy } from '../../errors.ts'
import { GivenUp } from '../given-up.ts'
import type { BatchContext } from '../types.ts'
import { WorkerCrashedError, WorkerUnavailableError } from './errors.ts'
import { Job } from './job.ts'
import { Member, type MemberListener } from './member.ts'
import { type ResolvedWorkers, resolveWorkers } from './options.ts'
import { hasWorkers, hold } from './platform.ts'
import { openWorker } from './spawn.ts'
import { transferablesIn } from './transfer.ts'
import type { WorkerStats, Workers, WorkersOptions } from './types.ts'

/**
 * Threads that process the batches of `processBatch`, for several runs. For a single one, `processBatch(items, { module, workers })` makes them
 * and ends them.
 *
 * ```ts
 * await using workers = createWorkers({ module: new URL('./handler.js', import.meta.url), workers: 4 })
 * await processBatch(items, workers.handler, { batchSize: 100, concurrency: workers.size })
 * ```
 *
 * A batch rejects with what its handler threw, with `ERR_WORKER_CRASHED` when its worker ended: it is retried and cut in two like any other
 * that throws, in a new worker. `ERR_WORKER_UNAVAILABLE` ends the run: there are no workers, their module cannot be loaded or has no
 * handler, or too many crashed in a row.
 *
 * @throws InvalidArgumentError; WorkerUnavailableError where there are no workers.
 */
export function createWorkers<T = unknown, R = unknown>(options: WorkersOptions): Workers<T, R> {
  const resolved = resolveWorkers(options)
  if (resolved.url !== undefined && !hasWorkers()) throw new WorkerUnavailableError('there are none on this platform')
  const pool = new WorkerPool(resolved)
  return {
    size: resolved.workers,
    handler: (items, context) => pool.process(items, context) as Promise<(R | Error)[]>,
    stats: () => pool.stats(),
    close: () => pool.close(),
    [Symbol.asyncDispose]: () => pool.close(),
  }
}

/** See the top of this file. A worker has one batch at a time, so that its end costs no other. */
class WorkerPool implements MemberListener {
  readonly #options: ResolvedWorkers
  readonly #driver: Driver
  readonly #members = new Set<Member>()
  readonly #free: Member[] = []
  readonly #waiting = new Set<Job>()
  /** What was transferred. A platform may send what is left of it as if it were empty. */
  readonly #moved = new WeakSet<object>()
  readonly #counts = { started: 0, crashed: 0, ended: 0, answered: 0 }
  /** Since a batch was answered. */
  #crashesInARow = 0
  #wasAnyReady = false
  /** Why nothing is processed any more. */
  #over: ShelflifeError | undefined

  constructor(options: ResolvedWorkers) {
    this.#options = options
    this.#driver = driverOf(options.clock)
  }

  async process(items: unknown[], context: BatchContext): Promise<unknown[]> {
    if (this.#over !== undefined) throw new GivenUp(this.#over, 'run')
    const job = new Job(items, context)
    const { signal } = context
    if (signal.aborted) throw signal.reason
    const giveUp = () => {
      // One that a worker has is the worker's to end.
      if (this.#waiting.delete(job)) job.reject(signal.reason)
    }
    signal.addEventListener('abort', giveUp, { once: true })
    this.#waiting.add(job)
    this.#hand()
    try {
      return await job.answer
    } catch (error) {
      // The items are on the other side, in whatever state.
      throw job.hasMoved && !(error instanceof GivenUp) ? new GivenUp(thrownBy('the handler', error), 'batch') : error
    } finally {
      signal.removeEventListener('abort', giveUp)
    }
  }

  stats(): WorkerStats {
    const busy = [...this.#members].filter(({ isBusy }) => isBusy).length
    return { workers: this.#members.size, busy, waiting: this.#waiting.size, ...this.#counts }
  }

  async close(): Promise<void> {
    this.#end(new ClosedError('the pool of workers'))
  }

  // What members say.

  free(member: Member, isDone: boolean): void {
    this.#wasAnyReady = true
    if (isDone) {
      this.#counts.answered += 1
      this.#crashesInARow = 0
    }
    this.#free.push(member)
    this.#hand()
    if (!member.isBusy) member.hold(false)
  }

  unfit(_member: Member, why: unknown): void {
    this.#end(new WorkerUnavailableError(`their module is unfit: ${why instanceof Error ? why.message : String(why)}`, why))
  }

  died(member: Member, job: Job | undefined, why: string, details: { cause?: unknown; exitCode?: number }): void {
    this.#remove(member)
    this.#counts.crashed += 1
    this.#crashesInARow += 1
    job?.reject(new WorkerCrashedError(why, details))
    if (!member.wasReady && !this.#wasAnyReady) this.#end(new WorkerUnavailableError(`they cannot be started: ${why}`, details.cause))
    else if (this.#crashesInARow > this.#options.maxRestarts)
      this.#end(new WorkerUnavailableError(`${this.#crashesInARow} crashed in a row, the last one: ${why}`, details.cause))
    else this.#hand()
  }

  stuck(member: Member): void {
    this.#remove(member)
    this.#counts.ended += 1
    member.end()?.reject(new WorkerCrashedError('it was ended, since it did not answer in time'))
    this.#hand()
  }

  /** Gives what waits to those that are free, and has others started for the rest. */
  #hand(): void {
    for (const job of this.#waiting) {
      const member = this.#free.pop()
      if (member === undefined) break
      this.#waiting.delete(job)
      this.#give(member, job)
    }
    const starting = [...this.#members].filter(({ wasReady }) => !wasReady).length
    for (let more = this.#waiting.size - starting; more > 0 && this.#members.size < this.#options.workers; more -= 1) {
      if (!this.#start()) return
    }
  }

  #give(member: Member, job: Job): void {
    const { transfer } = this.#options
    try {
      const list = transfer === false ? [] : transfer === true ? transferablesIn(job.items) : transfer(job.items)
      if (list.some(one => this.#moved.has(one)))
        throw new GivenUp(new WorkerCrashedError('what had moved to it is not here any more'), 'batch')
      member.hold(true)
      member.take(job, list, transfer !== false)
      for (const one of list) this.#moved.add(one)
    } catch (error) {
      member.hold(false)
      this.#free.push(member)
      job.reject(error)
    }
  }

  #start(): boolean {
    const { module, url, name, resourceLimits, abortGrace } = this.#options
    const number = this.#counts.started + 1
    try {
      const worker = url === undefined ? (module as () => ReturnType<typeof openWorker>)() : openWorker(`${name} ${number}`, resourceLimits)
      this.#counts.started = number
      hold(worker, true)
      const member = new Member(worker, this, this.#driver, abortGrace)
      this.#members.add(member)
      member.greet(url)
      return true
    } catch (error) {
      this.#end(new WorkerUnavailableError(`they cannot be made: ${error instanceof Error ? error.message : String(error)}`, error))
      return false
    }
  }

  #remove(member: Member): void {
    this.#members.delete(member)
    const at = this.#free.indexOf(member)
    if (at >= 0) this.#free.splice(at, 1)
  }

  /** Nothing is processed from now on. */
  #end(why: ShelflifeError): void {
    if (this.#over !== undefined) return
    this.#over = why
    const given = [...this.#waiting]
    this.#waiting.clear()
    this.#free.length = 0
    for (const member of this.#members) {
      const job = member.end()
      if (job !== undefined) given.push(job)
    }
    this.#members.clear()
    for (const job of given) job.reject(new GivenUp(why, 'run'))
  }
}
