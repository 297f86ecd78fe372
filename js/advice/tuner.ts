/** `createTuner`: makes the changes that an advisor recommends, one at a time, and takes back those that do not help. */

import { InvalidArgumentError } from '../errors.ts'
import type { Monitor } from '../monitor/monitor.ts'
import type { MonitorPoint } from '../monitor/types.ts'
import { durationMs, optionalFunction, optionsObject, ratio } from '../options.ts'
import { report } from '../report.ts'
import { Advisor } from './advisor.ts'
import { goalOf } from './goal.ts'
import type { Recommendation, TunerOptions, TunerStep } from './types.ts'

const MOST_STEPS = 100
/** How far an option may be moved from where it was found, where no bounds are given. */
const USUAL_REACH = 4
/** What was taken back is not tried again for so many intervals. */
const BARRED_INTERVALS = 10

/** Watching, or waiting to see what a change brings. */
type State =
  | { readonly kind: 'watching' }
  | { readonly kind: 'trying'; readonly change: Change; readonly before: number; readonly undo: () => void }

interface Change {
  readonly recommendation: Recommendation
  readonly to: number
  readonly goal: (points: readonly MonitorPoint[]) => number
}

/**
 * Makes a tuner for what `monitor` watches: it changes the sizes of caches, the concurrency of queues and the sizes of batches within bounds. After a change it
 * waits as long as it watched before, compares the goal, and keeps the change or takes it back.
 *
 * ```ts
 * const tuner = createTuner(monitor, { mode: 'apply', bounds: { 'users.max': [1000, 50_000] }, interval: '5m' })
 * tuner.steps() // [{ action: 'applied', id: 'users:larger', option: 'users.max', from: 1000, to: 3000, before: 0.61, … }]
 * ```
 */
export function createTuner(monitor: Monitor, options?: TunerOptions): Tuner {
  return new Tuner(monitor, options)
}

/** See {@link createTuner}. */
export class Tuner implements Disposable {
  readonly mode: 'recommend' | 'apply'
  readonly #advisor: Advisor
  readonly #goal: (() => number) | undefined
  readonly #tolerance: number
  readonly #bounds: ReadonlyMap<string, readonly [number, number]>
  readonly #intervalMs: number
  readonly #onStep: ((step: TunerStep) => void) | undefined
  readonly #steps: TunerStep[] = []
  /** Where options stood when they were first to be moved. */
  readonly #found = new Map<string, number>()
  /** What was taken back, and for how many intervals more it is left alone. */
  readonly #barred = new Map<string, number>()
  readonly #proposed = new Set<string>()
  readonly #leave: () => void
  #state: State = { kind: 'watching' }
  #points: MonitorPoint[] = []
  #watchedMs = 0

  constructor(monitor: Monitor, options?: TunerOptions) {
    const { mode = 'recommend', goal, tolerance = 0.01, bounds, interval = '1m', onStep } = optionsObject(options, 'options')
    if (mode !== 'recommend' && mode !== 'apply') throw new InvalidArgumentError('mode', "'recommend' or 'apply'", mode)
    optionalFunction(goal, 'goal')
    optionalFunction(onStep, 'onStep')
    this.mode = mode
    this.#goal = goal
    this.#tolerance = ratio(tolerance, 'tolerance')
    this.#bounds = new Map(Object.entries(optionsObject(bounds, 'bounds')).map(([option, range]) => [option, checkedRange(option, range)]))
    this.#intervalMs = durationMs(interval, 'interval')
    this.#onStep = onStep
    this.#advisor = new Advisor(monitor, { minSamples: 100 }, true)
    this.#leave = monitor.on('point', point => this.#watched(point))
  }

