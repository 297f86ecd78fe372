/** Hands out what is done, for whoever keeps it: not too often, and the next only when the one before is kept. */

import { Alarm, type Driver } from '../core/driver.ts'
import { type ShelflifeError, thrownBy } from '../errors.ts'
import type { ResumeToken } from './types.ts'

/** See the top of this file. A listener that fails is called again with the next; the run goes on, and its first failure is told. */
export class Checkpoints {
  readonly #listener: (token: ResumeToken) => void | PromiseLike<void>
  readonly #interval: number
  readonly #driver: Driver
  readonly #token: () => ResumeToken
  readonly #alarm = new Alarm(() => this.#tell())
  #due: number
  #isDirty = false
  #isLast = false
  #keeping: Promise<void> | undefined
  #error: ShelflifeError | undefined

  constructor(listener: (token: ResumeToken) => void | PromiseLike<void>, interval: number, driver: Driver, token: () => ResumeToken) {
    this.#listener = listener
    this.#interval = interval
    this.#driver = driver
    this.#token = token
    this.#due = driver.now() + interval
  }

  /** What the listener threw first. */
  get error(): ShelflifeError | undefined {
    return this.#error
  }

  /** Items were settled. */
  changed(): void {
    this.#isDirty = true
    if (this.#keeping !== undefined) return
    if (this.#driver.now() >= this.#due) this.#tell()
    else this.#driver.set(this.#alarm, this.#due)
  }

  /** The run is over: hands out the last one, unless it is known. Resolves when all is kept; `undefined` when it is. */
  finish(): Promise<void> | undefined {
    this.#driver.set(this.#alarm, Number.POSITIVE_INFINITY)
    this.#isLast = true
    if (this.#keeping !== undefined) return this.#keeping.then(() => this.finish())
    if (this.#isDirty) this.#tell()
    return this.#keeping
  }

  #tell(): void {
    this.#driver.set(this.#alarm, Number.POSITIVE_INFINITY)
    this.#isDirty = false
    this.#due = this.#driver.now() + this.#interval
    try {
      const keeping = this.#listener(this.#token())
      if (keeping === undefined) return
      this.#keeping = Promise.resolve(keeping)
        .catch(error => this.#failed(error))
        .then(() => this.#kept())
    } catch (error) {
      this.#failed(error)
    }
  }

  #kept(): void {
    this.#keeping = undefined
    if (this.#isDirty) this.#driver.set(this.#alarm, this.#due)
  }

  #failed(error: unknown): void {
    this.#error ??= thrownBy('onCheckpoint', error)
    // Another try, but no end of them.
    if (!this.#isLast) this.#isDirty = true
  }
}
