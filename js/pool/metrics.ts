/** What a pool reports to a registry. */

import { Copies } from '../metrics/copies.ts'
import type { TimerSeries } from '../metrics/instruments.ts'
import type { Registry } from '../metrics/registry.ts'
import type { PoolStats } from './types.ts'

const STATES = ['idle', 'lent', 'creating'] as const

/** See the top of this file. */
export class PoolReport {
  readonly #wait: TimerSeries
  readonly #copies = new Copies()
  readonly #copy: () => void
  readonly #stop: () => void
  readonly #now: () => number

  constructor(registry: Registry, pool: string, read: () => PoolStats, now: () => number) {
    const resources = registry.gauge({
      name: 'pool_resources',
      help: 'Resources of pools, by what they do.',
      labelNames: ['pool', 'state'],
    })
    const byState = STATES.map(state => ({ state, copy: this.#copies.gauge(resources.with({ pool, state })) }))
    const waiting = this.#copies.gauge(
      registry.gauge({ name: 'pool_waiting', help: 'Callers that wait for a resource.', labelNames: ['pool'] }).with({ pool }),
    )
    const acquired = this.#copies.counter(
      registry.counter({ name: 'pool_acquired_total', help: 'Resources that were lent.', labelNames: ['pool'] }).with({ pool }),
    )
    this.#wait = registry
      .timer({ name: 'pool_wait_seconds', help: 'Time that callers who got a resource had waited.', labelNames: ['pool'] })
      .with({ pool })
    this.#now = now
    this.#copy = () => {
      const stats = read()
      for (const { state, copy } of byState) copy(stats[state])
      waiting(stats.waiting)
      acquired(stats.acquired)
    }
    this.#stop = registry.onCollect(this.#copy)
  }

  /** A caller got a resource who had come at `since`. */
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
