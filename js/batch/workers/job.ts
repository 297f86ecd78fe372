/** A batch on its way through a worker. */

import type { BatchContext } from '../types.ts'

/** See the top of this file. Only the first settlement counts. */
export class Job {
  readonly items: unknown[]
  readonly context: BatchContext
  readonly answer: Promise<unknown[]>
  /** Something of it has moved to a worker, and is gone here. */
  hasMoved = false
  #resolve!: (results: unknown[]) => void
  #reject!: (error: unknown) => void

  constructor(items: unknown[], context: BatchContext) {
    this.items = items
    this.context = context
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  resolve(results: unknown[]): void {
    this.#resolve(results)
  }

  reject(error: unknown): void {
    this.#reject(error)
  }
}
