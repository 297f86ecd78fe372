/** Circuit breakers in the core, seen from here: a circuit for each key, made when a call first asks for it. */

import { CoreHandle } from './door.ts'
import type { Driver } from './driver.ts'
import { BreakerHandle, part } from './parts/schedule.ts'
import { CAUSES, STATES, VERDICTS } from './schedule-numbers.ts'

/** When circuits open, for how long, and how they close; times are milliseconds, ratios 0 to 1. */
export interface BreakerRules {
  /** 0: failures in a row; 1: the last `size` calls; 2: the last `duration`. */
  readonly window: 0 | 1 | 2
  readonly size: number
  readonly duration: number
  readonly failureRatio: number
  readonly minimumCalls: number
  readonly slowCallDuration: number
  readonly slowCallRatio: number
  readonly openDuration: number
  readonly openBackoff: number
  readonly maxOpenDuration: number
  readonly probes: number
  readonly probeRatio: number
  readonly maxHalfOpen: number
  readonly idleAfter: number
  readonly maxKeys: number
}

/** What a circuit does with calls. `'half-open'`: it lets some through, and they decide. */
export type BreakerState = 'closed' | 'open' | 'half-open' | 'isolated'

/** How a call went; `'ignored'` says nothing about whoever was called. */
export type Verdict = 'success' | 'failure' | 'ignored'

/** Why a circuit has changed. `'probe'`: a first call is let through after a while. `'no-verdict'`: no probe was heard of in time. */
export type BreakerCause =
  | 'failures'
  | 'slow-calls'
  | 'probes-failed'
  | 'probes-passed'
  | 'probe'
  | 'no-verdict'
  | 'isolated'
  | 'released'
  | 'reset'

/** A circuit. What it was when it was last looked at is the breakers' to write. */
export interface Circuit {
  readonly key: string
  token: number
  state: BreakerState
}

/** Told of every change of a circuit. Must not throw. */
export type OnBreakerChange = (circuit: Circuit, from: BreakerState, cause: BreakerCause) => void

const NOT_NOW = -1
const ISOLATED = -2

/** See the top of this file. After a trap of the core all circuits begin anew, closed. */
export class BreakerCore {
  /** What {@link BreakerCore.admit} said last when it refused: when a call may be let through; `Infinity` when nobody knows. */
  retryAt = 0
  readonly #core: CoreHandle<BreakerHandle>
  readonly #driver: Driver
  readonly #circuits = new Map<string, Circuit>()
  readonly #byToken = new Map<number, Circuit>()
  readonly #onChange: OnBreakerChange

  constructor(rules: BreakerRules, driver: Driver, onChange: OnBreakerChange) {
    this.#driver = driver
    this.#onChange = onChange
    this.#core = new CoreHandle(part, () => new BreakerHandle(rules))
  }

  /** The circuit of `key`. */
  circuit(key: string): Circuit {
    const known = this.#circuits.get(key)
    return known ?? this.#enter(key, this.#use(core => core.add(this.#driver.now())) ?? -1)
  }

  /** The circuit of `key`, if there is one. */
  find(key: string): Circuit | undefined {
    return this.#circuits.get(key)
  }

