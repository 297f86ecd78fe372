/** Asks a host once more when its answer takes longer than usual: attempts beside the one that the schedule tries again. */

import { Alarm, type Driver } from '../core/driver.ts'
import { type HedgeConfig, HedgeCore } from '../core/hedge-core.ts'
import { BudgetCore } from '../core/retry-core.ts'
import type { ScheduleCore } from '../core/schedule-core.ts'
import type { BudgetConfig, ScheduledTask, TaskLimits } from '../core/schedule-types.ts'
import { Hangup } from './hangup.ts'
import type { WireRequest } from './request.ts'

/** When, how often, and how much of the load. */
export interface HedgingConfig extends HedgeConfig {
  readonly maxHedges: number
  readonly budget: BudgetConfig
}

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])
/** Hosts and kinds of requests whose latency is known. */
const MOST_LATENCIES = 1000

/** What all requests of a client share: how long each host usually takes, and the budget. */
export class Hedging {
  readonly driver: Driver
  readonly schedule: ScheduleCore
  readonly maxHedges: number
  readonly #config: HedgeConfig
  readonly #budget: BudgetCore
  readonly #latencies = new Map<string, HedgeCore>()

  constructor(config: HedgingConfig, schedule: ScheduleCore, driver: Driver) {
    this.driver = driver
    this.schedule = schedule
    this.maxHedges = config.maxHedges
    this.#config = config
    this.#budget = new BudgetCore(config.budget, driver)
  }

  /** A request sets out; after how many milliseconds it may be hedged, if that is known. */
  begin(latencies: string): number | undefined {
    this.#budget.note()
    return this.#of(latencies).delay()
  }

  /** A request was answered, and took so long. */
  answered(latencies: string, ms: number): void {
    this.#of(latencies).record(ms, this.driver.now())
  }

  /** Takes one from the budget. */
  spend(): boolean {
    return this.#budget.spend()
  }

  #of(latencies: string): HedgeCore {
    let known = this.#latencies.get(latencies)
    if (known === undefined) {
      known = new HedgeCore(this.#config)
      this.#latencies.set(latencies, known)
      if (this.#latencies.size > MOST_LATENCIES) this.#forgetFirst()
    }
    return known
  }

  #forgetFirst(): void {
    for (const [latencies, core] of this.#latencies) {
      this.#latencies.delete(latencies)
      core.close()
      return
    }
  }
}

/** What a hedge needs of its request. */
export interface Hedged {
  readonly key: string
  /** Which others take as long: whoever waits for heads only is told apart from those who wait for bodies. */
  readonly latencies: string
  readonly limits: TaskLimits
  /** Goes over the wire beside the attempt that runs. Resolves when it has won or failed; never rejects. */
  besides(hangup: Hangup): Promise<void>
}

/** The hedges of one request. */
export class Hedges {
  readonly #hedging: Hedging
  readonly #request: Hedged
  readonly #running = new Set<HedgeTask>()
  readonly #alarm: Alarm
  #left = 0
  #delay: number | undefined
  #since = 0

  constructor(hedging: Hedging, request: Hedged) {
    this.#hedging = hedging
    this.#request = request
    this.#alarm = new Alarm(() => this.#hedge(), { holds: true })
  }

  /** An attempt has begun. */
  begin(): void {
    this.#since = this.#hedging.driver.now()
    this.#left = this.#hedging.maxHedges
    this.#delay = this.#hedging.begin(this.#request.latencies)
    this.#arm()
  }

  /** The attempt has brought a good answer. */
  answered(): void {
    this.#hedging.answered(this.#request.latencies, this.#hedging.driver.now() - this.#since)
  }

  /** The attempt is over: nothing beside it is waited for. The winner is not to be aborted. */
  end(winner?: Hangup): void {
    this.#left = 0
    this.#arm()
    for (const task of this.#running) {
      if (task.hangup !== winner) task.hangup.abort(new DOMException('another attempt was faster', 'AbortError'))
      this.#hedging.schedule.cancel(task)
    }
    this.#running.clear()
  }

  #arm(): void {
    const { driver } = this.#hedging
    const isOver = this.#left === 0 || this.#delay === undefined
    driver.set(this.#alarm, isOver ? Number.POSITIVE_INFINITY : driver.now() + (this.#delay as number))
  }

  #hedge(): void {
    this.#left -= 1
    if (this.#hedging.spend()) {
      const task = new HedgeTask(this.#request.key, async () => {
        await this.#request.besides(task.hangup)
        this.#hedging.schedule.settle(task, 1, false, undefined, 'ignored')
        this.#running.delete(task)
      })
      this.#running.add(task)
      // One that has to wait for a place would only add to what keeps the others waiting.
      const limits = { ...this.#request.limits, maxRetries: 0, maxWait: 0 }
      if (this.#hedging.schedule.submit(task, limits) !== 'in') this.#running.delete(task)
    }
    this.#arm()
  }
}

/** The hedges of a request, where it may be asked twice at the same time. */
export function hedgesOf(
  hedging: Hedging | undefined,
  { method, host, limits: { timeout } }: WireRequest,
  latencies: string,
  besides: Hedged['besides'],
): Hedges | undefined {
  if (hedging === undefined || !SAFE.has(method)) return undefined
  // When the attempt is over, so are they; it has the deadline over everything.
  const limits = { timeout, totalTimeout: Number.POSITIVE_INFINITY, maxRetries: 0 }
  return new Hedges(hedging, { key: host, latencies, limits, besides })
}

class HedgeTask implements ScheduledTask {
  readonly key: string
  readonly hangup = new Hangup()
  token = -1
  readonly #run: () => Promise<void>

  constructor(key: string, run: () => Promise<void>) {
    this.key = key
    this.#run = run
  }

  start(): void {
    void this.#run()
  }

  abort(): void {
    this.#giveUp()
  }

  expire(): void {
    this.#giveUp()
  }

  refuse(): void {}

  lose(): void {
    this.#giveUp()
  }

  #giveUp(): void {
    this.hangup.abort(new DOMException('the attempt took too long', 'AbortError'))
  }
}
