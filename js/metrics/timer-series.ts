/** One timer: a histogram of seconds that knows what is slow. */

import type { Clock } from '../clock.ts'
import type { MetricsCore } from '../core/metrics-core.ts'
import { HistogramSeries } from './series.ts'
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
}

/** See the top of this file. */
export class TimerSeries extends HistogramSeries {
  readonly #clock: Clock
  readonly #slow: number
  readonly #options: TimerSeriesOptions

  constructor(options: TimerSeriesOptions) {
    super(options.core, options.slot)
    this.#clock = options.clock
    this.#slow = options.slowThreshold
    this.#options = options
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
      if (seconds < 0) {
        const now = this.#clock.monotonic()
        seconds = Math.max(0, now - begin) / 1000
        this.observeAt(seconds, now)
        if (seconds >= this.#slow) this.#note(seconds, what)
      }
      return seconds
    }
  }

  /** Runs `fn` and records how long it took, also when it throws or rejects. Returns what `fn` returns. */
  time<T>(fn: () => T, what?: string): T {
    const end = this.start(what)
    let result: T
    try {
      result = fn()
    } catch (error) {
      end()
      throw error
    }
    if (!isThenable(result)) {
      end()
      return result
    }
    const passed = result.then(
      value => {
        end()
        return value
      },
      error => {
        end()
        throw error
      },
    )
    return passed as T
  }

  #note(seconds: number, what: string | undefined): void {
    const { slowOps, metric, labels } = this.#options
    slowOps.note(metric, labels, seconds, what)
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
