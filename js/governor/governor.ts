/** Watches memory and lets caches give some back before it runs out. */

import { Alarm, type Driver, driverOf } from '../core/driver.ts'
import { InvalidArgumentError } from '../errors.ts'
import { Copies } from '../metrics/copies.ts'
import { clockOption, durationMs, metricsOption, optionalFunction, optionsObject, ratio, sizeInBytes } from '../options.ts'
import { runtimeReadings } from './readings.ts'
import type { MemoryGovernorOptions, MemoryGovernorStats, MemoryReading, PressureEvent, Reclaimable } from './types.ts'

/** Asked of everything registered, one after the other, until memory is below `low`. */
const SHARES = [0, 0.1, 0.25, 0.5]

/**
 * Makes a governor that measures memory every `interval` and, from `high` on, asks everything registered for memory, in
 * steps: what has expired, then a tenth, a quarter, half of the rest, until memory is below `low`. Between
 * steps it waits for the next measurement, since V8's heap shrinks only when it collects; memory that is accounted
 * for shrinks at once, so those steps follow each other.
 *
 * ```ts
 * const governor = createMemoryGovernor({ reclaim: [cache], limit: '256mb', high: 0.8, low: 0.7 })
 * const unregister = governor.register(another)
 * ```
 *
 * Without a `limit` it watches V8's heap limit and the container's; where the runtime tells neither (browsers),
 * a `limit` is required. Its timer keeps nothing alive. Throws `ERR_INVALID_ARGUMENT`.
 */
export function createMemoryGovernor(options: MemoryGovernorOptions): MemoryGovernor {
  return new MemoryGovernor(options)
}

/** See {@link createMemoryGovernor}. */
export class MemoryGovernor implements Disposable {
  readonly #reclaim = new Set<Reclaimable>()
  readonly #limit: number
  readonly #high: number
  readonly #low: number
  readonly #intervalMs: number
  readonly #onPressure: ((event: PressureEvent) => void) | undefined
  readonly #read: () => readonly MemoryReading[]
  readonly #driver: Driver
  readonly #alarm = new Alarm(() => this.check())
  #stopReporting: (() => void) | undefined
  #pressured = false
  #closed = false
  /** How far the steps have gone since memory became scarce. */
  #step = 0
  #steps = 0
  #freedBytes = 0

