/** The circuits of a client's hosts, as its user sees and steers them. */

import { InvalidArgumentError } from '../errors.ts'
import type { CircuitChange } from '../policies/breaker-options.ts'
import { report } from '../report.ts'
import type { Desk } from './desk.ts'
import type { FetchEvents, HostCircuit } from './types.ts'

/** See the top of this file. */
export class HostCircuits {
  readonly #desk: Desk
  readonly #isThere: boolean
  readonly #listeners = new Set<(change: CircuitChange) => void>()

  constructor(desk: Desk, isThere: boolean, listener: ((change: CircuitChange) => void) | undefined) {
    this.#desk = desk
    this.#isThere = isThere
    if (listener !== undefined) this.#listeners.add(listener)
    desk.schedule.onCircuitChange = (key, from, to, cause) => this.#tell({ key, from, to, cause })
  }

  /** See {@link HostCircuit}. */
  of(host: string): HostCircuit {
    if (!this.#isThere) throw new InvalidArgumentError('circuitBreaker', 'an option of the client whose circuits are asked for', undefined)
    if (typeof host !== 'string' || host === '') throw new InvalidArgumentError('host', "a host, such as 'localhost:8080'", host)
    const { schedule, clock, driver } = this.#desk
    const retryAt = () => {
      const at = schedule.circuit(host).retryAt
      return at === undefined || !Number.isFinite(at) ? undefined : at + clock.wall() - driver.now()
    }
    return {
      get state() {
        return schedule.circuit(host).state
      },
      get retryAt() {
        return retryAt()
      },
      isolate: () => void schedule.isolate(host),
      reset: () => void schedule.reset(host),
    }
  }

  /** Tells `listener` of changes; the result takes it away. */
  on<Name extends keyof FetchEvents>(event: Name, listener: (event: FetchEvents[Name]) => void): () => void {
    if (event !== 'circuit') throw new InvalidArgumentError('event', "'circuit'", event)
    if (typeof listener !== 'function') throw new InvalidArgumentError('listener', 'a function', listener)
    const own = (change: CircuitChange) => listener(change)
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  #tell(change: CircuitChange): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(change)
      } catch (error) {
        report(error, 'a listener of a fetch client threw')
      }
    }
  }
}
