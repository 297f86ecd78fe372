/** What a queue reports to a registry. */

import { Copies } from '../metrics/copies.ts'
import type { Registry } from '../metrics/registry.ts'
import { WaitReport } from '../metrics/wait-report.ts'
import type { QueueStats } from './types.ts'

const OUTCOMES = ['completed', 'failed', 'aborted', 'refused'] as const

/** See the top of this file. */
export function queueReport(registry: Registry, queue: string, read: () => QueueStats, now: () => number): WaitReport {
  const copies = new Copies()
  const tasks = registry.counter({
    name: 'queue_tasks_total',
    help: 'Tasks of queues, by how they ended.',
    labelNames: ['queue', 'outcome'],
  })
  const byOutcome = OUTCOMES.map(outcome => ({ outcome, copy: copies.counter(tasks.with({ queue, outcome })) }))
  const gauge = (name: string, help: string) => copies.gauge(registry.gauge({ name, help, labelNames: ['queue'] }).with({ queue }))
  const waiting = gauge('queue_waiting', 'Tasks that wait for their turn.')
  const running = gauge('queue_running', 'Tasks that run.')
  const wait = registry.timer({ name: 'queue_wait_seconds', help: 'Time that tasks which began had waited.', labelNames: ['queue'] })
  const copy = () => {
    const stats = read()
    for (const { outcome, copy } of byOutcome) copy(stats[outcome])
    waiting(stats.waiting)
    running(stats.running)
  }
  return new WaitReport(registry, copies, copy, wait.with({ queue }), now)
}
