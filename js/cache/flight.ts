/** One load that several callers wait for. */

import { ShelflifeError } from '../errors.ts'

/**
 * Runs a task once for all who join. A caller who gives up leaves the others alone; when the last one has left, the
 * task is told to stop.
 */
export class Flight<T> {
  readonly #controller = new AbortController()
  readonly #result: Promise<T>
  readonly #leave: () => void
  #reject!: (reason: unknown) => void
  #waiting = 0
  #landed = false

  /** `onAbandoned` is called when the last waiter has left before the end. */
  constructor(task: (signal: AbortSignal) => Promise<T>, onAbandoned: () => void) {
    this.#leave = () => {
      this.#waiting -= 1
      if (this.#waiting > 0 || this.#landed) return
      onAbandoned()
      this.#controller.abort(new ShelflifeError('ERR_ABORTED', 'nobody waits for this load any more'))
    }
    this.#result = new Promise<T>((resolve, reject) => {
      this.#reject = reject
      task(this.#controller.signal).then(resolve, reject)
    }).finally(() => {
      this.#landed = true
    })
    // Whoever joined hears of a failure; when all have left, nobody needs to.
    this.#result.catch(() => {})
  }

  /** Waits for the result. An abort of `signal` rejects with its reason, for this caller only. */
  join(signal: AbortSignal | undefined): Promise<T> {
    this.#waiting += 1
    if (signal === undefined) return this.#result
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        reject(signal.reason)
        this.#leave()
      }
      signal.addEventListener('abort', onAbort, { once: true })
      const settle = () => signal.removeEventListener('abort', onAbort)
      this.#result.then(
        value => {
          settle()
          resolve(value)
        },
        error => {
          settle()
          reject(error)
        },
      )
    })
  }

  /** Rejects for everyone who waits, and tells the task to stop. */
  stop(reason: unknown): void {
    this.#reject(reason)
    this.#controller.abort(reason)
  }
}
