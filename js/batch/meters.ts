/** What a run reports: `batch_items_total{batch,outcome}`, `batch_size{batch}`, `batch_duration_seconds{batch}`. */

import type { Registry } from '../metrics/registry.ts'

const SIZE_BUCKETS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000]

/** The instruments of runs of one name. */
export interface BatchMeters {
  items(outcome: 'ok' | 'failed' | 'aborted', count: number): void
  call(size: number, seconds: number): void
}

/** Resolves the instruments in `registry`; without one, nothing is reported. */
export function metersIn(registry: Registry | undefined, name: string): BatchMeters | undefined {
  if (registry === undefined) return undefined
  const items = registry.counter({
    name: 'batch_items_total',
    help: 'Items of batches that were settled, by outcome.',
    labelNames: ['batch', 'outcome'],
  })
  const byOutcome = {
    ok: items.with({ batch: name, outcome: 'ok' }),
    failed: items.with({ batch: name, outcome: 'failed' }),
    aborted: items.with({ batch: name, outcome: 'aborted' }),
  }
  const size = registry
    .histogram({ name: 'batch_size', help: 'Items in a call of a batch handler.', labelNames: ['batch'], buckets: SIZE_BUCKETS })
    .with({ batch: name })
  const duration = registry
    .timer({ name: 'batch_duration_seconds', help: 'How long a call of a batch handler took.', labelNames: ['batch'] })
    .with({ batch: name })
  return {
    items: (outcome, count) => byOutcome[outcome].inc(count),
    call(count, seconds) {
      size.observe(count)
      duration.observe(seconds)
    },
  }
}
