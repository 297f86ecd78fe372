/** A rule, checked, and its alerts. */

import { InvalidArgumentError } from '../errors.ts'
import { durationMs, durationOrZeroMs, optionalFunction, optionsObject } from '../options.ts'
import { type Holds, Instance } from './instance.ts'
import type { Alert, AlertRule, AlertSample, MetricReader } from './types.ts'

const MOST_SAMPLES = 100
/** Of one rule: those that fire a little longer, and those that are over, too. */
const MOST_ALERTS = 1000
const SEVERITIES = ['info', 'warning', 'critical'] as const

/** A change of state of an alert. */
export interface Change {
  readonly instance: Instance
  readonly before: Alert['state']
}

/** See the top of this file. */
export class Rule {
  readonly name: string
  /** Why the last evaluation failed. */
  error: string | undefined
  readonly #rule: AlertRule
  readonly #holds: Holds
  readonly #instances = new Map<string, Instance>()

  constructor(given: AlertRule) {
    const rule: Partial<AlertRule> = optionsObject(given ?? null, 'rule')
    const { name, when, above, below, labels, annotations } = rule
    if (typeof name !== 'string' || name === '') throw new InvalidArgumentError('name', 'the name of a rule', name)
    const what = `rule '${name}'`
    optionalFunction(when ?? null, `${what}: when`)
    for (const [bound, value] of Object.entries({ above, below })) {
      if (value !== undefined && (typeof value !== 'number' || Number.isNaN(value)))
        throw new InvalidArgumentError(`${what}: ${bound}`, 'a number', value)
    }
    for (const [part, texts] of Object.entries({ labels, annotations })) {
      if (!Object.values(optionsObject(texts, `${what}: ${part}`)).every(text => typeof text === 'string'))
        throw new InvalidArgumentError(`${what}: ${part}`, 'texts by name', texts)
    }
    this.name = name
    this.#rule = { ...given }
    this.#holds = {
      forMs: durationOrZeroMs(rule.for ?? 0, `${what}: for`),
      keepFiringForMs: durationOrZeroMs(rule.keepFiringFor ?? 0, `${what}: keepFiringFor`),
    }
  }

  /** Evaluates the rule. Where that fails, its alerts stay as they are. */
  evaluate(read: MetricReader, now: number): Change[] {
    let samples: AlertSample[]
    try {
      samples = this.#samples(read)
      this.error = undefined
    } catch (error) {
      this.error = error instanceof Error ? error.message : String(error)
      return []
    }
    const seen = new Map(samples.map(sample => [keyOf(sample.labels), sample]))
    for (const [key, { labels }] of seen) {
      if (this.#instances.has(key)) continue
      if (this.#makeRoom()) this.#instances.set(key, new Instance(labels, now))
      else this.error = `more than ${MOST_ALERTS} alerts; others are left out`
    }
    const changes: Change[] = []
    for (const [key, instance] of [...this.#instances]) {
      const { value } = seen.get(key) ?? { value: null }
      const before = instance.state
      instance.evaluate(this.#isWrong(value), typeof value === 'number' ? value : null, now, this.#holds)
      if (instance.state !== before) changes.push({ instance, before })
      if (instance.state === 'inactive' && !seen.has(key)) this.#instances.delete(key)
    }
    return changes
  }

  /** Its alerts now; one that is inactive where there are none. `wall` says when something on the clock of evaluations was. */
  alerts(wall: (at: number) => number): Alert[] {
    const walking = [...this.#instances.values()].filter(({ state }) => state !== 'inactive')
    if (walking.length > 0) return walking.map(instance => this.told(instance, wall))
    const instance = this.#instances.get(keyOf({}))
    return [instance === undefined ? { ...this.told(new Instance({}, 0), wall), since: undefined } : this.told(instance, wall)]
  }

  /** One of its alerts, as users see it. */
  told({ labels: own, state, value, since }: Instance, wall: (at: number) => number): Alert {
    const labels = { ...this.#rule.labels, ...own }
    const annotations = Object.fromEntries(
      Object.entries(this.#rule.annotations ?? {}).map(([name, text]) => [name, filled(text, labels, value)]),
    )
    const severity = SEVERITIES.find(known => known === labels.severity)
    const { summary } = annotations
    const error = this.error === undefined ? {} : { error: this.error }
    return { name: this.name, state, severity, summary, value, since: wall(since), labels, annotations, ...error }
  }

  /** Whether there is room for one more alert; the first that is over gives it. */
  #makeRoom(): boolean {
    if (this.#instances.size < MOST_ALERTS) return true
    for (const [key, { state }] of this.#instances) if (state === 'resolved') return this.#instances.delete(key)
    return false
  }

  #samples(read: MetricReader): AlertSample[] {
    const said = this.#rule.when(read)
    if (!Array.isArray(said)) return [{ labels: {}, value: checkedValue(said) }]
    if (said.length > MOST_SAMPLES) throw new RangeError(`${said.length} samples; a rule may have ${MOST_SAMPLES}`)
    return said.map(({ labels, value }: AlertSample) => ({ labels: { ...labels }, value: checkedValue(value) }))
  }

  #isWrong(value: AlertSample['value']): boolean {
    const { above, below } = this.#rule
    if (typeof value !== 'number') return value === true
    if (Number.isNaN(value)) return false
    if (above === undefined && below === undefined) return value !== 0
    return (above !== undefined && value > above) || (below !== undefined && value < below)
  }
}

/** The option `interval`. */
export function intervalMs(value: unknown): number {
  const ms = durationMs(value, 'interval')
  if (ms < 10 || ms === Number.POSITIVE_INFINITY) throw new InvalidArgumentError('interval', '10 ms or more, and finite', value)
  return ms
}

function checkedValue(value: unknown): AlertSample['value'] {
  if (typeof value === 'boolean' || typeof value === 'number') return value
  if (value === undefined || value === null) return null
  throw new TypeError(`when gave ${value instanceof Promise ? 'a promise; it has to answer at once' : `a ${typeof value}`}`)
}

function keyOf(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** The text with what stands in braces filled in, where it is known. */
function filled(text: string, labels: Readonly<Record<string, string>>, value: number | null): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    if (name === 'value') return value === null ? 'unknown' : String(Number(value.toPrecision(4)))
    return Object.hasOwn(labels, name) ? (labels[name] as string) : whole
  })
}
