/** What a client reports into a registry. Series are resolved once; totals are copied when the registry is read. */

import type { Spent } from '../core/schedule-types.ts'
import { Copies } from '../metrics/copies.ts'
import type { TimerSeries } from '../metrics/instruments.ts'
import type { Registry } from '../metrics/registry.ts'
import type { Source } from './record.ts'
import type { ConnectionStats } from './transport.ts'
import type { FetchLatency, FetchStats, HostLimitChange } from './types.ts'

/** Why a request is tried again. */
export type RetryReason = 'network' | 'timeout' | 'status'

/** The numbers that are copied, as they stand. */
export interface ClientTotals {
  readonly outcomes: Readonly<Record<Outcome, number>>
  readonly retries: Readonly<Record<RetryReason, number>>
  readonly bytes: number
  readonly inflight: number
  readonly connections: FetchStats['connections']
}

/** How a call ended. */
export type Outcome = Source | 'error' | 'aborted'

const OUTCOMES: readonly Outcome[] = ['hit', 'stale', 'revalidated', 'miss', 'coalesced', 'error', 'aborted']
const REASONS: readonly RetryReason[] = ['network', 'timeout', 'status']

/** See the top of this file. */
export class ClientMetrics {
  readonly #registry: Registry
  readonly #client: string
  readonly #duration: TimerSeries
  readonly #wait: TimerSeries
  readonly #rateWait: TimerSeries | undefined
  readonly #copies = new Copies()
  readonly #hosts = new Map<string, (stats: ConnectionStats | undefined) => void>()
  readonly #copy: (totals: ClientTotals) => void
  readonly #read: () => ClientTotals
  readonly #stop: () => void

  constructor(registry: Registry, client: string, hasRateLimit: boolean, read: () => ClientTotals) {
    this.#registry = registry
    this.#client = client
    this.#read = read
    const duration = registry.timer({
      name: 'client_request_duration_seconds',
      help: 'Time of calls not answered from memory.',
      labelNames: ['client'],
    })
    const wait = registry.timer({ name: 'client_queue_wait_seconds', help: 'Time requests waited for a slot.', labelNames: ['client'] })
    const requests = registry.counter({
      name: 'client_requests_total',
      help: 'Calls, by how they ended.',
      labelNames: ['client', 'outcome'],
    })
    const retries = registry.counter({ name: 'client_retries_total', help: 'Attempts after the first.', labelNames: ['client', 'reason'] })
    const bytes = registry.counter({ name: 'client_response_bytes_total', help: 'Decoded bytes of bodies.', labelNames: ['client'] })
    const inflight = registry.gauge({ name: 'client_inflight', help: 'Attempts under way.', labelNames: ['client'] })
    this.#duration = duration.with({ client })
    this.#wait = wait.with({ client })
    const rateWait = { name: 'client_rate_wait_seconds', help: 'Time requests waited for the rate limit.', labelNames: ['client'] } as const
    if (hasRateLimit) this.#rateWait = registry.timer(rateWait).with({ client })
    const copies = this.#copies
    const byOutcome = OUTCOMES.map(outcome => ({ outcome, copy: copies.counter(requests.with({ client, outcome })) }))
    const byReason = REASONS.map(reason => ({ reason, copy: copies.counter(retries.with({ client, reason })) }))
    const [received, running] = [copies.counter(bytes.with({ client })), copies.gauge(inflight.with({ client }))]
    this.#copy = totals => {
      for (const { outcome, copy } of byOutcome) copy(totals.outcomes[outcome])
      for (const { reason, copy } of byReason) copy(totals.retries[reason])
      received(totals.bytes)
      running(totals.inflight)
      if (totals.connections !== undefined) this.#copyConnections(totals.connections)
    }
    this.#stop = registry.onCollect(() => this.#collect())
  }

  /** A call was answered over the wire or from a tier. */
  answered(ms: number): void {
    this.#duration.observe(ms / 1000)
  }

  /** A request left the schedule. */
  spent({ queue, rate }: Spent): void {
    this.#wait.observe(queue / 1000)
    this.#rateWait?.observe(rate / 1000)
  }

  /** Another number of requests at once is good for a host. */
  limited({ host, to, reason }: HostLimitChange): void {
    const client = this.#client
    const limit = {
      name: 'client_concurrency_limit',
      help: 'Requests at once that are good for a host.',
      labelNames: ['client', 'host'],
    } as const
    const changes = {
      name: 'client_concurrency_changes_total',
      help: 'Changes of that number, by why.',
      labelNames: ['client', 'host', 'reason'],
    } as const
    this.#registry.gauge(limit).with({ client, host }).set(to)
    this.#registry.counter(changes).with({ client, host, reason }).inc()
  }

  /** How long calls took; `undefined` before the first. */
  latency(): FetchLatency | undefined {
    const { count, mean, p50, p95, p99 } = this.#duration.distribution()
    if (count === 0) return undefined
    const ms = (seconds: number | null) => (seconds ?? 0) * 1000
    return { count, mean: ms(mean), p50: ms(p50), p95: ms(p95), p99: ms(p99) }
  }

  /** Copies what is left and lets go of the registry. */
  close(): void {
    this.#collect()
    this.#stop()
    this.#copies.leave()
  }

  /** Hosts come and go; one that is gone has no connections. */
  #copyConnections(hosts: NonNullable<FetchStats['connections']>): void {
    for (const host of Object.keys(hosts)) if (!this.#hosts.has(host)) this.#hosts.set(host, this.#connectionsOf(host))
    for (const [host, copy] of this.#hosts) copy(hosts[host])
  }

  #connectionsOf(host: string): (stats: ConnectionStats | undefined) => void {
    const client = this.#client
    const labelNames = ['client', 'host', 'state'] as const
    const connections = this.#registry.gauge({ name: 'client_connections', help: 'Connections, and those nobody uses.', labelNames })
    const requests = this.#registry.gauge({
      name: 'client_connection_requests',
      help: 'Requests that have, or wait for, a connection.',
      labelNames,
    })
    const copies = [
      ...(['connected', 'free'] as const).map(state => ({ state, copy: this.#copies.gauge(connections.with({ client, host, state })) })),
      ...(['pending', 'running', 'queued'] as const).map(state => ({
        state,
        copy: this.#copies.gauge(requests.with({ client, host, state })),
      })),
    ]
    return stats => {
      for (const { state, copy } of copies) copy(stats?.[state] ?? 0)
    }
  }

  #collect(): void {
    this.#copy(this.#read())
  }
}