  /** The keys that have a circuit. */
  keys(): string[] {
    return [...this.#circuits.keys()]
  }

  /** A permit for one call, which is to be settled; less than zero when the circuit refuses. */
  admit(circuit: Circuit, now: number): number {
    const permit = this.#use(core => core.admit(circuit.token, now)) ?? 0
    if (permit >= 0) {
      if (circuit.state === 'open') this.#turn(circuit, 'half-open', 'probe')
      return permit
    }
    this.retryAt = permit === ISOLATED ? Number.POSITIVE_INFINITY : (this.#use(core => core.answer) ?? now)
    if (permit === NOT_NOW && circuit.state === 'half-open') this.#look(circuit, now, 'no-verdict')
    return permit
  }

  /** Tells how a call went that was let through, and how long it took. */
  settle(circuit: Circuit, permit: number, verdict: Verdict, took: number, now: number): void {
    // What a trap has taken, or the number of keys, is not there to be told.
    if (circuit.token < 0) return
    const cause = CAUSES[this.#use(core => core.settle(circuit.token, permit, VERDICTS[verdict], took, now)) ?? 0]
    if (cause !== undefined) this.#turn(circuit, cause === 'probes-passed' ? 'closed' : 'open', cause)
  }

  /** What the circuit does with calls now. */
  state(circuit: Circuit): BreakerState {
    const now = this.#driver.now()
    return STATES[this.#use(core => core.state(circuit.token, now)) ?? 0] as BreakerState
  }

  /** When an open circuit lets a call through; `undefined` where it does, `Infinity` where nobody knows. */
  retryAtOf(circuit: Circuit): number | undefined {
    const state = this.state(circuit)
    if (state === 'isolated') return Number.POSITIVE_INFINITY
    return state === 'open' ? this.#use(core => core.answer) : undefined
  }

  /** Calls, failures and slow calls in the window. */
  tally(circuit: Circuit): { calls: number; failed: number; slow: number } {
    const now = this.#driver.now()
    const [calls = 0, failed = 0, slow = 0] = this.#use(core => core.tally(circuit.token, now)) ?? []
    return { calls, failed, slow }
  }

  /** Refuses all calls of the circuit until what is returned has been called, or the circuit is reset. */
  isolate(circuit: Circuit): () => void {
    this.#use(core => core.isolate(circuit.token))
    this.#look(circuit, this.#driver.now(), 'isolated')
    let { token } = circuit
    return () => {
      if (token >= 0 && token === circuit.token) {
        this.#use(core => core.release(token))
        this.#look(circuit, this.#driver.now(), 'released')
      }
      token = -1
    }
  }

  /** Closes a circuit and forgets what it has seen. */
  reset(circuit: Circuit): void {
    this.#use(core => core.reset(circuit.token))
    this.#look(circuit, this.#driver.now(), 'reset')
  }

  /** A circuit as numbers, for {@link BreakerCore.restore}. */
  save(circuit: Circuit): number[] {
    const now = this.#driver.now()
    return [...(this.#use(core => core.save(circuit.token, now)) ?? [])]
  }

  /** Puts a circuit in place of the one of `key`, as it was when it was saved, `elapsed` ms ago. False when the numbers mean nothing. */
  restore(key: string, saved: readonly number[], elapsed: number): boolean {
    const now = this.#driver.now()
    const token = this.#use(core => core.restore(Float64Array.from(saved), elapsed, now)) ?? -1
    if (token < 0) return false
    const former = this.#circuits.get(key)
    if (former !== undefined) {
      this.#byToken.delete(former.token)
      former.token = -1
    }
    const circuit = this.#enter(key, token)
    circuit.state = this.state(circuit)
    return true
  }

  /** Gives the core back. */
  close(): void {
    this.#core.free()
    this.#forgetAll()
  }

  #enter(key: string, token: number): Circuit {
    const circuit: Circuit = { key, token, state: 'closed' }
    this.#circuits.set(key, circuit)
    this.#byToken.set(token, circuit)
    for (;;) {
      const forgotten = this.#use(core => core.pollForgotten()) ?? -1
      if (forgotten < 0) return circuit
      const gone = this.#byToken.get(forgotten)
      if (gone === undefined) continue
      this.#byToken.delete(forgotten)
      if (this.#circuits.get(gone.key) === gone) this.#circuits.delete(gone.key)
      gone.token = -1
    }
  }

  #look(circuit: Circuit, now: number, cause: BreakerCause): void {
    const state = STATES[this.#use(core => core.state(circuit.token, now)) ?? 0] as BreakerState
    if (state !== circuit.state) this.#turn(circuit, state, cause)
  }

  #turn(circuit: Circuit, to: BreakerState, cause: BreakerCause): void {
    const from = circuit.state
    // Whoever isolates a circuit does not want to hear what goes on behind that.
    if (from === to || (from === 'isolated' && cause !== 'released' && cause !== 'reset')) return
    circuit.state = to
    this.#onChange(circuit, from, cause)
  }

  #use<T>(action: (core: BreakerHandle) => T): T | undefined {
    return this.#core.useOrRenew(action, () => this.#forgetAll())
  }

  #forgetAll(): void {
    for (const circuit of this.#byToken.values()) circuit.token = -1
    this.#circuits.clear()
    this.#byToken.clear()
  }
}
