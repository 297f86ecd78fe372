/** The client in this tab, as a user of shelflife would write it, and the figures it can tell. */

import {
  type Cache,
  createAdvisor,
  createAlerts,
  createCache,
  createFetch,
  createMemoryGovernor,
  createMonitor,
  createRegistry,
  type Fetch,
  isShelflifeError,
  type MemoryGovernor,
  type MetricReader,
  type Registry,
} from 'shelflife'
import { indexedDB } from 'shelflife/stores/indexeddb'

/** Where an answer came from. */
export type Source = 'memory' | 'indexeddb' | 'origin'

/** How one read ended. */
export interface Outcome {
  readonly outcome: Source | 'failed'
  readonly ms: number
}

/** Reads of one source; latencies in milliseconds, NaN before the first. */
export interface SourceFigures {
  readonly reads: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

/** What is counted of reads since the page was loaded; all else is the monitor's. */
export interface Figures {
  readonly reads: number
  readonly sent: number
  readonly retries: number
  readonly by: Readonly<Record<Source | 'failed', SourceFigures>>
  readonly failures: ReadonlyMap<string, number>
}

interface Connection {
  readonly cache: Cache<unknown>
  readonly fetch: Fetch
}

const OUTCOMES = ['memory', 'indexeddb', 'origin', 'failed'] as const

/** Entries in memory: fewer than the workload has keys, so that IndexedDB has something to do. */
const MAX_ENTRIES = 2000

/** What memory may have under pressure. */
const PRESSED = '300kb'

export class Client {
  readonly #origin: string
  readonly #registry = createRegistry()
  /** Tabs of this page hear of each other. */
  readonly monitor = createMonitor({ name: 'This demo', registry: this.#registry, channel: 'demo', alerts: alertsOf(this.#registry) })
  readonly #timers
  readonly #failures = new Map<string, number>()
  /** Reads under way that memory could not answer, by URL, and whether a request was sent for them. Reads of one URL share a request. */
  readonly #reading = new Map<string, { sent: boolean }>()
  #connection = this.#connect()
  /** Closed while the connection changes: reads wait before it, and the change waits for those that are past it. */
  #gate: Promise<void> | undefined
  #underWay = 0
  #onIdle: (() => void) | undefined
  #unwatch: (() => void)[] = []
  #pressed = false
  #governor: MemoryGovernor | undefined
  /** Totals of the connections that were closed to clear the memory. */
  #before = { sent: 0, retries: 0 }

  constructor(origin: string) {
    this.#origin = origin
    const timer = this.#registry.timer({ name: 'page_read_seconds', help: 'One awaited read.', labelNames: ['outcome'] })
    this.#timers = {
      memory: timer.with({ outcome: 'memory' }),
      indexeddb: timer.with({ outcome: 'indexeddb' }),
      origin: timer.with({ outcome: 'origin' }),
      failed: timer.with({ outcome: 'failed' }),
    }
    this.#watch(this.#connection)
    // Its recommendations are part of what the monitor tells.
    createAdvisor(this.monitor)
  }

  /** Reads one city. Never rejects: a failure is an outcome, counted by its code. */
  async read(index: number): Promise<Outcome> {
    while (this.#gate !== undefined) await this.#gate
    const { cache, fetch } = this.#connection
    this.#underWay += 1
    const url = `${this.#origin}/city/${index}`
    const hits = cache.memory.stats().hits
    const reading = this.#reading.get(url) ?? { sent: false }
    this.#reading.set(url, reading)
    const began = performance.now()
    const answer = fetch.json<{ index: number }>(url)
    // A memory hit is decided before the call returns.
    const inMemory = cache.memory.stats().hits > hits
    let outcome: Outcome['outcome']
    let ms: number
    try {
      const city = await answer
      ms = performance.now() - began
      if (city.index !== index) throw new Error(`asked for city ${index}, got ${city.index}`)
      outcome = inMemory ? 'memory' : reading.sent ? 'origin' : 'indexeddb'
    } catch (error) {
      ms = performance.now() - began
      const code = isShelflifeError(error) ? error.code : 'without a code'
      this.#failures.set(code, (this.#failures.get(code) ?? 0) + 1)
      outcome = 'failed'
    }
    this.#reading.delete(url)
    this.#underWay -= 1
    if (this.#underWay === 0) this.#onIdle?.()
    this.#timers[outcome].observe(ms / 1000)
    return { outcome, ms }
  }

  figures(): Figures {
    const { fetch } = this.#connection
    const series = this.#registry.snapshot().metrics.find(metric => metric.name === 'page_read_seconds')?.series ?? []
    const of = (outcome: (typeof OUTCOMES)[number]): SourceFigures => {
      const found = series.find(one => one.labels.outcome === outcome)
      if (found === undefined || !('count' in found)) return { reads: 0, p50: Number.NaN, p95: Number.NaN, p99: Number.NaN }
      return { reads: found.count, p50: inMs(found.p50), p95: inMs(found.p95), p99: inMs(found.p99) }
    }
    const by = { memory: of('memory'), indexeddb: of('indexeddb'), origin: of('origin'), failed: of('failed') }
    const client = fetch.stats()
    return {
      reads: OUTCOMES.reduce((sum, outcome) => sum + by[outcome].reads, 0),
      sent: this.#before.sent + client.sent,
      retries: this.#before.retries + client.retries,
      by,
      failures: this.#failures,
    }
  }

  /** Whatever is queued goes to IndexedDB. */
  flush(): Promise<void> {
    return this.#connection.cache.flush()
  }

  /** Forgets what is in memory, as a reload does; IndexedDB keeps everything. */
  async clearMemory(): Promise<void> {
    const idle = this.#underWay === 0 ? undefined : new Promise<void>(resolve => (this.#onIdle = resolve))
    const change = this.#reconnect(idle)
    this.#gate = change
    try {
      await change
    } finally {
      this.#gate = undefined
    }
  }

  /** Forgets everything, IndexedDB included. */
  clearAll(): Promise<void> {
    return this.#connection.cache.clear()
  }

  /** Has a governor take memory back, as where there is little of it, or lets it be. */
  press(on: boolean): void {
    this.#governor?.close()
    this.#governor = undefined
    this.#pressed = on
    this.#watch(this.#connection)
  }

  async #reconnect(idle: Promise<void> | undefined): Promise<void> {
    await idle
    this.#onIdle = undefined
    const { cache, fetch } = this.#connection
    await fetch.close()
    const { sent, retries } = fetch.stats()
    this.#before = { sent: this.#before.sent + sent, retries: this.#before.retries + retries }
    try {
      await cache.close()
    } finally {
      this.#connection = this.#connect()
      this.#watch(this.#connection)
    }
  }

  #watch({ cache, fetch }: Connection): void {
    for (const unwatch of this.#unwatch.splice(0)) unwatch()
    this.#governor?.close()
    this.#governor = undefined
    this.#unwatch.push(this.monitor.watch('cities', cache), this.monitor.watch('origin', fetch))
    if (!this.#pressed) return
    this.#governor = createMemoryGovernor({ limit: PRESSED, interval: '1s', reclaim: [cache] })
    this.#unwatch.push(this.monitor.watch('governor', this.#governor))
  }

  #connect(): Connection {
    const metrics = this.#registry
    const cache = createCache({
      name: 'page',
      metrics,
      max: MAX_ENTRIES,
      maxSize: '32mb',
      ttl: '1h',
      store: indexedDB({ name: 'dashboard' }),
    })
    const fetch = createFetch({
      name: 'page',
      metrics,
      cache,
      ttl: '1h',
      concurrency: 32,
      perHost: 6,
      timeout: '1s',
      totalTimeout: '3s',
      retry: { maxRetries: 1, initialDelay: 50, maxDelay: 500 },
      fetch: (url, init) => {
        const reading = this.#reading.get(url)
        if (reading !== undefined) reading.sent = true
        // The browser's own HTTP cache must not answer in our place.
        return globalThis.fetch(url, { ...init, cache: 'no-store' })
      },
    })
    return { cache, fetch }
  }
}

/** What the demo speaks up about. */
function alertsOf(registry: Registry) {
  const shareOf = (read: MetricReader, outcome: string) => {
    const all = read.rate('page_read_seconds', '10s')
    return all === 0 ? null : read.rate('page_read_seconds', '10s', { labels: { outcome } }) / all
  }
  const times = { for: '2s', keepFiringFor: '5s' } as const
  return createAlerts(registry, {
    interval: '1s',
    rules: [
      {
        name: 'Reads fail',
        when: read => shareOf(read, 'failed'),
        above: 0.01,
        ...times,
        labels: { severity: 'critical' },
        annotations: { summary: 'More than one read in a hundred ends without an answer.' },
      },
      {
        name: 'The origin answers too much',
        when: read => shareOf(read, 'origin'),
        above: 0.5,
        ...times,
        labels: { severity: 'warning' },
        annotations: { summary: 'More than half of the reads go to the origin: the cache is cold, or too small.' },
      },
    ],
  })
}

const inMs = (seconds: number | null): number => (seconds ?? Number.NaN) * 1000
