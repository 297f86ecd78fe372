/**
 * The schedule in the core, seen from here: tasks go in, and the core's actions come out as calls on them.
 *
 * After every input the actions are drained through one small buffer, and one alarm is set for the earliest deadline.
 * It holds the process: a task exists only while somebody awaits it.
 */

import { CoreTrappedError } from '../errors.ts'
import type { BreakerCause, BreakerRules, BreakerState, Verdict } from './breaker-core.ts'
import { CoreHandle, type CoreNumbers } from './door.ts'
import { Alarm, type Driver } from './driver.ts'
import type { KeyLimits } from './key-limits.ts'
import { part, ScheduleHandle } from './parts/schedule.ts'

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
 * The answer to {@link ScheduleCore.submit}: in, or refused; by the rate limit, with how long the task would have waited; by an open circuit, with
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

/** The answer to {@link ScheduleCore.settle}: stale, asleep, or ended. */
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

/** The answer to {@link ScheduleCore.outlook}; times are milliseconds on the driver's timeline. */
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

interface Lane {
  id: number
  tasks: number
  /** Until when it is held, on the driver's timeline. */
  held: number
}

const STRIDE = 8
const ACTIONS = 32
/** As the core numbers them. */
export const DEADLINES: readonly Deadline[] = ['queue', 'attempt', 'total', 'wait', 'room']
const ENDINGS: readonly Ending[] = ['final', 'exhausted', 'no-time-left', 'pause-too-long', 'circuit-open', 'budget-spent']
const STATES: readonly BreakerState[] = ['closed', 'open', 'half-open', 'isolated']
export const REASONS: readonly LimitReason[] = ['overload', 'unhealthy-latency', 'queueing', 'headroom', 'unused', 'probe', 'probed']
const STANDINGS = ['queued', 'running', 'sleeping'] as const
const CAUSES: readonly (BreakerCause | undefined)[] = [undefined, 'failures', 'slow-calls', 'probes-failed', 'probes-passed']
export const LOADS: Record<Load, number> = { served: 0, overload: 1, ignored: 2 }
const VERDICTS: Record<Verdict, number> = { success: 0, failure: 1, ignored: 2 }
const NEVER = Number.POSITIVE_INFINITY
/** So many lanes are kept without asking whether they are needed; beyond that, each new one asks so many others. */
const LANES_KEPT = 1000
const LANES_ASKED = 4

