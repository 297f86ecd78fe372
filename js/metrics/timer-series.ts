/** One timer: a histogram of seconds that knows what failed and what was slow. */

import type { Clock } from '../clock.ts'
import type { MetricsCore } from '../core/metrics-core.ts'
import { InvalidArgumentError } from '../errors.ts'
import { type CounterSeries, HistogramSeries } from './series.ts'
import type { SlowLog } from './slow-log.ts'

/** What a series of a timer belongs to. */
export interface TimerSeriesOptions {
  readonly core: MetricsCore
  readonly slot: number
  readonly clock: Clock
  readonly metric: string
  readonly labels: Readonly<Record<string, string>>
  /** In seconds. */
  readonly slowThreshold: number
  readonly slowOps: SlowLog
  /** Begins the counter of failures; there is none when its name is taken. */
  readonly failures: () => CounterSeries | undefined
}

/** See the top of this file. */
export class TimerSeries extends HistogramSeries {
  readonly #clock: Clock
  readonly #slow: number
  readonly #options: TimerSeriesOptions
  #counter: CounterSeries | undefined
  #failures = 0
  #outcomes = false

  constructor(options: TimerSeriesOptions) {
    super(options.core, options.slot)
    this.#clock = options.clock
    this.#slow = options.slowThreshold
    this.#options = options
  }

  /** How many of the operations that {@link time} ran or {@link begin} began have failed. */
  get failures(): number {
    return this.#failures
  }

  /** Records a duration in seconds; `what` names the operation in the list of slow ones. */
  override observe(seconds: number, what?: string): void {
    super.observe(seconds)
    if (seconds >= this.#slow) this.#note(seconds, what)
  }

  /**
   * Starts the time. The function returned records it and returns it, in seconds; a second call records nothing more.
   * `what` names the operation in the list of slow ones.
   */
  start(what?: string): () => number {
    const begin = this.#clock.monotonic()
    let seconds = -1
    return () => {
      if (seconds < 0) seconds = this.end(begin, what)
      return seconds
    }
  }

  /** The same for `using operation = timer.begin()`, and for operations that may fail: `operation.fail()`. */
  begin(what?: string): Operation {
    this.#knowsOutcomes()
    return new Operation(this, this.#clock.monotonic(), what)
  }

  /** Runs `fn` and records how long it took, also when it throws or rejects: that counts as a failure. Returns what `fn` returns. */
  time<T>(fn: () => T, what?: string): T {
    if (typeof fn !== 'function') throw new InvalidArgumentError('fn', 'a function', fn)
    const operation = this.begin(what)
    let result: T
    try {
      result = fn()
    } catch (error) {
      operation.fail()
      throw error
    }
    if (!isThenable(result)) {
      operation.end()
      return result
    }
    const passed = result.then(
      value => {
        operation.end()
        return value
      },
      error => {
        operation.fail()
        throw error
      },
    )
    return passed as T
  }

  /** Records what began at `begin`, a reading of the registry's monotonic clock in milliseconds. Returns its seconds. */
  end(begin: number, what?: string): number {
    const now = this.#clock.monotonic()
    const seconds = Math.max(0, now - begin) / 1000
    this.observeAt(seconds, now)
    if (seconds >= this.#slow) this.#note(seconds, what)
    return seconds
  }

  /** Counts a failure. */
  countFailure(): void {
    this.#knowsOutcomes()
    this.#failures += 1
    this.#counter?.inc()
  }

  /** Begins again at zero. */
  resetFailures(): void {
    this.#failures = 0
  }

  /** The counter is told from the first operation on whose outcome will be known, so that nothing failed is told too. */
  #knowsOutcomes(): void {
    if (this.#outcomes) return
    this.#outcomes = true
    this.#counter = this.#options.failures()
  }

  #note(seconds: number, what: string | undefined): void {
    const { slowOps, metric, labels } = this.#options
    slowOps.note(metric, labels, seconds, what)
  }
}

/** One operation under way. What happens first counts: {@link end}, {@link fail}, or the end of its `using` block. */
export class Operation implements Disposable {
  readonly #series: TimerSeries
  readonly #begin: number
  readonly #what: string | undefined
  #seconds = -1

  constructor(series: TimerSeries, begin: number, what: string | undefined) {
    this.#series = series
    this.#begin = begin
    this.#what = what
  }

  /** It is over. Returns how many seconds it took. */
  end(): number {
    if (this.#seconds < 0) this.#seconds = this.#series.end(this.#begin, this.#what)
    return this.#seconds
  }

  /** It failed: the same, and a failure is counted. */
  fail(): number {
    if (this.#seconds < 0) this.#series.countFailure()
    return this.end()
  }

  [Symbol.dispose](): void {
    this.end()
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
