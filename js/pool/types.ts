/** The public types of pools. */

import type { Clock } from '../clock.ts'
import type { Registry } from '../metrics/registry.ts'
import type { Duration } from '../options.ts'

/** Options of {@link createPool}. */
export interface PoolOptions<T, S = undefined> {
  /** Makes a resource. `signal` is aborted when that takes longer than `createTimeout`, and when the pool is closed. */
  create: (context: { readonly signal: AbortSignal }) => T | PromiseLike<T>
  /** Ends a resource. What it throws is counted in `stats().failures`. */
  destroy?: (resource: T) => unknown
  /** Whether a resource that was idle is still good; asked before it is lent. A throw counts as no, and so does no answer within `createTimeout`. */
  validate?: (resource: T) => boolean | PromiseLike<boolean>
  /** Called once for each resource: what it returns is kept beside it, such as prepared statements, and is there as `lease.state`. */
  prepare?: (resource: T) => S | PromiseLike<S>
  /** Resources that are kept even when nobody wants them. Default: 0. */
  min?: number
  /** Resources at most. Default: 10. */
  max?: number
  /** How long a resource may be idle, above `min`. Default: 30 s. */
  idleTimeout?: Duration
  /** After so long a resource is not lent again. Default: no limit. */
  maxLifetime?: Duration
  /** After so many loans a resource is not lent again. Default: no limit. */
  maxUses?: number
  /** How long a caller waits; then `ERR_TIMEOUT`. Default: 30 s. */
  acquireTimeout?: Duration
  /** How long `create` and `prepare` may take together, and `validate` by itself. Default: 30 s. */
  createTimeout?: Duration
  /** Callers that may wait while all resources are lent, or spoken for; more are refused with `ERR_QUEUE_FULL`. Default: 10 000. */
  maxQueue?: number
  /** The label `pool` in metrics. Default: `'default'`. */
  name?: string
  /** Where it reports: `pool_resources{pool,state}`, `pool_waiting`, `pool_acquired_total`, `pool_wait_seconds`. Default: nowhere. */
  metrics?: Registry
  /** What tells the time. Default: the system's. */
  clock?: Clock
}

/** A resource that is lent. */
export interface Lease<T, S> {
  readonly value: T
  /** What `prepare` made of it. */
  readonly state: S
  /** Gives it back; only the first call counts. */
  release(): void
  /** Gives it back as broken: it is destroyed. */
  discard(): void
  [Symbol.dispose](): void
}

/** Counts of a pool; a copy. */
export interface PoolStats {
  /** Resources that exist. */
  size: number
  idle: number
  lent: number
  /** Resources that are being made. */
  creating: number
  /** Callers that wait. */
  waiting: number
  created: number
  destroyed: number
  acquired: number
  /** Calls of `create`, `prepare`, `validate` and `destroy` that failed. */
  failures: number
}

/** A pool made by {@link createPool}. */
export interface Pool<T, S> {
  /**
   * A resource, for as long as the caller keeps it. Callers are served in the order in which they came. Rejects with `ERR_HANDLER` when `create`
   * fails, `ERR_TIMEOUT`, `ERR_QUEUE_FULL`, `ERR_CLOSED`, and `signal.reason`.
   */
  acquire(options?: { signal?: AbortSignal | undefined }): Promise<Lease<T, S>>
  /** Runs `work` with a resource and gives it back; as broken where `isBroken` says so of what was thrown. */
  use<R>(
    work: (resource: T, state: S) => R | PromiseLike<R>,
    options?: { signal?: AbortSignal | undefined; isBroken?: (error: unknown) => boolean },
  ): Promise<R>
  /** Makes resources until there are `count`. Default: `min`, and at least one. Rejects with what `create` failed with. */
  warmUp(count?: number): Promise<void>
  /** A snapshot of counts. */
  stats(): PoolStats
  /** Refuses new callers, rejects those that wait with `ERR_CLOSED`, waits for what is lent, and destroys everything. Idempotent. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