/** See the top of this file. */
export class ScheduleCore {
  /** Told when the number of attempts that run at once has moved. Must not throw. */
  onLimitChange: ((from: number, to: number, reason: LimitReason) => void) | undefined
  /** Told when a circuit has changed. Must not throw. */
  onCircuitChange: ((key: string, from: BreakerState, to: BreakerState, cause: BreakerCause) => void) | undefined
  readonly #core: CoreHandle<ScheduleHandle>
  readonly #driver: Driver
  readonly #alarm: Alarm
  readonly #lanes = new Map<string, Lane>()
  readonly #tasks = new Map<number, ScheduledTask>()
  /** By key, where there are circuits, and back. They outlive the lanes. */
  readonly #circuits: Map<string, number> | undefined
  readonly #keys = new Map<number, string>()
  /** What circuits were when they were last looked at, but for those that are closed. */
  readonly #states = new Map<string, BreakerState>()
  readonly #keyLimits: KeyLimits | undefined
  #buffer: CoreNumbers
  #draining = false
  #paused = false
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
    if (config.breaker !== undefined) this.#circuits = new Map()
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
      const circuit = this.#circuits === undefined ? -1 : this.#circuit(task.key, now)
      const { timeout, totalTimeout, maxRetries, maxWait = NEVER, priority = 0, weight = 1 } = limits
      const token = this.#core.use(core =>
        core.submit(lane?.id ?? -1, circuit, timeout, totalTimeout, maxRetries, maxWait, priority, weight, now),
      )
      const id = this.#buffer.numbers[0] as number
      if (token < 0) {
        if (token === -1) return 'queue-full'
        if (token === -2) return { retryAfterMs: id }
        this.#refused(task.key)
        return { retryAt: id }
      }
      if (lane === undefined) this.#addLane(task.key, id, now)
      else {
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
        ended = { ending: ENDINGS[code - 2] as Ending, spent: this.#spent(0) }
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
      spent = this.#spent(0)
      this.#leave(task)
      this.#drain()
    } catch (error) {
      this.#recover(error)
    }
    return spent
  }

  /** Changes how many attempts run at once. What runs goes on. */
  setConcurrency(concurrency: number): void {
    try {
      const now = this.#driver.now()
      this.#core.use(core => core.setConcurrency(concurrency, now))
      this.#drain()
    } catch (error) {
      this.#recover(error)
    }
  }

  /** Lets no attempt begin, or lets them begin again. What runs goes on. */
  setPaused(paused: boolean): void {
    this.#paused = paused
    try {
      const now = this.#driver.now()
      this.#core.use(core => core.setPaused(paused, now))
      this.#drain()
    } catch (error) {
      this.#recover(error)
    }
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
    const circuit = this.#core.lost ? undefined : this.#circuits?.get(key)
    if (circuit === undefined) return { state: 'closed', retryAt: undefined }
    const now = this.#driver.now()
    const state = STATES[this.#core.use(core => core.circuitState(circuit, now))] as BreakerState
    const retryAt = state === 'open' ? this.#buffer.numbers[0] : state === 'isolated' ? NEVER : undefined
    return { state, retryAt }
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
    const circuit = this.#circuits?.get(key) ?? -1
    const begins = this.#core.use(core => core.outlook(lane, circuit, now))
    const { numbers } = this.#buffer
    const number = (index: number) => numbers[index] as number
    const [held, shut] = [number(3), number(4)]
    const seen = { lane: { running: number(0), queued: number(1) }, running: number(2), rateWait: number(5), retriesLeft: number(6) }
    const { sleeping, queued } = this.counts()
    return {
      ...seen,
      begins,
      queued,
      sleeping,
      concurrency: this.concurrency,
      heldUntil: held < 0 ? undefined : held,
      shutUntil: shut < 0 ? undefined : shut,
      circuit: this.circuit(key).state,
    }
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
    this.#driver.set(this.#alarm, Number.POSITIVE_INFINITY)
    this.#keyLimits?.close()
    this.#core.free()
  }

  /** Performs what the core decided, until nothing is left. New work that comes in meanwhile is left to the outer call. */
  #drain(): void {
    this.#inputs += 1
    if (this.#draining) return
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
      const key = this.#keys.get(token)
      const cause = CAUSES[detail]
      if (key !== undefined && cause !== undefined) this.#turn(key, cause === 'probes-passed' ? 'closed' : 'open', cause)
      return
    }
    const task = this.#tasks.get(token)
    if (task === undefined) return
    if (numbers[at] === 1) {
      if (this.#states.size > 0 && this.#states.get(task.key) === 'open') this.#turn(task.key, 'half-open', 'probe')
      this.#keyLimits?.began(task.key, token)
      task.start(detail)
    } else if (numbers[at] === 2) {
      this.#over(task, 'overload')
      task.abort(detail)
    } else if (numbers[at] === 4) {
      const spent = this.#spent(at + 3)
      this.#leave(task)
      this.#refused(task.key)
      task.refuse?.(detail, spent)
    } else {
      const spent = this.#spent(at + 3)
      if (DEADLINES[detail] === 'attempt') this.#over(task, 'overload')
      this.#leave(task)
      task.expire(DEADLINES[detail] as Deadline, spent)
    }
  }

  #spent(at: number): Spent {
    const { numbers } = this.#buffer
    const number = (index: number) => numbers[at + index] as number
    return { attempts: number(0), queue: number(1), running: number(2), backoff: number(3), rate: number(4) }
  }

  #steer(key: string, cause: BreakerCause, action: (core: ScheduleHandle, circuit: number, now: number) => void): boolean {
    if (this.#circuits === undefined) return false
    try {
      const now = this.#driver.now()
      const circuit = this.#circuit(key, now)
      this.#core.use(core => action(core, circuit, now))
      this.#turn(key, this.circuit(key).state, cause)
      this.#drain()
    } catch (error) {
      this.#recover(error)
    }
    return true
  }

  /** Somebody was refused: where some had been let through, nothing was heard of them in time. */
  #refused(key: string): void {
    if (this.#states.get(key) === 'half-open' && this.circuit(key).state === 'open') this.#turn(key, 'open', 'no-verdict')
  }

  #turn(key: string, to: BreakerState, cause: BreakerCause): void {
    const from = this.#states.get(key) ?? 'closed'
    // Whoever isolates a circuit does not want to hear what goes on behind that.
    if (from === to || (from === 'isolated' && cause !== 'reset')) return
    if (to === 'closed') this.#states.delete(key)
    else this.#states.set(key, to)
    this.onCircuitChange?.(key, from, to, cause)
  }

  /** The circuit of `key`, made when it is first asked for; others may make room for it. */
  #circuit(key: string, now: number): number {
    const known = this.#circuits?.get(key)
    if (known !== undefined) return known
    const circuit = this.#core.use(core => core.addCircuit(now))
    this.#circuits?.set(key, circuit)
    this.#keys.set(circuit, key)
    for (;;) {
      const forgotten = this.#core.use(core => core.pollForgotten())
      if (forgotten < 0) return circuit
      this.#circuits?.delete(this.#keys.get(forgotten) as string)
      this.#states.delete(this.#keys.get(forgotten) as string)
      this.#keys.delete(forgotten)
    }
  }

  /** Those that were held and have no tasks are found when others come: a few each time. */
  #addLane(key: string, id: number, now: number): void {
    const lanes = this.#lanes.entries()
    for (let at = Math.min(LANES_ASKED, this.#lanes.size - LANES_KEPT); at > 0; at -= 1) {
      const [other, lane] = lanes.next().value as [string, Lane]
      this.#lanes.delete(other)
      if (lane.tasks > 0 || lane.held > now) this.#lanes.set(other, lane)
    }
    this.#lanes.set(key, { id, tasks: 1, held: 0 })
    this.#limitLane(key, id, now)
  }

  /** A lane lives here as long as in the core: while it has tasks, or is held. */
  #leave(task: ScheduledTask): void {
    this.#keyLimits?.over(task.token, 'ignored')
    this.#tasks.delete(task.token)
    task.token = -1
    const lane = this.#lanes.get(task.key)
    if (lane === undefined) return
    lane.tasks -= 1
    if (lane.tasks === 0 && lane.held === 0) this.#lanes.delete(task.key)
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
    this.#states.clear()
    this.#keys.clear()
    this.#driver.set(this.#alarm, Number.POSITIVE_INFINITY)
    this.#core.renew()
    if (this.#paused) this.#core.use(core => core.setPaused(true, this.#driver.now()))
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
