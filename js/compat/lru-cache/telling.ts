/** What an operation tells of itself: to a caller who gave a `status`, and to those who listen to lru-cache's channels. */

import { metrics, tracing } from './channels.ts'
import type { LRUCache } from './lru-cache.ts'
import type { Status } from './types.ts'

/** The object that tells of an operation: the caller's, or one for those who listen. */
export function begun<K extends {}, V extends {}, FC>(
  cache: LRUCache<K, V, FC>,
  op: 'get' | 'set' | 'has' | 'peek' | 'memo',
  key: K,
  given: Status<K, V, FC> | undefined,
  heard = metrics.hasSubscribers,
): Status<K, V, FC> | undefined {
  const status: Status<K, V, FC> | undefined = given ?? (heard ? {} : undefined)
  if (status === undefined) return undefined
  status.op = op
  status.key = key
  status.cache = cache
  return status
}

/** The same for a fetch, which says the rest itself. */
export function begunFetch<K extends {}, V extends {}, FC>(options: {
  readonly status?: Status<K, V, FC>
  readonly context?: FC
}): Status<K, V, FC> | undefined {
  const heard = metrics.hasSubscribers || tracing.hasSubscribers
  const status: Status<K, V, FC> | undefined = options.status ?? (heard ? {} : undefined)
  if (status !== undefined && options.context) status.context = options.context
  return status
}

/** The operation is over. */
export function ended(status: object | undefined): void {
  if (metrics.hasSubscribers && status !== undefined) metrics.publish(status)
}

/** Those who trace fetches follow `promise`, which is given back. */
export function traced<R>(promise: Promise<R>, status: { trace?: boolean } | undefined): Promise<R> {
  if (status === undefined || !tracing.hasSubscribers) return promise
  status.trace = true
  tracing.tracePromise(() => promise, status).catch(() => {})
  return promise
}
