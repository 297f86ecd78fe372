/** A batch on its way through a worker. */

import type { BatchContext } from '../types.ts'

/** See the top of this file. It is settled once; whatever comes later is ignored. */
export class Job {
  readonly items: unknown[]
  readonly context: BatchContext
  readonly answer: Promise<unknown[]>
  /** Something of it has moved to a worker, and is gone here. */
  hasMoved = false
  #isSettled = false
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

  get isSettled(): boolean {
    return this.#isSettled
  }

  resolve(results: unknown[]): void {
    this.#isSettled = true
    this.#resolve(results)
  }

  reject(error: unknown): void {
    this.#isSettled = true
    this.#reject(error)
  }
}
