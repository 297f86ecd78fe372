/** The client in this tab, as a user of shelflife would write it, and the figures it can tell. */

import { createCache, createFetch, createRegistry, isShelflifeError, type MissRatioCurve, type MissReason } from 'shelflife'
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

/** Everything the panels show, counted since the page was loaded. */
export interface Figures {
  readonly reads: number
  readonly sent: number
  readonly retries: number
  readonly inFlight: number
  readonly queued: number
  readonly by: Readonly<Record<Source | 'failed', SourceFigures>>
  readonly memory: {
    readonly entries: number
    readonly bytes: number
    readonly max: number
    readonly misses: Readonly<Record<MissReason, number>>
  }
  /** What the memory would answer at other sizes; no points before the first read. */
  readonly curve: MissRatioCurve
  readonly tier: { readonly entries: number; readonly bytes: number }
  readonly failures: ReadonlyMap<string, number>
}

const OUTCOMES = ['memory', 'indexeddb', 'origin', 'failed'] as const

/** Entries in memory: fewer than the workload has keys, so that IndexedDB has something to do. */
const MAX_ENTRIES = 2000

export class Client {
  readonly #origin: string
  readonly #registry = createRegistry()
  readonly #timers
  readonly #failures = new Map<string, number>()
  /** Reads under way that memory could not answer, by URL, and whether a request was sent for them. Reads of one URL share a request. */
  readonly #reading = new Map<string, { sent: boolean }>()
  #connection = this.#connect()
  /** Closed while the connection changes: reads wait before it, and the change waits for those that are past it. */
  #gate: Promise<void> | undefined
  #underWay = 0
  #onIdle: (() => void) | undefined
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
    const { cache, fetch } = this.#connection
    const series = this.#registry.snapshot().metrics.find(metric => metric.name === 'page_read_seconds')?.series ?? []
    const of = (outcome: (typeof OUTCOMES)[number]): SourceFigures => {
      const found = series.find(one => one.labels.outcome === outcome)
      if (found === undefined || !('count' in found)) return { reads: 0, p50: Number.NaN, p95: Number.NaN, p99: Number.NaN }
      return { reads: found.count, p50: inMs(found.p50), p95: inMs(found.p95), p99: inMs(found.p99) }
    }
    const by = { memory: of('memory'), indexeddb: of('indexeddb'), origin: of('origin'), failed: of('failed') }
    const client = fetch.stats()
    const memory = cache.memory.stats()
    const tier = cache.stats().tiers[0]
    return {
      reads: OUTCOMES.reduce((sum, outcome) => sum + by[outcome].reads, 0),
      sent: this.#before.sent + client.sent,
      retries: this.#before.retries + client.retries,
      inFlight: client.inflight,
      queued: client.queued,
      by,
      memory: { entries: memory.entries, bytes: memory.size, max: memory.max, misses: memory.missesByReason },
      curve: cache.memory.missRatioCurve(),
      tier: { entries: tier?.entries ?? 0, bytes: tier?.bytes ?? 0 },
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
    }
  }

  #connect() {
    const cache = createCache({ name: 'page', max: MAX_ENTRIES, maxSize: '32mb', ttl: '1h', store: indexedDB({ name: 'dashboard' }) })
    const fetch = createFetch({
      name: 'page',
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

const inMs = (seconds: number | null): number => (seconds ?? Number.NaN) * 1000
