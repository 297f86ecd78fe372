/** What a pool reports to a registry. */

import { Copies } from '../metrics/copies.ts'
import type { Registry } from '../metrics/registry.ts'
import { WaitReport } from '../metrics/wait-report.ts'
import type { PoolStats } from './types.ts'

const STATES = ['idle', 'lent', 'creating'] as const

/** See the top of this file. */
export function poolReport(registry: Registry, pool: string, read: () => PoolStats, now: () => number): WaitReport {
  const copies = new Copies()
  const labelNames = ['pool'] as const
  const resources = registry.gauge({ name: 'pool_resources', help: 'Resources of pools, by what they do.', labelNames: ['pool', 'state'] })
  const byState = STATES.map(state => ({ state, copy: copies.gauge(resources.with({ pool, state })) }))
  const line = registry.gauge({ name: 'pool_waiting', help: 'Callers that wait for a resource.', labelNames })
  const waiting = copies.gauge(line.with({ pool }))
  const loans = registry.counter({ name: 'pool_acquired_total', help: 'Resources that were lent.', labelNames })
  const acquired = copies.counter(loans.with({ pool }))
  const wait = registry.timer({ name: 'pool_wait_seconds', help: 'Time that callers who got a resource had waited.', labelNames })
  const copy = () => {
    const stats = read()
    for (const { state, copy } of byState) copy(stats[state])
    waiting(stats.waiting)
    acquired(stats.acquired)
  }
  return new WaitReport(registry, copies, copy, wait.with({ pool }), now)
}