  constructor(given: MemoryGovernorOptions) {
    const options: Partial<MemoryGovernorOptions> = optionsObject(given, 'options')
    const { reclaim = [], limit, high = 0.8, low = 0.7, interval = 5000, onPressure, read = runtimeReadings } = options
    metricsOption(options.metrics)
    if (!Array.isArray(reclaim)) throw new InvalidArgumentError('reclaim', 'an array of caches', reclaim)
    for (const one of reclaim) this.#reclaim.add(checkedReclaimable(one, 'reclaim'))
    optionalFunction(onPressure, 'onPressure')
    optionalFunction(read, 'read')
    this.#limit = limit === undefined ? Number.POSITIVE_INFINITY : sizeInBytes(limit, 'limit')
    this.#high = ratio(high, 'high')
    this.#low = ratio(low, 'low')
    if (this.#low >= this.#high) throw new InvalidArgumentError('low', `below high, which is ${high}`, low)
    this.#intervalMs = durationMs(interval, 'interval')
    this.#onPressure = onPressure
    this.#read = read
    this.#driver = driverOf(clockOption(options.clock))
    if (this.#readings().length === 0)
      throw new InvalidArgumentError('limit', 'given where the runtime does not tell how much memory there is', limit)
    this.#report(options)
    this.#wait()
  }

  /** Measures now, and does what is due. The timer does this by itself. Throws what `onPressure` or a `dispose` callback throws. */
  check(): void {
    try {
      // Each pass goes one step further, so this ends; a pass over the heap or a container ends after one.
      while (this.#checkOnce()) {}
    } finally {
      this.#wait()
    }
  }

  /**
   * From now on `one` gives memory back, too, until the result is called. A cache counts for its namespaces: register either
   * it or some of them. Throws `ERR_INVALID_ARGUMENT`.
   *
   * ```ts
   * const unregister = governor.register(cache)
   * ```
   */
  register(one: Reclaimable): () => void {
    this.#reclaim.add(checkedReclaimable(one, 'a cache'))
    return () => {
      this.#reclaim.delete(one)
    }
  }

  /** What has happened, and how memory is now. */
  stats(): MemoryGovernorStats {
    const readings = this.#readings()
    return { pressured: this.#pressured, readings, ratio: ratioOf(scarcest(readings)), steps: this.#steps, freedBytes: this.#freedBytes }
  }

  /** Stops measuring; {@link check} still works, for those who call it. */
  close(): void {
    this.#closed = true
    this.#driver.set(this.#alarm, Number.POSITIVE_INFINITY)
    this.#stopReporting?.()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** Whether to look again at once. */
  #checkOnce(): boolean {
    const reading = scarcest(this.#readings())
    const used = ratioOf(reading)
    if (used >= this.#high) this.#pressured = true
    if (used <= this.#low) {
      this.#pressured = false
      this.#step = 0
    }
    if (!this.#pressured) return false
    const share = SHARES[this.#step] ?? (SHARES.at(-1) as number)
    const isLast = this.#step >= SHARES.length
    this.#step += 1
    this.#steps += 1
    const { freedBytes, failure } = this.#trimAll(share)
    this.#freedBytes += freedBytes
    this.#onPressure?.({ kind: reading.kind, ratio: used, share, freedBytes })
    if (failure !== undefined) throw failure.error
    return reading.kind === 'accounted' && !(isLast && freedBytes === 0)
  }

  /** Everybody gives, whatever a `dispose` callback of one of them throws. */
  #trimAll(share: number): { freedBytes: number; failure: { error: unknown } | undefined } {
    let freedBytes = 0
    let failure: { error: unknown } | undefined
    for (const one of this.#reclaim) {
      const before = one.accountedBytes()
      try {
        freedBytes += one.trim(share).bytes
      } catch (error) {
        failure ??= { error }
        freedBytes += Math.max(0, before - one.accountedBytes())
      }
    }
    return { freedBytes, failure }
  }

  #readings(): MemoryReading[] {
    const readings = [...this.#read()]
    if (this.#limit < Number.POSITIVE_INFINITY) {
      const used = [...this.#reclaim].reduce((sum, one) => sum + one.accountedBytes(), 0)
      readings.push({ kind: 'accounted', used, limit: this.#limit })
    }
    return readings
  }

  #wait(): void {
    if (!this.#closed) this.#driver.set(this.#alarm, this.#driver.now() + this.#intervalMs)
  }

  #report({ metrics, name = 'memory' }: Partial<MemoryGovernorOptions>): void {
    if (metrics === undefined) return
    const labels = { governor: name }
    const pressure = metrics.gauge({
      name: 'memory_pressure_ratio',
      help: 'Memory used of its limit, by kind',
      labelNames: ['governor', 'kind'],
    })
    const freed = metrics.counter({
      name: 'memory_reclaimed_bytes_total',
      help: 'Bytes given back under pressure',
      labelNames: ['governor'],
    })
    const copies = new Copies()
    const freedBytes = copies.counter(freed.with(labels))
    const ofKind = (kind: MemoryReading['kind']) => copies.gauge(pressure.with({ ...labels, kind }), 'max')
    const ratios = new Map<MemoryReading['kind'], ReturnType<typeof ofKind>>()
    const stop = metrics.onCollect(() => {
      for (const reading of this.#readings()) {
        const say = ratios.get(reading.kind) ?? ofKind(reading.kind)
        ratios.set(reading.kind, say)
        say(ratioOf(reading))
      }
      freedBytes(this.#freedBytes)
    })
    this.#stopReporting = () => {
      this.#stopReporting = undefined
      freedBytes(this.#freedBytes)
      stop()
      copies.leave()
    }
  }
}

function checkedReclaimable(one: Reclaimable, name: string): Reclaimable {
  if (typeof one?.trim !== 'function' || typeof one.accountedBytes !== 'function')
    throw new InvalidArgumentError(name, 'a cache, or anything with trim and accountedBytes', one)
  return one
}

function scarcest(readings: readonly MemoryReading[]): MemoryReading {
  return readings.reduce((worst, one) => (ratioOf(one) > ratioOf(worst) ? one : worst))
}

function ratioOf({ used, limit }: MemoryReading): number {
  return used / limit
}
