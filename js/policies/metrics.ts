/** What circuit breakers and bulkheads report to a registry, for as long as that lives. */

import type { BreakerState } from '../core/breaker-core.ts'
import { Copies } from '../metrics/copies.ts'
import type { Registry } from '../metrics/registry.ts'
import type { BulkheadStats } from './bulkhead.ts'
import type { CircuitBreakerStats } from './circuit-breaker.ts'

const OUTCOMES = ['succeeded', 'failed', 'ignored', 'refused'] as const
const STATES: readonly BreakerState[] = ['closed', 'open', 'half-open', 'isolated']

/** Has calls and keys in each state copied; what it returns is told of each change of a circuit. */
export function reportBreaker(
  registry: Registry,
  breaker: string,
  read: () => CircuitBreakerStats,
  states: () => Iterable<BreakerState>,
): (to: BreakerState) => void {
  const copies = new Copies()
  const calls = registry.counter({
    name: 'circuit_breaker_calls_total',
    help: 'Calls under circuit breakers, by how they ended.',
    labelNames: ['breaker', 'outcome'],
  })
  const keys = registry.gauge({ name: 'circuit_breaker_keys', help: 'Circuits, by their state.', labelNames: ['breaker', 'state'] })
  const changes = registry.counter({
    name: 'circuit_breaker_transitions_total',
    help: 'Changes of circuits, by what they changed to.',
    labelNames: ['breaker', 'to'],
  })
  const byOutcome = OUTCOMES.map(outcome => ({ outcome, copy: copies.counter(calls.with({ breaker, outcome })) }))
  const byState = STATES.map(state => ({ state, copy: copies.gauge(keys.with({ breaker, state })) }))
  registry.onCollect(() => {
    const stats = read()
    for (const { outcome, copy } of byOutcome) copy(stats[outcome])
    const all = [...states()]
    for (const { state, copy } of byState) copy(all.filter(one => one === state).length)
  })
  return to => changes.inc({ breaker, to })
}

/** Has what runs, what waits and the limit copied. */
export function reportBulkhead(registry: Registry, bulkhead: string, read: () => BulkheadStats & { concurrency: number }): void {
  const copies = new Copies()
  const gauge = (name: string, help: string) => copies.gauge(registry.gauge({ name, help, labelNames: ['bulkhead'] }).with({ bulkhead }))
  const running = gauge('bulkhead_running', 'Calls that run.')
  const waiting = gauge('bulkhead_waiting', 'Calls that wait for a place.')
  const limit = gauge('bulkhead_concurrency', 'Calls that may run at the same time.')
  registry.onCollect(() => {
    const stats = read()
    running(stats.running)
    waiting(stats.waiting)
    limit(stats.concurrency)
  })
}
