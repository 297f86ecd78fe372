/** Runs over many items, as they tell of themselves. */

import type { BatchProgress } from '../batch/types.ts'
import type { BatchSnapshot } from './types.ts'

/** How long a run that is over is shown. */
const SHOWN_MS = 60_000
const MOST_RUNS = 50

/** Told of the progress of one run; give it as `onProgress`. Called `end`, or disposed of, when the run is over and its total was not known. */
export interface BatchWatch extends Disposable {
  (progress: BatchProgress): void
  end(): void
}

/** See the top of this file. */
export class Batches {
  readonly #wall: () => number
  readonly #runs = new Set<{ snapshot: BatchSnapshot }>()

  constructor(wall: () => number) {
    this.#wall = wall
  }

  /** A run begins. */
  watch(name: string): BatchWatch {
    const startedAt = this.#wall()
    const none = { done: 0, failed: 0, total: null, rate: 0, remainingMs: null, batchSize: 0 }
    const run: { snapshot: BatchSnapshot } = { snapshot: { name, state: 'running', ...none, startedAt, at: startedAt } }
    this.#runs.add(run)
    this.#tidy()
    const told = ({ done, failed, total = Number.NaN, rate, remainingMs = Number.NaN, batchSize }: BatchProgress) => {
      const state = done + failed >= total ? 'done' : 'running'
      const at = this.#wall()
      run.snapshot = { name, state, done, failed, total: orNull(total), rate, remainingMs: orNull(remainingMs), batchSize, startedAt, at }
    }
    const end = () => {
      if (run.snapshot.state === 'done') return
      run.snapshot = { ...run.snapshot, state: 'done', remainingMs: null, at: this.#wall() }
    }
    return Object.assign(told, { end, [Symbol.dispose]: end })
  }

  snapshot(): BatchSnapshot[] {
    this.#tidy()
    return Array.from(this.#runs, run => run.snapshot)
  }

  #tidy(): void {
    const now = this.#wall()
    for (const run of this.#runs) {
      const over = run.snapshot.state === 'done' && now - run.snapshot.at > SHOWN_MS
      if (over || this.#runs.size > MOST_RUNS) this.#runs.delete(run)
    }
  }
}

const orNull = (number: number): number | null => (Number.isFinite(number) ? number : null)
