/** `createMonitor`: what happens in caches, clients, queues and runs, point by point. */

import type { Clock, ClockTimer } from '../clock.ts'
import { ClosedError, InvalidArgumentError } from '../errors.ts'
import { runtimeReadings } from '../governor/readings.ts'
import { clockOption, durationMs, metricsOption, optionalFunction, optionalWith, optionsObject, wholeNumber } from '../options.ts'
import { report } from '../report.ts'
import { Batches, type BatchWatch } from './batches.ts'
import { Channel } from './channel.ts'
import { plain } from './plain.ts'
import { Source } from './source.ts'
import { Timers } from './timers.ts'
import type {
  MonitorEvents,
  MonitorOptions,
  MonitorPoint,
  MonitorRecommendation,
  MonitorSnapshot,
  Provided,
  RecommendationSnapshot,
  SourcePoint,
  Watchable,
  WatchOptions,
} from './types.ts'

const LONGEST_NAME = 200
const MOST_SOURCES = 100
const MOST_PROVIDED = 100

/**
 * Makes a monitor. It reads what is watched once an interval, so what is watched does not notice; its timer does not keep the process.
 *
 * ```ts
 * const monitor = createMonitor({ name: 'api', registry })
 * monitor.watch('users', cache)
 * monitor.watch('upstream', fetch)
 * await processBatch(items, handler, { onProgress: monitor.batch('import') })
 * monitor.on('point', ({ sources }) => console.log(sources.users?.hitRate))
 * ```
 */
export function createMonitor(options?: MonitorOptions): Monitor {
  return new Monitor(options)
}

