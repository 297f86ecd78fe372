/** `hedge`: asks once more when an answer takes longer than usual, and takes the first. */

import type { Abortable } from '../abort-watch.ts'
import type { Clock } from '../clock.ts'
import { Alarm } from '../core/driver.ts'
import { type HedgeConfig, HedgeCore } from '../core/hedge-core.ts'
import { optionalFunction, optionsObject, wholeNumber } from '../options.ts'
import { report } from '../report.ts'
import type { RetryBudgetOptions } from './budget-options.ts'
import type { Context } from './context.ts'
import { type HedgeDelay, readHedgeDelay } from './hedge-options.ts'
import { Layered, type Next } from './layer.ts'
import { budgetOption } from './retry.ts'
import type { RetryBudget } from './retry-budget.ts'
import type { Policy } from './types.ts'

/** Options of {@link hedge}. */
export interface HedgeOptions {
  /** Attempts beside the first. Default: 1. */
  maxHedges?: number
  /** Default: `{ quantile: 0.95, minSamples: 50 }`. */
  delay?: HedgeDelay
  /** How much of the load may be such attempts: one of `retryBudget`, which others may share, or its options. Default: `{ ratio: 0.1, minPerSecond: 1 }`. */
  budget?: RetryBudget | RetryBudgetOptions
  /** Told when one more attempt begins. */
  onHedge?: (event: { readonly attempt: number }) => void
  /** The source of time. Default: {@link systemClock}. */
  clock?: Clock
}

/**
 * Makes a policy that begins another attempt when an answer takes longer than usual. The first that succeeds is the answer, the signals of the
 * others abort. Only for what may be done twice. (Dean and Barroso, "The Tail at Scale", 2013.)
 *
 * ```ts
 * const call = pipeline(hedge({ delay: { quantile: 0.95 } }), timeout('5s'))
 * ```
 */
export function hedge(options: HedgeOptions = {}): Policy {
  return new Hedge(options)
}

class Hedge extends Layered {
  override readonly policy: string = 'hedge'
  readonly #maxHedges: number
  readonly #config: HedgeConfig
  readonly #budget: RetryBudget | undefined
  readonly #onHedge: HedgeOptions['onHedge']
  #made: HedgeCore | undefined

  constructor(given: HedgeOptions) {
    const options: HedgeOptions = optionsObject(given, 'options')
    super(options.clock)
    optionalFunction(options.onHedge, 'onHedge')
    this.#maxHedges = wholeNumber(options.maxHedges ?? 1, 'maxHedges')
    this.#config = readHedgeDelay(options.delay)
    this.#budget = budgetOption(options.budget ?? { ratio: 0.1, minPerSecond: 1 }, this.clock)
    this.#onHedge = options.onHedge
  }

  run<T>(context: Context, next: Next<T>): Promise<T> {
    const { ended } = context
    if (ended !== undefined) return Promise.reject(ended.reason)
    this.#made ??= new HedgeCore(this.#config)
    this.#budget?.note()
    return new Promise((resolve, reject) => {
      new Contest(context, next, this.#made as HedgeCore, { resolve, reject, mayHedge: attempt => this.#mayHedge(attempt) }).begin(
        this.#maxHedges,
      )
    })
  }

  #mayHedge(attempt: number): boolean {
    if (this.#budget?.spend() === false) return false
    try {
      this.#onHedge?.({ attempt })
    } catch (error) {
      report(error, 'onHedge threw')
    }
    return true
  }
}

interface Outcomes<T> {
  resolve(value: T): void
  reject(error: unknown): void
  mayHedge(attempt: number): boolean
}

/** The attempts of one call. */
class Contest<T> implements Abortable {
  readonly #context: Context
  readonly #next: Next<T>
  readonly #core: HedgeCore
  readonly #outcomes: Outcomes<T>
  readonly #running = new Set<Context>()
  readonly #alarm = new Alarm(() => this.#another(), { holds: true })
  #left = 0
  #attempts = 0
  #isOver = false

  constructor(context: Context, next: Next<T>, core: HedgeCore, outcomes: Outcomes<T>) {
    this.#context = context
    this.#next = next
    this.#core = core
    this.#outcomes = outcomes
  }

  begin(maxHedges: number): void {
    this.#left = maxHedges
    if (this.#context.canEnd) this.#context.watch(this)
    this.#attempt()
    this.#arm()
  }

  aborted(reason: unknown): void {
    if (this.#end(reason)) this.#outcomes.reject(reason)
  }

  #another(): void {
    this.#left -= 1
    if (!this.#outcomes.mayHedge(this.#context.attempt + this.#attempts)) return
    this.#attempt()
    this.#arm()
  }

  #arm(): void {
    const { driver } = this.#context
    const delay = this.#isOver || this.#left === 0 ? undefined : this.#core.delay()
    if (delay !== undefined) driver.set(this.#alarm, driver.now() + delay)
  }

  #attempt(): void {
    const { driver } = this.#context
    const own = this.#context.child({ attempt: this.#context.attempt + this.#attempts, canEnd: true })
    const since = driver.now()
    this.#attempts += 1
    this.#running.add(own)
    this.#next(own).then(
      value => {
        this.#running.delete(own)
        if (this.#isOver) return
        this.#core.record(driver.now() - since, driver.now())
        this.#end(new DOMException('another attempt was faster', 'AbortError'))
        this.#outcomes.resolve(value)
      },
      error => {
        this.#running.delete(own)
        // As long as another may still answer, the failure of one is none.
        if (this.#isOver || this.#running.size > 0) return
        this.#end(error)
        this.#outcomes.reject(error)
      },
    )
  }

  #end(reason: unknown): boolean {
    if (this.#isOver) return false
    this.#isOver = true
    const { driver } = this.#context
    driver.set(this.#alarm, Number.POSITIVE_INFINITY)
    this.#context.unwatch(this)
    for (const other of [...this.#running]) {
      other.aborted(reason)
      other.leave()
    }
    return true
  }
}
