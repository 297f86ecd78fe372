/**
 * The schedule in the core, seen from here: tasks go in, and the core's actions come out as calls on them.
 *
 * After every input the actions are drained through one small buffer, and one alarm is set for the earliest deadline.
 * It holds the process: a task exists only while somebody awaits it.
 */

import { CoreTrappedError } from '../errors.ts'
import type { BreakerCause, BreakerState, Verdict } from './breaker-core.ts'
import { CoreHandle, type CoreNumbers } from './door.ts'
import { Alarm, type Driver } from './driver.ts'
import type { KeyLimits } from './key-limits.ts'
import { part, ScheduleHandle } from './parts/schedule.ts'
import { type OnCircuitChange, ScheduleCircuits } from './schedule-circuits.ts'
import { ScheduleLanes } from './schedule-lanes.ts'
import { DEADLINES, ENDINGS, LOADS, outlookOf, REASONS, STANDINGS, spentAt, VERDICTS } from './schedule-numbers.ts'
import type {
  Deadline,
  Ending,
  KeyCounts,
  LimitReason,
  Load,
  ScheduleConfig,
  ScheduledTask,
  ScheduleOutlook,
  Settled,
  Spent,
  Submitted,
  TaskLimits,
} from './schedule-types.ts'

/** The layout of the buffer, as `src/wasm/schedule.rs` has it. */
const STRIDE = 8
const ACTIONS = 32
const NEVER = Number.POSITIVE_INFINITY

/** See the top of this file. */
export class ScheduleCore {
  /** Told when the number of attempts that run at once has moved. Must not throw. */
  onLimitChange: ((from: number, to: number, reason: LimitReason) => void) | undefined
  /** Told when a circuit has changed. Must not throw. */
  onCircuitChange: OnCircuitChange | undefined
  readonly #core: CoreHandle<ScheduleHandle>
  readonly #driver: Driver
  readonly #alarm: Alarm
  readonly #lanes = new ScheduleLanes()
  readonly #tasks = new Map<number, ScheduledTask>()
  readonly #circuits: ScheduleCircuits | undefined
  readonly #keyLimits: KeyLimits | undefined
  #buffer: CoreNumbers
  #draining = false
  #closed = false
  #hasBurst = true
  #inputs = 0

