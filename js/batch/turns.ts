/** Sees to it that the event loop has a turn now and then, whatever follows what without one. */

import { nextTask } from '../next-task.ts'

/** So long, in milliseconds, until a turn is asked for, and again until what is under way waits for it. */
const PATIENCE_MS = 5

/** See the top of this file. A turn that comes by itself costs a message each 5 ms, and no waiting. */
export class Turns {
  readonly #had: () => void
  #since: number
  #asked = false

  /** `had` is called when there was a turn that something waited for. */
  constructor(now: number, had: () => void) {
    this.#since = now
    this.#had = had
  }

  /** Whether to go no further before `had` is called. */
  isDue(now: number): boolean {
    if (now - this.#since < PATIENCE_MS) return false
    if (this.#asked) return true
    this.#asked = true
    this.#since = now
    void nextTask().then(() => {
      this.#asked = false
      this.#had()
    })
    return false
  }
}
