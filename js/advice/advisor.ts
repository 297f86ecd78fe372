/** `createAdvisor`: what happened in all that a monitor watches, and what to change. */

import { InvalidArgumentError } from '../errors.ts'
import type { MemoryReading } from '../governor/types.ts'
import type { Monitor } from '../monitor/monitor.ts'
import type { Source } from '../monitor/source.ts'
import type { MonitorPoint } from '../monitor/types.ts'
import { optionsObject, ratio, wholeNumber } from '../options.ts'
import { Account } from './account.ts'
import { cacheReport, fetchReport, otherReport } from './accounts.ts'
import { type CacheFacts, cacheFacts, type FetchFacts, loadOf, type Thresholds } from './facts.ts'
import { largerBatches } from './rules/batcher.ts'
import { admission, oversized, unused } from './rules/cache-content.ts'
import { largerCache, smallerCache } from './rules/cache-size.ts'
import { longerTtl, refreshAhead, serveStale } from './rules/cache-time.ts'
import { fresherForLonger, hedge, moreAtOnce, retryBudget, staleForTooLong } from './rules/fetch.ts'
import { governor, sizeLimit } from './rules/memory.ts'
import { queueWaits } from './rules/queue.ts'
import { tiers } from './rules/tiers.ts'
import type { AdvisorOptions, Recommendation, Report } from './types.ts'

const CACHE_RULES = [largerCache, smallerCache, serveStale, refreshAhead, longerTtl, admission, oversized, unused] as const
const FETCH_RULES = [moreAtOnce, fresherForLonger, staleForTooLong, retryBudget, hedge] as const
const WEIGHT = { critical: 0, warning: 1, info: 2 } as const

/**
 * Makes an advisor for what `monitor` watches. Its recommendations are part of the monitor's snapshots, and of the dashboard, from then on.
 *
 * ```ts
 * const advisor = createAdvisor(monitor)
 * // … some traffic later
 * const report = advisor.report()
 * for (const { title, gain, option, to } of report.recommendations) console.log(`${title}: ${option} to ${to} (${gain})`)
 * console.log(reportText(report))
 * ```
 */
export function createAdvisor(monitor: Monitor, options?: AdvisorOptions): Advisor {
  return new Advisor(monitor, options)
}

/** See {@link createAdvisor}. */
export class Advisor implements Disposable {
  readonly monitor: Monitor
  readonly #thresholds: Thresholds
  readonly #accounts = new Map<Source, Account>()
  readonly #leave: (() => void)[]
  #from: number

  /** Not for users: {@link createAdvisor}. A silent one is not heard in the monitor's snapshots. */
  constructor(monitor: Monitor, options?: AdvisorOptions, isSilent = false) {
    if (typeof monitor?.provide !== 'function') throw new InvalidArgumentError('monitor', 'one of createMonitor', monitor)
    const { minSamples = 1000, minGain = 0.02 } = optionsObject(options, 'options')
    this.monitor = monitor
    this.#thresholds = { minSamples: wholeNumber(minSamples, 'minSamples'), minGain: ratio(minGain, 'minGain') }
    this.#from = monitor.wall()
    this.#audit()
    this.#leave = [
      ...(isSilent ? [] : [monitor.provide('recommendations', () => this.recommendations())]),
      monitor.on('point', () => void this.#audit()),
    ]
  }

  /** What has happened since this advisor was made, or since {@link restart}, and what to change. */
  report(): Report {
    const { name, at, slow, alerts, point } = this.monitor.snapshot()
    const accounts = this.#audit()
    const of = (kinds: readonly string[]) => accounts.filter(({ kind }) => kinds.includes(kind))
    const known = ['cache', 'memory-cache', 'fetch']
    return {
      version: 1,
      name,
      from: this.#from,
      to: at,
      caches: of(['cache', 'memory-cache']).map(cacheReport),
      fetches: of(['fetch']).map(fetchReport),
      others: accounts.filter(({ kind }) => !known.includes(kind)).map(otherReport),
      slow,
      alerts: alerts.filter(({ state }) => state !== 'inactive'),
      memory: point?.memory ?? [],
      recommendations: this.recommendations(),
    }
  }

  /** What to change, the weightiest first. */
  recommendations(): Recommendation[] {
    const accounts = this.#audit()
    const history = this.#history()
    const readings = history.at(-1)?.memory ?? []
    const caches = accounts.filter(({ kind }) => kind === 'cache' || kind === 'memory-cache').map(cacheFacts)
    const found = [
      ...caches.flatMap(facts => this.#ofCache(facts, readings)),
      ...accounts.flatMap(account => this.#ofFlow(account, history)),
      governor(
        readings,
        caches,
        accounts.some(({ kind }) => kind === 'governor'),
      ),
    ]
    return found.filter(one => one !== undefined).sort((a, b) => WEIGHT[a.severity] - WEIGHT[b.severity])
  }

  /** Forgets what was until now: after a change, what it brought is to be seen by itself. */
  restart(): void {
    for (const account of this.#audit()) account.reopen()
    this.#from = this.monitor.wall()
  }

  /** Its recommendations are part of the monitor no more. */
  close(): void {
    for (const leave of this.#leave.splice(0)) leave()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** The accounts of all that is watched; of what has come since, too. */
  #audit(): Account[] {
    const present = new Set<Source>()
    for (const source of this.monitor.sources) {
      present.add(source)
      if (!this.#accounts.has(source)) this.#accounts.set(source, new Account(source))
    }
    for (const source of this.#accounts.keys()) if (!present.has(source)) this.#accounts.delete(source)
    return [...this.#accounts.values()]
  }

  #history(): MonitorPoint[] {
    return this.monitor.history().filter(({ at }) => at > this.#from)
  }

  #ofCache(facts: CacheFacts, readings: readonly MemoryReading[]): (Recommendation | undefined)[] {
    const thresholds = this.#thresholds
    return [...CACHE_RULES.map(rule => rule(facts, thresholds)), ...tiers(facts, thresholds), sizeLimit(readings, facts)]
  }

  #ofFlow(account: Account, history: readonly MonitorPoint[]): (Recommendation | undefined)[] {
    const { name, kind, thing } = account
    if (kind === 'fetch') {
      const load = loadOf(history, name, { running: 'inflight', waiting: 'queued', totals: ['sent'] })
      const facts: FetchFacts = { name, now: account.stats() as FetchFacts['now'], counts: account.since(), load }
      return FETCH_RULES.map(rule => rule(facts, this.#thresholds))
    }
    if (kind === 'queue') {
      const load = loadOf(history, name, { running: 'running', waiting: 'waiting', totals: ['completed', 'failed'] })
      const { completed, failed } = account.since<{ completed: number; failed: number }>()
      return [queueWaits(name, thing, load, completed + failed, this.#thresholds)]
    }
    if (kind === 'batcher') {
      const load = loadOf(history, name, { running: 'running', waiting: 'waiting', totals: ['loads'] })
      return [largerBatches(name, thing, load, account.since(), this.#thresholds)]
    }
    return []
  }
}
