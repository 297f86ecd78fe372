/** `createAlerts`: rules over a registry, and who is told when one of them is broken. */

import { Alarm, type Driver, driverOf } from '../core/driver.ts'
import { InvalidArgumentError } from '../errors.ts'
import type { Registry } from '../metrics/registry.ts'
import { clockOption, metricsOption, optionalFunction, optionsObject } from '../options.ts'
import { report } from '../report.ts'
import { Reader } from './reader.ts'
import { type Change, intervalMs, Rule } from './rule.ts'
import type { Alert, AlertsOptions } from './types.ts'

const MOST_RULES = 1000

/**
 * Evaluates rules over a registry every `interval`, with the semantics of Prometheus: what is wrong is `pending` until it has been so for
 * `for`, then `firing`, until it has been right for `keepFiringFor`.
 *
 * ```ts
 * const alerts = createAlerts(registry, {
 *   rules: [
 *     { name: 'slow loads', when: read => read.quantile('load_seconds', 0.99, { window: '5m' }), above: 1, for: '1m', annotations: { summary: 'p99 is {value} s' } },
 *     { name: 'circuits', when: read => read.series('circuit_state').map(({ labels, value }) => ({ labels, value: value === 1 })) },
 *     ...burnRate({ objective: 0.999, errors: { name: 'requests_total', labels: { status: /^5/ } }, total: 'requests_total' }),
 *   ],
 *   onFiring: ({ name, summary }) => page(name, summary),
 * })
 * createMonitor({ registry, alerts }) // shows them
 * ```
 *
 * What a callback throws, or rejects with, is reported and disturbs nobody; a `when` that throws leaves its alerts as they are, which tell
 * it as `error`. The timer does not keep the process. Throws `ERR_INVALID_ARGUMENT`.
 */
export function createAlerts(registry: Registry, options: AlertsOptions): Alerts {
  return new Alerts(registry, options)
}

/** See {@link createAlerts}. */
export class Alerts implements Disposable {
  readonly #rules: readonly Rule[]
  readonly #options: AlertsOptions
  readonly #intervalMs: number
  readonly #reader: Reader
  readonly #driver: Driver
  readonly #alarm = new Alarm(() => this.#tick())
  #evaluating = false
  #closed = false

  constructor(registry: Registry, given: AlertsOptions) {
    const options: Partial<AlertsOptions> = optionsObject(given, 'options')
    const { rules, interval = 15_000, onFiring, onResolved, onChange, clock } = options
    if (registry === undefined) throw new InvalidArgumentError('registry', 'a registry of createRegistry', registry)
    metricsOption(registry)
    if (!Array.isArray(rules) || rules.length > MOST_RULES)
      throw new InvalidArgumentError('rules', `an array of at most ${MOST_RULES} rules`, rules)
    for (const [name, value] of Object.entries({ onFiring, onResolved, onChange })) optionalFunction(value, name)
    this.#rules = rules.map(rule => new Rule(rule))
    const names = this.#rules.map(({ name }) => name)
    const twice = names.find((name, at) => names.indexOf(name) !== at)
    if (twice !== undefined) throw new InvalidArgumentError('rules', 'rules with a name of their own', twice)
    this.#options = given
    this.#intervalMs = intervalMs(interval)
    this.#reader = new Reader(registry)
    this.#driver = driverOf(clockOption(clock))
    // At once, since counters are remembered from the first question on; but not before whoever made this has it.
    this.#driver.set(this.#alarm, this.#driver.now())
  }

  /** All alerts as they are: those of each rule, in its place, or one that is inactive. */
  list(): Alert[] {
    return this.#rules.flatMap(rule => rule.alerts(this.#wall))
  }

  /** Evaluates all rules now, as the timer does. Returns what {@link list} gives. */
  check(): Alert[] {
    // A rule, or a callback, that asks for an evaluation within one gets what there is.
    if (!this.#evaluating) this.#evaluate()
    return this.list()
  }

  /** Evaluates no more by itself. Idempotent. */
  close(): void {
    this.#closed = true
    this.#driver.set(this.#alarm, Number.POSITIVE_INFINITY)
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #tick(): void {
    try {
      this.check()
    } finally {
      this.#arm()
    }
  }

  #arm(): void {
    if (!this.#closed) this.#driver.set(this.#alarm, this.#driver.now() + this.#intervalMs)
  }

  #evaluate(): void {
    this.#evaluating = true
    try {
      const now = this.#driver.now()
      this.#reader.begin(now)
      const changes = this.#rules.flatMap(rule => rule.evaluate(this.#reader.read, now).map(change => ({ rule, ...change })))
      for (const change of changes) this.#tell(change)
    } finally {
      this.#evaluating = false
    }
  }

  #tell({ rule, instance, before }: Change & { rule: Rule }): void {
    const { onFiring, onResolved, onChange } = this.#options
    const alert = rule.told(instance, this.#wall)
    if (alert.state === 'firing') call(() => onFiring?.(alert))
    if (alert.state === 'resolved') call(() => onResolved?.(alert))
    call(() => onChange?.(alert, before))
  }

  /** An instant of the driver in milliseconds since the epoch. */
  readonly #wall = (at: number): number => this.#driver.clock.wall() - (this.#driver.now() - at)
}

/** Calls somebody whose failures are not ours. */
function call(callback: () => unknown): void {
  const failed = (error: unknown) => report(error, 'a callback of alerts failed')
  try {
    const result = callback()
    if (result instanceof Promise) result.catch(failed)
  } catch (error) {
    failed(error)
  }
}