  constructor(config: ScheduleConfig, driver: Driver) {
    this.#driver = driver
    this.#keyLimits = config.keyLimits
    this.#core = new CoreHandle(part, () => {
      const handle = new ScheduleHandle({ aging: NEVER, ...config }, driver.now())
      // After a trap nobody knows how much was in the bucket.
      if (!this.#hasBurst) handle.emptyBucket()
      this.#hasBurst = false
      return handle
    })
    if (config.breaker !== undefined) {
      const answer = () => this.#buffer.numbers[0] as number
      this.#circuits = new ScheduleCircuits(this.#core, answer, (...change) => this.onCircuitChange?.(...change))
    }
    this.#buffer = this.#view()
    this.#alarm = new Alarm(() => this.#ring(), { holds: true })
  }

  /** Asks for `task`, which must not be in yet, to be run in the lane of its key. */
  submit(task: ScheduledTask, limits: TaskLimits): Submitted {
    if (this.#core.lost) this.#restart(new CoreTrappedError(undefined))
    try {
      const lane = this.#lanes.get(task.key)
      const now = this.#driver.now()
      // Nobody waited for the end of the hold, so nobody has been told of it.
      if (lane !== undefined && lane.held > 0 && lane.held <= now) {
        lane.held = 0
        this.#drain()
      }
      const circuit = this.#circuits?.nameOf(task.key, now) ?? -1
      const { timeout, totalTimeout, maxRetries, maxWait = NEVER, priority = 0, weight = 1 } = limits
      const token = this.#core.use(core =>
        core.submit(lane?.id ?? -1, circuit, timeout, totalTimeout, maxRetries, maxWait, priority, weight, now),
      )
      const id = this.#buffer.numbers[0] as number
      if (token < 0) {
        if (token === -1) return 'queue-full'
        if (token === -2) return { retryAfterMs: id }
        this.#circuits?.refused(task.key, now)
        return { retryAt: id }
      }
      if (lane === undefined) {
        this.#lanes.add(task.key, id, now)
        this.#limitLane(task.key, id, now)
      } else {
        if (lane.id !== id) this.#limitLane(task.key, id, now)
        lane.id = id
        lane.tasks += 1
      }
      task.token = token
      this.#tasks.set(token, task)
      this.#drain()
    } catch (error) {
      const unknown = task.token < 0
      this.#recover(error)
      if (unknown) task.lose(error as CoreTrappedError)
    }
    return 'in'
  }

  /**
   * Reports how an attempt went. `retryAfter` is the pause the server asked for, if it did; `verdict` is what the circuit is told. Default: a failure where it is
   * retryable, else a success. `load` is what a limit that moves is told. Default: that it was served where it is a success, else nothing.
   */
  settle(
    task: ScheduledTask,
    attempt: number,
    retryable: boolean,
    retryAfter?: number,
    verdict: Verdict = retryable ? 'failure' : 'success',
    load: Load = verdict === 'success' ? 'served' : 'ignored',
  ): Settled {
    if (task.token < 0) return undefined
    let ended: Settled
    try {
      const now = this.#driver.now()
      const pause = retryable ? (retryAfter ?? -1) : Number.NaN
      const code = this.#core.use(core => core.settle(task.token, attempt, pause, VERDICTS[verdict], LOADS[load], now))
      if (code === 0) return undefined
      this.#over(task, load)
      if (code !== 1) {
        ended = { ending: ENDINGS[code - 2] as Ending, spent: spentAt(this.#buffer.numbers, 0) }
        this.#leave(task)
      }
      this.#drain()
      return ended ?? 'backoff'
    } catch (error) {
      // A trap while others are served does not undo that this task has ended.
      this.#recover(error)
      return ended
    }
  }

  /** Ends a task in whatever phase it is. `undefined` when it had ended. */
  cancel(task: ScheduledTask): Spent | undefined {
    if (task.token < 0) return undefined
    let spent: Spent | undefined
    try {
      const now = this.#driver.now()
      if (!this.#core.use(core => core.cancel(task.token, now))) return undefined
      spent = spentAt(this.#buffer.numbers, 0)
      this.#leave(task)
      this.#drain()
    } catch (error) {
      this.#recover(error)
    }
    return spent
  }

  /** How many attempts may run at once now. */
  get concurrency(): number {
    return this.#core.lost ? 0 : this.#core.use(core => core.concurrency)
  }

  /**
   * Begins nothing of the key of `task`, which must be in, for so many milliseconds, as whoever was asked has asked for. Where that is longer than a task may
   * wait, it is refused at once. To be said before the attempt is settled, whose place another would take.
   */
  hold(task: ScheduledTask, ms: number): void {
    const lane = this.#lanes.get(task.key)
    if (lane === undefined || task.token < 0 || !(ms > 0)) return
    const now = this.#driver.now()
    lane.held = Math.max(lane.held, now + ms)
    try {
      this.#core.use(core => core.hold(lane.id, now + ms, now))
      this.#drain()
    } catch (error) {
      this.#recover(error)
    }
  }

  /** What the circuit of a key does with attempts, and, when it is open, until when, on the driver's timeline. */
  circuit(key: string): { readonly state: BreakerState; readonly retryAt: number | undefined } {
    return this.#circuits?.look(key, this.#driver.now()) ?? { state: 'closed', retryAt: undefined }
  }

  /** Refuses the tasks of a key, until its circuit is reset. False where there are no circuits. */
  isolate(key: string): boolean {
    return this.#steer(key, 'isolated', (core, circuit, now) => core.isolateCircuit(circuit, now))
  }

  /** Closes the circuit of a key and forgets what it has seen. False where there are no circuits. */
  reset(key: string): boolean {
    return this.#steer(key, 'reset', (core, circuit) => core.resetCircuit(circuit))
  }

  /** What would meet a task of this key that came now. Changes nothing. */
  outlook(key: string): ScheduleOutlook {
    const now = this.#driver.now()
    const lane = this.#lanes.get(key)?.id ?? -1
    const circuit = this.#circuits?.known(key) ?? -1
    const begins = this.#core.use(core => core.outlook(lane, circuit, now))
    const seen = outlookOf(this.#buffer.numbers)
    const { sleeping, queued } = this.counts()
    return { ...seen, begins, queued, sleeping, concurrency: this.concurrency, circuit: this.circuit(key).state }
  }

  /** How many attempts run, tasks wait, tasks sleep, and lanes live. */
  counts(): { running: number; queued: number; sleeping: number; lanes: number } {
    if (this.#core.lost) this.#restart(new CoreTrappedError(undefined))
    return this.#core.use(({ running, queued, sleeping, lanes }) => ({ running, queued, sleeping, lanes }))
  }

  /** How many attempts run, tasks wait and tasks sleep, by key; and what circuits do that are not closed, and until when, on the driver's timeline. */
  byKey(): Map<string, KeyCounts> {
    const all = new Map<string, KeyCounts>()
    const counts = (key: string) => {
      const known = all.get(key) ?? { running: 0, queued: 0, sleeping: 0, circuit: 'closed', retryAt: undefined }
      all.set(key, known)
      return known
    }
    if (this.#core.lost) return all
    for (const { key, token } of this.#tasks.values()) {
      const standing = STANDINGS[this.#core.use(core => core.standing(token))]
      if (standing !== undefined) counts(key)[standing] += 1
    }
    for (const key of this.#circuits?.keys() ?? []) {
      const { state, retryAt } = this.circuit(key)
      if (state !== 'closed') Object.assign(counts(key), { circuit: state, retryAt })
    }
    return all
  }

  /** The tasks that have not ended. */
  tasks(): ScheduledTask[] {
    return [...this.#tasks.values()]
  }

  /** Gives the core back. No task may be left. */
  close(): void {
    this.#closed = true
    this.#driver.set(this.#alarm, Number.POSITIVE_INFINITY)
    this.#keyLimits?.close()
    this.#core.free()
  }

  /** Performs what the core decided, until nothing is left. New work that comes in meanwhile is left to the outer call. */
  #drain(): void {
    this.#inputs += 1
    if (this.#draining || this.#closed) return
    this.#draining = true
    try {
      let seen: number
      let count: number
      let buffer: CoreNumbers
      do {
        seen = this.#inputs
        buffer = this.#buffer
        const now = this.#driver.now()
        count = this.#core.use(core => core.drain(now))
        // A hold that nobody waits for must not keep the process.
        this.#driver.set(this.#alarm, this.#tasks.size === 0 ? NEVER : (this.#buffer.numbers[0] as number))
        // After a trap on the way there is another buffer, and what was in this one is no more.
        for (let at = STRIDE; at < STRIDE * (count + 1) && buffer === this.#buffer; at += STRIDE) this.#perform(at)
        // Whoever was told may have closed it all.
        if (this.#closed) return
      } while (seen !== this.#inputs || count === ACTIONS || buffer !== this.#buffer)
    } finally {
      this.#draining = false
    }
  }

  /** Performing an action may use the first numbers of the buffer, but not the actions: those belong to the outer drain. */
  #perform(at: number): void {
    const { numbers } = this.#buffer
    const token = numbers[at + 1] as number
    const detail = numbers[at + 2] as number
    if (numbers[at] === 5) {
      this.onLimitChange?.(token, detail, REASONS[numbers[at + 3] as number] as LimitReason)
      return
    }
    if (numbers[at] === 6) {
      this.#circuits?.changed(token, detail)
      return
    }
    const task = this.#tasks.get(token)
    if (task === undefined) return
    if (numbers[at] === 1) {
      this.#circuits?.began(task.key)
      this.#keyLimits?.began(task.key, token)
      task.start(detail)
    } else if (numbers[at] === 2) {
      this.#over(task, 'overload')
      task.abort(detail)
    } else if (numbers[at] === 4) {
      const spent = spentAt(this.#buffer.numbers, at + 3)
      this.#leave(task)
      this.#circuits?.refused(task.key, this.#driver.now())
      task.refuse?.(detail, spent)
    } else {
      const spent = spentAt(this.#buffer.numbers, at + 3)
      if (DEADLINES[detail] === 'attempt') this.#over(task, 'overload')
      this.#leave(task)
      task.expire(DEADLINES[detail] as Deadline, spent)
    }
  }

  #steer(key: string, cause: BreakerCause, action: (core: ScheduleHandle, circuit: number, now: number) => void): boolean {
    const circuits = this.#circuits
    if (circuits === undefined) return false
    try {
      const now = this.#driver.now()
      const circuit = circuits.nameOf(key, now)
      this.#core.use(core => action(core, circuit, now))
      circuits.steered(key, cause, now)
      this.#drain()
    } catch (error) {
      this.#recover(error)
    }
    return true
  }

  #leave(task: ScheduledTask): void {
    this.#keyLimits?.over(task.token, 'ignored')
    this.#tasks.delete(task.token)
    task.token = -1
    this.#lanes.leave(task.key)
  }

  /** An attempt is over: what that says about how many its key can bear. */
  #over(task: ScheduledTask, load: Load): void {
    const lane = this.#lanes.get(task.key)
    if (this.#keyLimits?.over(task.token, load) === true && lane !== undefined) this.#limitLane(task.key, lane.id, this.#driver.now())
  }

  #limitLane(key: string, lane: number, now: number): void {
    const limits = this.#keyLimits
    if (limits !== undefined) this.#core.use(core => core.limitLane(lane, limits.of(key), now))
  }

  #ring(): void {
    try {
      this.#drain()
    } catch (error) {
      this.#recover(error)
    }
  }

  /** After a trap every task is told and the schedule is empty; anything else is not ours to swallow. */
  #recover(error: unknown): undefined {
    if (!(error instanceof CoreTrappedError)) throw error
    this.#restart(error)
  }

  #restart(error: CoreTrappedError): void {
    const tasks = this.tasks()
    this.#tasks.clear()
    this.#lanes.clear()
    this.#keyLimits?.clear()
    this.#circuits?.clear()
    this.#driver.set(this.#alarm, Number.POSITIVE_INFINITY)
    this.#core.renew()
    this.#buffer = this.#view()
    for (const task of tasks) {
      task.token = -1
      task.lose(error)
    }
  }

  #view(): CoreNumbers {
    return this.#core.use(core => this.#core.numbers(core.pointer, core.length))
  }
}
