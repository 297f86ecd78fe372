/** What a rate limiter reports to a registry. */

import type { TimerSeries } from '../metrics/instruments.ts'
import type { Registry } from '../metrics/registry.ts'
import type { RateLimiterStats } from './types.ts'

const OUTCOMES = ['admitted', 'refused', 'aborted'] as const

/** See the top of this file. */
export class LimiterReport {
  readonly #wait: TimerSeries
  readonly #copy: () => void
  readonly #stop: () => void

  constructor(registry: Registry, limiter: string, read: () => RateLimiterStats) {
    const calls = registry.counter({
      name: 'rate_limit_calls_total',
      help: 'Calls to rate limiters, by how they ended.',
      labelNames: ['limiter', 'outcome'],
    })
    const byOutcome = OUTCOMES.map(outcome => ({ outcome, series: calls.with({ limiter, outcome }), copied: 0 }))
    const waiting = registry
      .gauge({ name: 'rate_limit_waiting', help: 'Calls that wait for their turn.', labelNames: ['limiter'] })
      .with({ limiter })
    this.#wait = registry
      .timer({ name: 'rate_limit_wait_seconds', help: 'Time that calls which were let through had waited.', labelNames: ['limiter'] })
      .with({ limiter })
    let waited = 0
    // Each adds what has come since the last time: several limiters may go by one name.
    this.#copy = () => {
      const stats = read()
      for (const one of byOutcome) {
        one.series.inc(stats[one.outcome] - one.copied)
        one.copied = stats[one.outcome]
      }
      waiting.inc(stats.waiting - waited)
      waited = stats.waiting
    }
    this.#stop = registry.onCollect(this.#copy)
  }

  /** A call was let through after so long. */
  waited(ms: number): void {
    this.#wait.observe(ms / 1000)
  }

  /** Copies what is left and lets go of the registry. */
  close(): void {
    this.#copy()
    this.#stop()
  }
}
