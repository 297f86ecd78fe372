/** Who is told of a run while it goes: `onProgress`, `onFailure`, `onCheckpoint`. What they throw ends nothing. */

import type { Driver } from '../core/driver.ts'
import { type ShelflifeError, thrownBy } from '../errors.ts'
import { Checkpoints } from './checkpoints.ts'
import { type Counts, ProgressTeller } from './progress.ts'
import type { Accomplished } from './resume.ts'
import type { BatchProgress, FailedItem, ResumeToken } from './types.ts'

/** The callbacks, and how often they want to be called. */
export interface AudienceSettings<T> {
  readonly driver: Driver
  readonly onProgress: ((progress: BatchProgress) => void) | undefined
  readonly progressInterval: number
  readonly onFailure: ((failure: FailedItem<T>) => void) | undefined
  readonly onCheckpoint: ((token: ResumeToken) => void | PromiseLike<void>) | undefined
  readonly checkpointInterval: number
  readonly accomplished: Accomplished
}

/** See the top of this file. */
export class Audience<T> {
  readonly #teller: ProgressTeller
  readonly #checkpoints: Checkpoints | undefined
  #onFailure: ((failure: FailedItem<T>) => void) | undefined
  #error: ShelflifeError | undefined
  #isOver = false

  constructor(settings: AudienceSettings<T>, counts: () => Counts) {
    const { driver, onProgress, progressInterval, onCheckpoint, checkpointInterval, accomplished } = settings
    this.#teller = new ProgressTeller(onProgress, progressInterval, driver, counts)
    this.#onFailure = settings.onFailure
    if (onCheckpoint !== undefined)
      this.#checkpoints = new Checkpoints(onCheckpoint, checkpointInterval, driver, () => accomplished.token())
  }

  /** What they threw, the first of each. */
  get errors(): ShelflifeError[] {
    return [this.#teller.error, this.#error, this.#checkpoints?.error].filter(error => error !== undefined)
  }

  /** Items were settled, or a batch ended; these failed. One of those who are told may end the run. */
  changed(failures: readonly FailedItem<T>[]): void {
    for (const failure of failures) this.#tell(failure)
    this.#teller.changed()
    if (!this.#isOver) this.#checkpoints?.changed()
  }

  /** The run is over: tells the last state. Resolves when that is kept; `undefined` when it is. */
  finish(): Promise<void> | undefined {
    this.#isOver = true
    this.#teller.finish()
    return this.#checkpoints?.finish()
  }

  #tell(failure: FailedItem<T>): void {
    try {
      this.#onFailure?.(failure)
    } catch (error) {
      this.#onFailure = undefined
      this.#error = thrownBy('onFailure', error)
    }
  }
}
