/** How something that others wait for reports to a registry: what it counts is copied when somebody collects, and each wait is observed. */

import type { Copies } from './copies.ts'
import type { TimerSeries } from './instruments.ts'
import type { Registry } from './registry.ts'

/** See the top of this file. */
export class WaitReport {
  readonly #copies: Copies
  readonly #copy: () => void
  readonly #stop: () => void
  readonly #wait: TimerSeries
  readonly #now: () => number

  /** `copy` writes the counts into `copies`; `now` is in milliseconds. */
  constructor(registry: Registry, copies: Copies, copy: () => void, wait: TimerSeries, now: () => number) {
    this.#copies = copies
    this.#copy = copy
    this.#stop = registry.onCollect(copy)
    this.#wait = wait
    this.#now = now
  }

  /** Somebody has waited since `since`, until now. */
  waited(since: number): void {
    this.#wait.observe((this.#now() - since) / 1000)
  }

  /** Copies what is left and lets go of the registry. */
  close(): void {
    this.#copy()
    this.#stop()
    this.#copies.leave()
  }
}