/** See {@link createMonitor}. */
export class Monitor implements Disposable {
  readonly name: string
  /** Tells this monitor from others. */
  readonly id: string = Array.from(crypto.getRandomValues(new Uint32Array(3)), part => part.toString(36)).join('')
  /** Milliseconds from point to point. */
  readonly interval: number
  readonly #clock: Clock
  readonly #most: number
  readonly #timers: Timers | undefined
  readonly #channel: Channel | undefined
  readonly #batches: Batches
  readonly #sources = new Map<string, Source>()
  readonly #history: MonitorPoint[] = []
  readonly #startedAt: number
  readonly #listeners: { [E in keyof MonitorEvents]: Set<{ readonly tell: (event: MonitorEvents[E]) => void }> } = {
    point: new Set(),
    other: new Set(),
  }
  readonly #provided: { -readonly [P in keyof Provided]: Set<Provided[P]> } = {
    slow: new Set(),
    alerts: new Set(),
    recommendations: new Set(),
  }
  #last: number
  #alarm: ClockTimer | undefined
  #closed = false

  constructor(options?: MonitorOptions) {
    const {
      name = 'client',
      registry,
      alerts,
      interval = 1000,
      history = 900,
      channel,
      collect = true,
      clock,
    } = optionsObject(options, 'options')
    if (typeof name !== 'string') throw new InvalidArgumentError('name', 'a string', name)
    if (channel !== undefined && (typeof channel !== 'string' || channel === ''))
      throw new InvalidArgumentError('channel', 'the name of a channel', channel)
    this.name = name
    this.interval = durationMs(interval, 'interval')
    if (this.interval < 10 || this.interval === Number.POSITIVE_INFINITY)
      throw new InvalidArgumentError('interval', '10 ms or more, and finite', interval)
    this.#most = wholeNumber(history, 'history')
    this.#clock = clockOption(clock)
    const now = () => this.#clock.monotonic()
    this.#timers = metricsOption(registry) && new Timers(registry as NonNullable<typeof registry>, { now, interval: this.interval })
    this.#batches = new Batches(() => this.#clock.wall())
    this.#startedAt = this.#clock.wall()
    this.#last = now()
    const onOther = collect ? (other: MonitorSnapshot) => this.#emit('other', other) : undefined
    if (optionalWith(alerts, 'alerts', 'alerts of createAlerts', ['list']) !== undefined) this.provide('alerts', () => alerts?.list() ?? [])
    if (channel !== undefined) this.#channel = new Channel(channel, this.id, { now, onOther })
    this.#arm(this.#last + this.interval)
  }

  /**
   * Watches `thing` under a name, which must be free, until the result is called. Takes caches, clients of `createFetch`, queues, batchers, pools, rate limiters,
   * circuit breakers, bulkheads and memory governors. Throws `ERR_INVALID_ARGUMENT` for anything else, and beyond 100.
   */
  watch(name: string, thing: Watchable, options?: WatchOptions): () => void {
    if (this.#closed) throw new ClosedError('the monitor')
    if (typeof name !== 'string' || name === '' || name.length > LONGEST_NAME || this.#sources.has(name))
      throw new InvalidArgumentError('name', `a name of at most ${LONGEST_NAME} characters that is free`, name)
    if (this.#sources.size === MOST_SOURCES)
      throw new InvalidArgumentError('thing', `one of at most ${MOST_SOURCES} that are watched`, thing)
    const source = new Source(name, thing, optionsObject(options, 'options'))
    this.#sources.set(name, source)
    return () => {
      if (this.#sources.get(name) === source) this.#sources.delete(name)
    }
  }

  /** Watches a run over many items: `processBatch(items, handler, { onProgress: monitor.batch('import') })`. It is shown for a minute after its end. */
  batch(name: string): BatchWatch {
    if (typeof name !== 'string') throw new InvalidArgumentError('name', 'a string', name)
    return this.#batches.watch(name.slice(0, LONGEST_NAME))
  }

  /** Fills a part of every snapshot, together with others who do; until the result is called. */
  provide<P extends keyof Provided>(part: P, give: Provided[P]): () => void {
    const all = Object.hasOwn(this.#provided, part) ? this.#provided[part] : undefined
    if (all === undefined) throw new InvalidArgumentError('part', `one of ${Object.keys(this.#provided).join(', ')}`, part)
    optionalFunction(give ?? null, 'give')
    all.add(give)
    return () => void all.delete(give)
  }

  /**
   * Carries out a recommendation. Rejects with what its `apply` throws, and with `ERR_INVALID_ARGUMENT` where there is none that can be carried out.
   */
  async apply(id: string): Promise<unknown> {
    const found = this.#ask('recommendations').find(recommendation => recommendation.id === id)
    if (found?.apply === undefined) throw new InvalidArgumentError('id', 'that of a recommendation that can be applied', id)
    return found.apply()
  }

  /** Not for users: what is watched. */
  get sources(): Iterable<Source> {
    return this.#sources.values()
  }

  /** Not for users: milliseconds since the epoch, by the clock of this monitor. */
  wall(): number {
    return this.#clock.wall()
  }

  /** Everything as it is now. With `keys`, names of entries are among it. */
  snapshot({ keys = false }: { keys?: boolean } = {}): MonitorSnapshot {
    const { id, name, interval } = this
    return {
      version: 1,
      id,
      name,
      runtime: runtime(),
      at: this.#clock.wall(),
      startedAt: this.#startedAt,
      interval,
      sources: Array.from(this.#sources.values(), source => source.snapshot({ keys })),
      batches: this.#batches.snapshot(),
      slow: plain([...this.#ask('slow'), ...(this.#timers?.slow() ?? [])].slice(0, MOST_PROVIDED)) as MonitorSnapshot['slow'],
      alerts: plain(this.#ask('alerts')) as MonitorSnapshot['alerts'],
      recommendations: this.#ask('recommendations').map(told),
      point: this.#history.at(-1) ?? null,
    }
  }

  /** The points taken, oldest first. A copy. */
  history(): MonitorPoint[] {
    return [...this.#history]
  }

  /** The newest snapshots of others on the channel who are still heard of. */
  others(): MonitorSnapshot[] {
    return this.#channel?.others() ?? []
  }

  /** Tells `listener` of each event, until the result is called. What it throws is reported and disturbs nobody. */
  on<E extends keyof MonitorEvents>(event: E, listener: (event: MonitorEvents[E]) => void): () => void {
    const all = Object.hasOwn(this.#listeners, event) ? this.#listeners[event] : undefined
    if (all === undefined) throw new InvalidArgumentError('event', "'point' or 'other'", event)
    optionalFunction(listener ?? null, 'listener')
    const entry = { tell: listener }
    all.add(entry)
    return () => void all.delete(entry)
  }

  /** Takes no more points, and lets go of everything. Idempotent; what was taken can still be read. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#alarm?.cancel()
    this.#channel?.close(this.id)
    this.#sources.clear()
    for (const all of Object.values(this.#listeners)) all.clear()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #arm(at: number): void {
    this.#alarm = this.#clock.timer(at, () => {
      if (this.#closed) return
      const now = this.#clock.monotonic()
      // After a sleep, one point for all of it.
      this.#arm(Math.max(at, now - this.interval) + this.interval)
      this.#take(now)
    })
  }

  #take(now: number): void {
    const seconds = Math.max(1, now - this.#last) / 1000
    this.#last = now
    const sources: [string, SourcePoint][] = []
    for (const source of this.#sources.values()) {
      const point = source.point(seconds)
      if (point !== undefined) sources.push([source.name, point])
    }
    const point: MonitorPoint = {
      at: this.#clock.wall(),
      seconds,
      sources: Object.fromEntries(sources),
      timers: this.#timers?.read() ?? {},
      memory: runtimeReadings(),
    }
    this.#history.push(point)
    if (this.#history.length > this.#most) this.#history.shift()
    this.#channel?.tell(this.snapshot())
    this.#emit('point', point)
  }

  /** What somebody gives must not end the monitor. */
  #ask<P extends keyof Provided>(part: P): ReturnType<Provided[P]>[number][] {
    const all: ReturnType<Provided[P]>[number][] = []
    for (const give of this.#provided[part]) {
      try {
        all.push(...give().slice(0, MOST_PROVIDED - all.length))
      } catch (error) {
        report(error, `what provides ${part} of a monitor threw`)
      }
    }
    return all
  }

  #emit<E extends keyof MonitorEvents>(event: E, told: MonitorEvents[E]): void {
    for (const { tell } of [...this.#listeners[event]]) {
      try {
        tell(told)
      } catch (error) {
        report(error, 'a listener of a monitor threw')
      }
    }
  }
}

function told(recommendation: MonitorRecommendation): RecommendationSnapshot {
  const { apply, ...rest } = recommendation
  return { ...(plain(rest) as Omit<MonitorRecommendation, 'apply'>), canApply: apply !== undefined }
}

/** Where this runs, as a word. */
function runtime(): string {
  const { process, Deno, Bun, document, WorkerGlobalScope } = globalThis as Record<string, unknown>
  if (Bun !== undefined) return 'bun'
  if (Deno !== undefined) return 'deno'
  if (document !== undefined) return 'page'
  if (WorkerGlobalScope !== undefined) return 'worker'
  return (process as { versions?: { node?: string } } | undefined)?.versions?.node === undefined ? 'unknown' : 'node'
}
