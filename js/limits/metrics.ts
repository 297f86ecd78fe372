/** What a rate limiter reports to a registry. */

import { Copies } from '../metrics/copies.ts'
import type { TimerSeries } from '../metrics/instruments.ts'
import type { Registry } from '../metrics/registry.ts'
import type { RateLimiterStats } from './types.ts'

const OUTCOMES = ['admitted', 'refused', 'aborted'] as const

/** See the top of this file. */
export class LimiterReport {
  readonly #wait: TimerSeries
  readonly #copies = new Copies()
  readonly #copy: () => void
  readonly #stop: () => void

  constructor(registry: Registry, limiter: string, read: () => RateLimiterStats) {
    const calls = registry.counter({
      name: 'rate_limit_calls_total',
      help: 'Calls to rate limiters, by how they ended.',
      labelNames: ['limiter', 'outcome'],
    })
    const byOutcome = OUTCOMES.map(outcome => ({ outcome, copy: this.#copies.counter(calls.with({ limiter, outcome })) }))
    const waiting = registry.gauge({ name: 'rate_limit_waiting', help: 'Calls that wait for their turn.', labelNames: ['limiter'] })
    this.#wait = registry
      .timer({ name: 'rate_limit_wait_seconds', help: 'Time that calls which were let through had waited.', labelNames: ['limiter'] })
      .with({ limiter })
    const inLine = this.#copies.gauge(waiting.with({ limiter }))
    this.#copy = () => {
      const stats = read()
      for (const { outcome, copy } of byOutcome) copy(stats[outcome])
      inLine(stats.waiting)
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
    this.#copies.leave()
  }
}
