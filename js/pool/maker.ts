/** Makes the resources of a pool, asks whether they are good still, each within its time, and ends them. */

import { Alarm } from '../core/driver.ts'
import { TimeoutError, thrownBy } from '../errors.ts'
import { LateSignal } from '../late-signal.ts'
import type { ResolvedPool } from './options.ts'

/** A resource and what is known of it. */
export interface Member<T, S> {
  readonly value: T
  readonly state: S
  readonly bornAt: number
  uses: number
  idleSince: number
}

/** See the top of this file. */
export class Maker<T, S> {
  readonly #options: ResolvedPool<T, S>
  readonly #counts: { created: number; failures: number }
  readonly #making = new Set<LateSignal>()

  constructor(options: ResolvedPool<T, S>, counts: { created: number; failures: number }) {
    this.#options = options
    this.#counts = counts
  }

  /** How many are on their way. */
  get making(): number {
    return this.#making.size
  }

  /** Makes one; `settle` takes it in the same step: at no time is it neither on its way nor there. */
  async make(settle: (member: Member<T, S>) => void): Promise<void> {
    const { create, prepare, driver } = this.#options
    const late = new LateSignal()
    this.#making.add(late)
    const making = (async () => {
      const value = await create(late)
      try {
        const state = prepare === undefined ? (undefined as S) : await prepare(value)
        return { value, state, bornAt: driver.now(), uses: 0, idleSince: 0 }
      } catch (error) {
        this.end(value)
        throw error
      }
    })()
    try {
      const member = await this.#inTime(
        making,
        error => late.abort(error),
        ({ value }) => this.end(value),
      )
      this.#counts.created += 1
      this.#making.delete(late)
      settle(member)
    } catch (error) {
      this.#counts.failures += 1
      this.#making.delete(late)
      throw thrownBy('create', error)
    }
  }

  /** Whether a resource is good still. One that does not say so in time is not: its connection may be half open. */
  async isGood({ value }: Member<T, S>): Promise<boolean> {
    try {
      const answer = this.#options.validate?.(value) ?? true
      return (typeof answer === 'object' ? await this.#inTime(Promise.resolve(answer)) : answer) === true
    } catch {
      this.#counts.failures += 1
      return false
    }
  }

  /** Nobody wants those that are on their way. */
  abort(error: unknown): void {
    for (const late of this.#making) late.abort(error)
  }

  /** Ends a resource. */
  end(value: T): void {
    const failed = () => {
      this.#counts.failures += 1
    }
    try {
      void Promise.resolve(this.#options.destroy?.(value)).catch(failed)
    } catch {
      failed()
    }
  }

  /** What comes of `work`, within `createTimeout`. `tooLate` gets what comes afterwards. */
  #inTime<V>(work: Promise<V>, onTimeout?: (error: TimeoutError) => void, tooLate?: (value: V) => void): Promise<V> {
    const { createTimeout: ms, driver } = this.#options
    if (ms === Number.POSITIVE_INFINITY) return work
    return new Promise((resolve, reject) => {
      let over = false
      const alarm = new Alarm(
        () => {
          over = true
          const error = new TimeoutError('attempt', ms)
          onTimeout?.(error)
          reject(error)
        },
        { holds: true },
      )
      driver.set(alarm, driver.now() + ms)
      const done = () => driver.set(alarm, Number.POSITIVE_INFINITY)
      work.then(
        value => {
          done()
          if (over) tooLate?.(value)
          else resolve(value)
        },
        error => {
          done()
          reject(error)
        },
      )
    })
  }
}
