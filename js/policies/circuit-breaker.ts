/** `circuitBreaker`: leaves alone for a while what fails too often. */

import type { Clock } from '../clock.ts'
import { BreakerCore, type BreakerRules, type BreakerState, type Circuit, type Verdict } from '../core/breaker-core.ts'
import { InvalidArgumentError, TimeoutError } from '../errors.ts'
import type { Registry } from '../metrics/registry.ts'
import { metricsOption, optionalFunction } from '../options.ts'
import { report } from '../report.ts'
import { type BreakerOptions, type CircuitChange, readBreaker } from './breaker-options.ts'
import type { Context } from './context.ts'
import { CircuitOpenError } from './errors.ts'
import { type Hurdle, Layered, type Next } from './layer.ts'
import { reportBreaker } from './metrics.ts'
import type { Policy } from './types.ts'

/** Options of {@link circuitBreaker}. */
export interface CircuitBreakerOptions extends BreakerOptions {
  /** What of the key of a call its circuit stands for: `url => new URL(url).origin`. Default: the key. */
  key?: (key: string) => string
  /** Whether an error is a failure of what was called; `'ignored'`: it says nothing about it. Default: every error is. */
  isFailure?: (error: unknown) => boolean | 'ignored'
  /** Whether a result is one. Default: none is. */
  isFailureResult?: (result: unknown) => boolean
  /** `'metrics-only'`: it counts and changes as usual, and lets everybody through; `'disabled'`: it does nothing. Default: `'enforce'`. */
  mode?: 'enforce' | 'metrics-only' | 'disabled'
  /** The name in errors, and the label `breaker` in metrics. Default: `'default'`. */
  name?: string
  /**
   * Where it reports, for as long as that lives: `circuit_breaker_calls_total{breaker,outcome}`, `circuit_breaker_keys{breaker,state}`,
   * `circuit_breaker_transitions_total{breaker,to}`. Default: nowhere.
   */
  metrics?: Registry
  /** The source of time. Default: {@link systemClock}. */
  clock?: Clock
}

/** Counts of a circuit, or of all; a copy. */
export interface CircuitBreakerStats {
  /** Calls that succeeded, since the breaker was made. */
  succeeded: number
  failed: number
  /** Calls that ended in a way that says nothing: by an abort, or as `isFailure` says. */
  ignored: number
  /** Calls that were not let through. */
  refused: number
  /** How often a circuit opened. */
  opened: number
  /** Keys that have a circuit. */
  keys: number
}

/** What {@link CircuitBreaker.toJSON} gives. */
export interface SavedCircuits {
  readonly version: 1
  /** When it was saved, in milliseconds since the epoch. */
  readonly at: number
  /** The kind of window; one of another kind is not restored. */
  readonly window: number
  readonly circuits: Readonly<Record<string, readonly number[]>>
}

/** The events of a {@link CircuitBreaker}. */
export interface CircuitBreakerEvents {
  stateChange: CircuitChange
  /** A call was not let through. */
  refused: { readonly key: string; readonly retryAt: number }
}

/** Made by {@link circuitBreaker}. */
export interface CircuitBreaker extends Policy {
  /** What is done with calls of a key. Open only as long as everyone is refused. */
  state(key?: string): BreakerState
  /** When a call of the key is let through, in milliseconds since the epoch; `undefined` where it would be now, `Infinity` when isolated. */
  retryAt(key?: string): number | undefined
  /** Calls, failures and slow calls in the window of a key. */
  window(key?: string): { calls: number; failed: number; slow: number }
  /** Refuses all calls of a key until the result is called, or disposed of, as often as there are results. */
  isolate(key?: string): (() => void) & Disposable
  /** Closes the circuit of a key, forgets what it has seen, and ends its isolation. */
  reset(key?: string): void
  stats(): CircuitBreakerStats
  /** The keys whose circuit is not closed, at most `most` (default: 100), and when it lets somebody through, in milliseconds since the epoch. */
  circuits(most?: number): { key: string; state: BreakerState; retryAt?: number }[]
  /** Tells `listener`; the result takes it away. */
  on<Name extends keyof CircuitBreakerEvents>(event: Name, listener: (event: CircuitBreakerEvents[Name]) => void): () => void
  /** The circuits that are not as new, for {@link CircuitBreaker.restore}: in another process, after a restart. Isolation is not among it. */
  toJSON(): SavedCircuits
  /** Takes over what was saved, as if it had gone on here; circuits of the same key are replaced. Throws `ERR_INVALID_ARGUMENT`, before it changes anything. */
  restore(saved: SavedCircuits): void
}

/**
 * Makes a circuit breaker. It watches how calls go; when too many of a window fail, or are slow, it refuses all at once for `openDuration`
 * ({@link CircuitOpenError}), then lets `halfOpen.calls` through, which decide. Each `key` has a circuit of its own.
 *
 * ```ts
 * const breaker = circuitBreaker({ window: { type: 'time', duration: '30s' }, failureRatio: 0.5, minimumCalls: 10, openDuration: '5s' })
 * const user = await breaker.execute(({ signal }) => load(1, signal), { key: 'users' })
 * ```
 */
