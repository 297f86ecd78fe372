/** What a monitor reads from the `stats()` of each kind of thing. A kind is known by its numbers, so that nobody carries classes that he does not use. */

import type { SourceKind } from './types.ts'

/** The numbers of one kind, as paths into its `stats()`. */
export interface KindNumbers {
  /** Counts that only grow: told as rates. */
  readonly totals: readonly string[]
  /** Records of such counts. */
  readonly totalsBy?: readonly string[]
  readonly levels: readonly string[]
  /** What is to be divided by what for a hit rate. */
  readonly hits?: readonly [hits: readonly string[], others: readonly string[]]
  readonly latency?: string
}

/** By these fields of `stats()`, all of which must be there; the first that fits counts. */
const SIGNS: readonly (readonly [SourceKind, ...string[]])[] = [
  ['cache', 'memory', 'tiers', 'loads'],
  ['memory-cache', 'missesByReason', 'evictions', 'sets'],
  ['fetch', 'requests', 'sent', 'inflight'],
  ['batcher', 'batches', 'coalesced', 'cached'],
  ['pool', 'lent', 'creating', 'acquired'],
  ['rate-limiter', 'admitted', 'tokens', 'waiting'],
  ['circuit-breaker', 'succeeded', 'opened', 'keys'],
  ['queue', 'completed', 'running', 'refused'],
  ['governor', 'pressured', 'readings', 'freedBytes'],
  ['bulkhead', 'running', 'waiting'],
]

/** Of what kind something with these stats is. */
export function kindOf(stats: object): SourceKind | undefined {
  return SIGNS.find(([, ...fields]) => fields.every(field => field in stats))?.[0]
}

/** See {@link KindNumbers}. */
export const NUMBERS: Readonly<Record<SourceKind, KindNumbers>> = {
  cache: {
    totals: [
      'hits',
      'misses',
      'staleHits',
      'negativeHits',
      'staleAfterError',
      'staleAfterTimeout',
      'loads',
      'refreshes',
      'loadErrors',
      'timeouts',
      'backedOff',
      'coalesced',
      'memory.hits',
      'memory.evictions',
      'memory.expirations',
      'memory.invalidations',
      'memory.oversized',
    ],
    totalsBy: ['missesByReason'],
    levels: ['memory.entries', 'memory.size', 'memory.max', 'memory.maxSize'],
    hits: [['hits'], ['misses']],
    latency: 'loadLatency',
  },
  'memory-cache': {
    totals: ['hits', 'misses', 'staleHits', 'sets', 'deletes', 'evictions', 'expirations', 'invalidations', 'oversized'],
    totalsBy: ['missesByReason'],
    levels: ['entries', 'size', 'max', 'maxSize'],
    hits: [['hits'], ['misses']],
  },
  fetch: {
    totals: ['requests', 'sent', 'hits', 'stale', 'answered', 'misses', 'revalidated', 'coalesced', 'retries', 'bytes', 'cacheFailures'],
    totalsBy: ['failures'],
    levels: ['queued', 'inflight', 'sleeping'],
    hits: [
      ['hits', 'stale', 'answered'],
      ['misses', 'revalidated', 'coalesced'],
    ],
    latency: 'latency',
  },
  queue: { totals: ['completed', 'failed', 'aborted', 'refused'], levels: ['waiting', 'running'] },
  batcher: {
    totals: ['loads', 'hits', 'coalesced', 'batches', 'failed'],
    levels: ['waiting', 'running', 'cached'],
  },
  pool: {
    totals: ['created', 'destroyed', 'acquired', 'failures'],
    levels: ['size', 'idle', 'lent', 'creating', 'waiting'],
  },
  'rate-limiter': { totals: ['admitted', 'refused', 'aborted'], levels: ['waiting', 'tokens'] },
  'circuit-breaker': { totals: ['succeeded', 'failed', 'ignored', 'refused', 'opened'], levels: ['keys'] },
  bulkhead: { totals: [], levels: ['running', 'waiting'] },
  governor: { totals: ['steps', 'freedBytes'], levels: ['ratio'] },
}

/** What of a tier is told over time; named `tiers.<name>.<field>`. */
export const TIER_TOTALS = ['hits', 'misses', 'writes', 'timeouts', 'failures', 'reclaimed', 'dropped'] as const
export const TIER_LEVELS = ['entries', 'bytes', 'queued', 'queuedBytes'] as const
