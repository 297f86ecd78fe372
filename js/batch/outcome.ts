/** What a run resolves with, from what is known at its end. */

import type { ShelflifeError } from '../errors.ts'
import type { Ledger } from './ledger.ts'
import type { BatchResult, ResumeToken } from './types.ts'

/** What the ledger does not know. */
export interface RunEnd {
  readonly isAborted: boolean
  readonly skipped: number
  readonly counts: { readonly calls: number; readonly retries: number; readonly splits: number }
  readonly durationMs: number
  /** What kept items from being processed. */
  readonly errors: readonly ShelflifeError[]
  /** What callbacks threw: the items are none the worse for it. */
  readonly beside: readonly ShelflifeError[]
  readonly token: ResumeToken
}

/** See the top of this file. */
export function outcomeOf<T, R>(ledger: Ledger<T, R>, end: RunEnd): BatchResult<T, R> {
  const { done, failed, aborted } = ledger.counts
  const { skipped, durationMs, errors } = end
  const { calls, retries, splits } = end.counts
  const total = ledger.total + skipped
  const itemsPerSecond = durationMs > 0 ? ((done + failed) / durationMs) * 1000 : 0
  const succeeded = failed === 0 && errors.length === 0
  return {
    status: end.isAborted ? 'aborted' : succeeded ? 'ok' : done === 0 ? 'failed' : 'partial',
    results: ledger.results,
    failed: ledger.failures(),
    token: end.token,
    stats: { total, done, failed, aborted, skipped, calls, retries, splits, durationMs, itemsPerSecond },
    errors: [...errors, ...end.beside],
  }
}
