/** The plan of one run over a row of items; see `src/batch.rs`. Every method throws `ERR_CORE_TRAPPED` after a trap. */

import { CoreHandle } from './door.ts'
import { BatchMachine, part } from './parts/batch.ts'

/** How batches are made and handed over. Times in milliseconds, `Infinity` for none. */
export interface BatchPlan {
  /** Items in a batch; where the smallest is another than the largest it is learned which is best. */
  readonly smallest: number
  readonly largest: number
  /** Batches should take no longer, where their size is learned. */
  readonly targetLatency: number
  readonly concurrency: number
  readonly maxRetries: number
  readonly initialDelay: number
  readonly maxDelay: number
  readonly timeout: number
  readonly isolate: boolean
}

/** What the run must do next. */
export type BatchAction =
  | { readonly kind: 'start'; readonly token: number; readonly start: number; readonly length: number; readonly attempt: number }
  | { readonly kind: 'expire'; readonly token: number }

/** What becomes of a batch that threw. */
export type ThrowVerdict = 'failed' | 'retry' | 'split'

const LARGEST_COUNT = 2 ** 32 - 1
const VERDICTS: readonly ThrowVerdict[] = ['failed', 'retry', 'split']

/** See the top of this file. */
export class BatchCore {
  readonly #handle: CoreHandle<BatchMachine>

  constructor(plan: BatchPlan) {
    const { isolate, initialDelay, maxDelay, timeout, targetLatency } = plan
    const counts = [plan.smallest, plan.largest, plan.concurrency, plan.maxRetries]
    const [smallest, largest, concurrency, maxRetries] = counts.map(count => Math.min(count, LARGEST_COUNT)) as [
      number,
      number,
      number,
      number,
    ]
    const times = Float64Array.of(initialDelay, maxDelay, timeout, targetLatency)
    this.#handle = new CoreHandle(part, () => new BatchMachine(smallest, largest, concurrency, maxRetries, isolate, times))
  }

  /** `count` more items are there. */
  supply(count: number): void {
    this.#handle.use(machine => machine.supply(count))
  }

  /** No more items will come. */
  end(): void {
    this.#handle.use(machine => machine.end())
  }

  /** How many items to read now. */
  wanted(): number {
    return this.#handle.use(machine => machine.wanted())
  }

  /** The next action, or `undefined`. */
  poll(now: number): BatchAction | undefined {
    return this.#handle.use(machine => {
      const code = machine.poll(now)
      if (code === 0) return undefined
      const { token } = machine
      if (code === 2) return { kind: 'expire', token }
      return { kind: 'start', token, start: machine.start, length: machine.length, attempt: machine.attempt }
    })
  }

  /** When to poll although nothing happened; `Infinity` for never. */
  pollAt(): number {
    return this.#handle.use(machine => machine.pollAt())
  }

  /** A batch of so many items was answered after so many milliseconds. */
  learn(length: number, ms: number): void {
    this.#handle.use(machine => machine.learn(length, ms))
  }

  /** How many items the next fresh batch has. */
  get batchSize(): number {
    return this.#handle.use(machine => machine.batchSize)
  }

  /** The batch answered for each item. */
  answered(token: number, failed: number, now: number): void {
    this.#handle.use(machine => machine.answered(token, failed, now))
  }

  /** The batch threw or took too long. */
  threw(token: number, now: number): ThrowVerdict {
    return VERDICTS[this.#handle.use(machine => machine.threw(token, now))] as ThrowVerdict
  }

  /** The batch gave an unusable answer. */
  refused(token: number, now: number): void {
    this.#handle.use(machine => machine.refused(token, now))
  }

  /** Hands over nothing more. */
  abort(): void {
    this.#handle.use(machine => machine.abort())
  }

  /** Whether every item is settled and no more will come. */
  get finished(): boolean {
    return this.#handle.use(machine => machine.finished)
  }

  /** Gives the machine back. */
  free(): void {
    this.#handle.free()
  }
}
