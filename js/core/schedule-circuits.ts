/**
 * The circuits of a schedule, by key: what they are called in the core, and what they were when they were last looked at. They outlive
 * the lanes.
 */

import type { BreakerCause, BreakerState } from './breaker-core.ts'
import type { CoreHandle } from './door.ts'
import type { ScheduleHandle } from './parts/schedule.ts'
import { CAUSES, STATES } from './schedule-numbers.ts'

/** Told when a circuit has changed. Must not throw. */
export type OnCircuitChange = (key: string, from: BreakerState, to: BreakerState, cause: BreakerCause) => void

const NEVER = Number.POSITIVE_INFINITY

/** See the top of this file. */
export class ScheduleCircuits {
  readonly #core: CoreHandle<ScheduleHandle>
  readonly #answer: () => number
  readonly #onChange: OnCircuitChange
  readonly #names = new Map<string, number>()
  readonly #keys = new Map<number, string>()
  /** But for those that are closed. */
  readonly #states = new Map<string, BreakerState>()

  /** `answer` is the first number of what the core has answered last. */
  constructor(core: CoreHandle<ScheduleHandle>, answer: () => number, onChange: OnCircuitChange) {
    this.#core = core
    this.#answer = answer
    this.#onChange = onChange
  }

  /** Those that the core knows. */
  keys(): Iterable<string> {
    return this.#names.keys()
  }

  /** What the core calls the circuit of `key`, or -1 where nobody has asked for it yet. */
  known(key: string): number {
    return this.#names.get(key) ?? -1
  }

  /** The same; it is made when it is first asked for, and others may make room for it. */
  nameOf(key: string, now: number): number {
    const known = this.#names.get(key)
    if (known !== undefined) return known
    const name = this.#core.use(core => core.addCircuit(now))
    this.#names.set(key, name)
    this.#keys.set(name, key)
    for (;;) {
      const forgotten = this.#core.use(core => core.pollForgotten())
      if (forgotten < 0) return name
      this.#names.delete(this.#keys.get(forgotten) as string)
      this.#states.delete(this.#keys.get(forgotten) as string)
      this.#keys.delete(forgotten)
    }
  }

  /** What the circuit of a key does with attempts, and, when it is open, until when. */
  look(key: string, now: number): { readonly state: BreakerState; readonly retryAt: number | undefined } {
    const name = this.#core.lost ? undefined : this.#names.get(key)
    if (name === undefined) return { state: 'closed', retryAt: undefined }
    const state = STATES[this.#core.use(core => core.circuitState(name, now))] as BreakerState
    const retryAt = state === 'open' ? this.#answer() : state === 'isolated' ? NEVER : undefined
    return { state, retryAt }
  }

  /** Somebody has made a circuit what it is now. */
  steered(key: string, cause: BreakerCause, now: number): void {
    this.#turn(key, this.look(key, now).state, cause)
  }

  /** The core says that a circuit has changed. */
  changed(name: number, causeNumber: number): void {
    const key = this.#keys.get(name)
    const cause = CAUSES[causeNumber]
    if (key !== undefined && cause !== undefined) this.#turn(key, cause === 'probes-passed' ? 'closed' : 'open', cause)
  }

  /** An attempt of the key begins. */
  began(key: string): void {
    if (this.#states.size > 0 && this.#states.get(key) === 'open') this.#turn(key, 'half-open', 'probe')
  }

  /** Somebody was refused: where some had been let through, nothing was heard of them in time. */
  refused(key: string, now: number): void {
    if (this.#states.get(key) === 'half-open' && this.look(key, now).state === 'open') this.#turn(key, 'open', 'no-verdict')
  }

  /** The core has forgotten all of them. */
  clear(): void {
    this.#names.clear()
    this.#states.clear()
    this.#keys.clear()
  }

  #turn(key: string, to: BreakerState, cause: BreakerCause): void {
    const from = this.#states.get(key) ?? 'closed'
    // Whoever isolates a circuit does not want to hear what goes on behind that.
    if (from === to || (from === 'isolated' && cause !== 'reset')) return
    if (to === 'closed') this.#states.delete(key)
    else this.#states.set(key, to)
    this.#onChange(key, from, to, cause)
  }
}
