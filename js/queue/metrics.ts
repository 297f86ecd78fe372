/** What a queue reports to a registry. */

import { Copies } from '../metrics/copies.ts'
import type { TimerSeries } from '../metrics/instruments.ts'
import type { Registry } from '../metrics/registry.ts'
import type { QueueStats } from './types.ts'

const OUTCOMES = ['completed', 'failed', 'aborted', 'refused'] as const

/** See the top of this file. */
export class QueueReport {
  readonly #wait: TimerSeries
  readonly #copies = new Copies()
  readonly #copy: () => void
  readonly #stop: () => void
  readonly #now: () => number

  constructor(registry: Registry, queue: string, read: () => QueueStats, now: () => number) {
    const tasks = registry.counter({
      name: 'queue_tasks_total',
      help: 'Tasks of queues, by how they ended.',
      labelNames: ['queue', 'outcome'],
    })
    const byOutcome = OUTCOMES.map(outcome => ({ outcome, copy: this.#copies.counter(tasks.with({ queue, outcome })) }))
    const gauge = (name: string, help: string) => this.#copies.gauge(registry.gauge({ name, help, labelNames: ['queue'] }).with({ queue }))
    const waiting = gauge('queue_waiting', 'Tasks that wait for their turn.')
    const running = gauge('queue_running', 'Tasks that run.')
    this.#wait = registry
      .timer({ name: 'queue_wait_seconds', help: 'Time that tasks which began had waited.', labelNames: ['queue'] })
      .with({ queue })
    this.#now = now
    this.#copy = () => {
      const stats = read()
      for (const { outcome, copy } of byOutcome) copy(stats[outcome])
      waiting(stats.waiting)
      running(stats.running)
    }
    this.#stop = registry.onCollect(this.#copy)
  }

  /** A task begins that came at `since`. */
  waited(since: number): void {
    this.#wait.observe((this.#now() - since) / 1000)
  }

  /** Copies what is left and lets go of the registry. */
  close(): void {
    this.#copy()
    this.#stop()
    this.#copies.leave()
  }
}