export function circuitBreaker(options: CircuitBreakerOptions = {}): CircuitBreaker {
  return new Breaker(options)
}

const WELL: Verdict = 'success'

class Breaker extends Layered implements CircuitBreaker {
  override readonly policy: string = 'circuitBreaker'
  readonly #options: CircuitBreakerOptions
  readonly #rules: BreakerRules
  readonly #name: string
  readonly #counts = { succeeded: 0, failed: 0, ignored: 0, refused: 0, opened: 0 }
  readonly #listeners: { [Name in keyof CircuitBreakerEvents]: ((event: CircuitBreakerEvents[Name]) => void)[] }
  #made: BreakerCore | undefined

  constructor(options: CircuitBreakerOptions) {
    const rules = readBreaker(options)
    super(options.clock)
    const { key, isFailure, isFailureResult, onStateChange, mode = 'enforce', name = 'default' } = options
    for (const [option, value] of Object.entries({ key, isFailure, isFailureResult })) optionalFunction(value, option)
    if (mode !== 'enforce' && mode !== 'metrics-only' && mode !== 'disabled')
      throw new InvalidArgumentError('mode', "'enforce', 'metrics-only' or 'disabled'", mode)
    if (typeof name !== 'string') throw new InvalidArgumentError('name', 'a string', name)
    this.#options = { ...options, mode }
    this.#rules = rules
    this.#name = name
    this.#listeners = { stateChange: onStateChange === undefined ? [] : [onStateChange], refused: [] }
    const registry = metricsOption(options.metrics)
    if (registry === undefined) return
    const told = reportBreaker(
      registry,
      name,
      () => this.stats(),
      () => (this.#made?.keys() ?? []).map(key => this.#stateOf(key)),
    )
    this.#listeners.stateChange.push(({ to }) => told(to))
  }

  run<T>(context: Context, next: Next<T>): Promise<T> {
    const { mode } = this.#options
    if (mode === 'disabled') return next(context)
    const core = this.#core()
    let circuit: Circuit
    try {
      circuit = core.circuit(this.#keyOf(context.key))
    } catch (error) {
      return Promise.reject(error)
    }
    const since = this.driver.now()
    const permit = core.admit(circuit, since)
    if (permit < 0) {
      const retryAt = core.retryAt + this.driver.clock.wall() - since
      this.#counts.refused += 1
      this.#emit('refused', { key: circuit.key, retryAt })
      if (mode === 'metrics-only') return next(context)
      return Promise.reject(new CircuitOpenError(this.#name, circuit.key, retryAt, this.driver.clock.wall()))
    }
    return next(context).then(
      result => {
        this.#settle(core, circuit, permit, since, this.#ofResult(result))
        return result
      },
      error => {
        this.#settle(core, circuit, permit, since, this.#ofError(error, context))
        throw error
      },
    )
  }

  state(key = ''): BreakerState {
    return this.#stateOf(this.#keyOf(key))
  }

  #stateOf(named: string): BreakerState {
    const circuit = this.#made?.find(named)
    return circuit === undefined ? 'closed' : this.#core().state(circuit)
  }

  retryAt(key = ''): number | undefined {
    const circuit = this.#made?.find(this.#keyOf(key))
    const at = circuit && this.#core().retryAtOf(circuit)
    return at === undefined ? undefined : at + this.driver.clock.wall() - this.driver.now()
  }

  window(key = ''): { calls: number; failed: number; slow: number } {
    const circuit = this.#made?.find(this.#keyOf(key))
    return circuit === undefined ? { calls: 0, failed: 0, slow: 0 } : this.#core().tally(circuit)
  }

  isolate(key = ''): (() => void) & Disposable {
    const core = this.#core()
    const release = core.isolate(core.circuit(this.#keyOf(key)))
    return Object.assign(release, { [Symbol.dispose]: release })
  }

  reset(key = ''): void {
    const circuit = this.#made?.find(this.#keyOf(key))
    if (circuit !== undefined) this.#core().reset(circuit)
  }

  stats(): CircuitBreakerStats {
    return { ...this.#counts, keys: this.#made?.keys().length ?? 0 }
  }

  circuits(most = 100): { key: string; state: BreakerState; retryAt?: number }[] {
    const found: { key: string; state: BreakerState; retryAt?: number }[] = []
    const core = this.#made
    for (const key of core?.keys() ?? []) {
      if (found.length >= most) break
      const circuit = core?.find(key)
      const state = circuit === undefined ? 'closed' : this.#core().state(circuit)
      if (circuit === undefined || state === 'closed') continue
      const at = this.#core().retryAtOf(circuit) ?? Number.POSITIVE_INFINITY
      found.push(Number.isFinite(at) ? { key, state, retryAt: at + this.driver.clock.wall() - this.driver.now() } : { key, state })
    }
    return found
  }

  on<Name extends keyof CircuitBreakerEvents>(event: Name, listener: (event: CircuitBreakerEvents[Name]) => void): () => void {
    const listeners = Object.hasOwn(this.#listeners, event) ? this.#listeners[event] : undefined
    if (listeners === undefined) throw new InvalidArgumentError('event', "'stateChange' or 'refused'", event)
    if (typeof listener !== 'function') throw new InvalidArgumentError('listener', 'a function', listener)
    const own = (told: CircuitBreakerEvents[Name]) => listener(told)
    listeners.push(own)
    return () => {
      const at = listeners.indexOf(own)
      if (at >= 0) listeners.splice(at, 1)
    }
  }

  toJSON(): SavedCircuits {
    const circuits: [string, number[]][] = []
    const core = this.#made
    for (const key of core?.keys() ?? []) {
      const circuit = core?.find(key)
      const saved = circuit === undefined ? [] : (core?.save(circuit) ?? [])
      // As new: closed, and nothing in the window.
      if (saved.some((number, at) => at !== 2 && number !== 0)) circuits.push([key, saved])
    }
    return { version: 1, at: this.driver.clock.wall(), window: this.#rules.window, circuits: Object.fromEntries(circuits) }
  }

  restore(saved: SavedCircuits): void {
    this.check(saved)
    const elapsed = Math.max(0, this.driver.clock.wall() - saved.at)
    for (const [key, numbers] of Object.entries(saved.circuits)) this.#core().restore(key, numbers, elapsed)
  }

  override check(given: unknown): void {
    const saved = given as SavedCircuits
    const circuits = Object.entries(saved?.circuits ?? {})
    const isNumbers = (numbers: unknown) => Array.isArray(numbers) && numbers.length >= 3 && numbers.every(one => Number.isFinite(one))
    if (saved?.version !== 1 || !Number.isFinite(saved.at) || !circuits.every(([, numbers]) => isNumbers(numbers)))
      throw new InvalidArgumentError('saved', 'what toJSON has given', saved)
    if (saved.window !== this.#rules.window) throw new InvalidArgumentError('saved', 'of a breaker with the same kind of window', saved)
  }

  explain(key: string): Hurdle | undefined {
    if (this.#options.mode !== 'enforce') return undefined
    const at = this.retryAt(key)
    if (at === undefined) return undefined
    const reason = at === Number.POSITIVE_INFINITY ? 'the circuit is isolated' : 'the circuit is open'
    return { policy: this.policy, effect: 'refuse', reason, ms: at - this.driver.clock.wall() }
  }

  #keyOf(key: string): string {
    const named = this.#options.key?.(key) ?? key
    if (typeof named !== 'string') throw new InvalidArgumentError('key', 'a function that gives a string', named)
    return named
  }

  #ofResult(result: unknown): Verdict {
    const { isFailureResult } = this.#options
    return isFailureResult === undefined ? WELL : this.#asked(() => (isFailureResult(result) ? 'failure' : 'success'))
  }

  /** That its caller gave up, or another attempt was faster, says nothing about whoever was called; a deadline does. */
  #ofError(error: unknown, context: Context): Verdict {
    const { isFailure } = this.#options
    const { ended } = context
    if (ended !== undefined && !(ended.reason instanceof TimeoutError)) return 'ignored'
    if (isFailure === undefined) return 'failure'
    return this.#asked(() => {
      const verdict = isFailure(error)
      return verdict === 'ignored' ? 'ignored' : verdict ? 'failure' : 'success'
    })
  }

  #asked(verdict: () => Verdict): Verdict {
    try {
      return verdict()
    } catch (error) {
      report(error, 'a callback of a circuit breaker threw')
      return 'ignored'
    }
  }

  #settle(core: BreakerCore, circuit: Circuit, permit: number, since: number, verdict: Verdict): void {
    this.#counts[verdict === 'success' ? 'succeeded' : verdict === 'failure' ? 'failed' : 'ignored'] += 1
    const now = this.driver.now()
    core.settle(circuit, permit, verdict, now - since, now)
  }

  /** Made at the first call: a policy at the top of a module must not compile the core while modules are loaded. */
  #core(): BreakerCore {
    this.#made ??= new BreakerCore(this.#rules, this.driver, ({ key, state: to }, from, cause) => {
      if (to === 'open') this.#counts.opened += 1
      this.#emit('stateChange', { key, from, to, cause })
    })
    return this.#made
  }

  #emit<Name extends keyof CircuitBreakerEvents>(name: Name, event: CircuitBreakerEvents[Name]): void {
    for (const listener of [...this.#listeners[name]]) {
      try {
        listener(event)
      } catch (error) {
        report(error, 'a listener of a circuit breaker threw')
      }
    }
  }
}
