/** Whether the batches of a batcher are large enough. */

import type { Handle } from '../account.ts'
import type { Load, Thresholds } from '../facts.ts'
import type { Recommendation } from '../types.ts'
import { round } from '../words.ts'

/** The part of a batch from which it counts as full. */
const FULL = 0.9

/** Since the account was opened. */
export interface BatcherCounts {
  readonly loads: number
  readonly hits: number
  readonly coalesced: number
  readonly batches: number
}

/** Batches are full, and keys wait for the next one. What that brings depends on what a batch costs beside its keys: try it. */
export function largerBatches(
  name: string,
  handle: Handle,
  load: Load,
  counts: BatcherCounts,
  { minSamples }: Thresholds,
): Recommendation | undefined {
  const limit = handle.maxBatchSize
  const keys = counts.loads - counts.hits - counts.coalesced
  if (limit === undefined || !Number.isFinite(limit) || keys < minSamples || counts.batches === 0) return undefined
  const mean = keys / counts.batches
  if (mean < limit * FULL || load.waiting < limit / 2) return undefined
  const to = Math.ceil(limit + load.waiting)
  return {
    id: `${name}:batch-size`,
    source: name,
    severity: 'info',
    title: `Batches of ${name} are full, and ${round(load.waiting)} keys wait for the next one`,
    detail: 'Of use where a batch costs something beside its keys, such as the way to a server and back.',
    evidence: { keys, batches: counts.batches, meanSize: round(mean), limit, waiting: round(load.waiting) },
    gain: `${round(keys / mean)} batches become about ${Math.ceil(keys / to)}`,
    option: `${name}.maxBatchSize`,
    from: limit,
    to,
    measure: 'meanMs',
    apply: (size = to) => {
      handle.maxBatchSize = size
      return () => {
        handle.maxBatchSize = limit
      }
    },
  }
}