  /** What it did, the last 100 steps, oldest first. */
  steps(): TunerStep[] {
    return [...this.#steps]
  }

  /** Changes nothing more. A change that is being tried stays. */
  close(): void {
    this.#leave()
    this.#advisor.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #watched(point: MonitorPoint): void {
    this.#points.push(point)
    this.#watchedMs += point.seconds * 1000
    if (this.#watchedMs < this.#intervalMs) return
    if (this.#state.kind === 'watching') this.#choose(point.at)
    else if (!this.#judge(this.#state, point.at)) return
    this.#points = []
    this.#watchedMs = 0
  }

  #choose(at: number): void {
    for (const [id, left] of this.#barred) {
      if (left > 1) this.#barred.set(id, left - 1)
      else this.#barred.delete(id)
    }
    const changes = this.#changes()
    if (this.mode === 'recommend') {
      this.#propose(changes, at)
      return
    }
    for (const change of changes) {
      const before = this.#measured(change)
      if (!Number.isFinite(before)) continue
      const undo = change.recommendation.apply?.(change.to)
      if (undo === undefined) continue
      this.#state = { kind: 'trying', change, before, undo }
      this.#advisor.restart()
      this.#step(at, 'applied', change, before, null)
      return
    }
  }

  /** Whether it could be judged: where nothing happened, it waits on. */
  #judge({ change, before, undo }: State & { kind: 'trying' }, at: number): boolean {
    const after = this.#measured(change)
    if (!Number.isFinite(after)) return false
    const isWorse = after < before - Math.abs(before) * this.#tolerance
    if (isWorse) {
      undo()
      this.#barred.set(change.recommendation.id, BARRED_INTERVALS)
    }
    this.#state = { kind: 'watching' }
    this.#advisor.restart()
    this.#step(at, isWorse ? 'rolled-back' : 'kept', change, before, after)
    return true
  }

  #propose(changes: readonly Change[], at: number): void {
    const ids = new Set(changes.map(({ recommendation }) => recommendation.id))
    for (const id of this.#proposed) if (!ids.has(id)) this.#proposed.delete(id)
    for (const change of changes) {
      if (this.#proposed.has(change.recommendation.id)) continue
      this.#proposed.add(change.recommendation.id)
      this.#step(at, 'proposed', change, this.#measured(change), null)
    }
  }

  /** What could be changed now, as far as the bounds let it. */
  #changes(): Change[] {
    return this.#advisor.recommendations().flatMap(recommendation => {
      const { id, option, from, to, apply } = recommendation
      const goal = this.#goal ?? goalOf(recommendation)
      if (apply === undefined || goal === undefined || typeof from !== 'number' || typeof to !== 'number' || this.#barred.has(id)) return []
      const found = this.#found.get(option) ?? from
      this.#found.set(option, found)
      const [least, most] = this.#bounds.get(option) ?? [found / USUAL_REACH, found * USUAL_REACH]
      const within = Math.round(Math.min(most, Math.max(least, to)))
      return within === Math.round(from) ? [] : [{ recommendation, to: within, goal }]
    })
  }

  #measured({ goal }: Change): number {
    try {
      return goal(this.#points)
    } catch (error) {
      report(error, 'the goal of a tuner threw')
      return Number.NaN
    }
  }

  #step(
    at: number,
    action: TunerStep['action'],
    { recommendation: { id, option, from }, to }: Change,
    before: number,
    after: number | null,
  ): void {
    const step: TunerStep = { at, action, id, option, from, to, before, after }
    this.#steps.push(step)
    if (this.#steps.length > MOST_STEPS) this.#steps.shift()
    try {
      this.#onStep?.(step)
    } catch (error) {
      report(error, 'onStep of a tuner threw')
    }
  }
}

function checkedRange(option: string, range: readonly [number, number]): readonly [number, number] {
  const [least, most] = Array.isArray(range) ? range : []
  if (typeof least !== 'number' || typeof most !== 'number' || !(least > 0 && least <= most))
    throw new InvalidArgumentError(`bounds['${option}']`, 'two numbers above 0, the lower first', range)
  return [least, most]
}
