/** What happened lately: recent reads, and one sample per tick for the charts. */

import type { Source } from './client.ts'

/** One tick of the charts; rates are per second, latencies in milliseconds, `null` where nothing was read. */
export interface Sample {
  /** Seconds since the Unix epoch. */
  readonly at: number
  readonly memory: number
  readonly indexeddb: number
  readonly origin: number
  readonly failed: number
  readonly hitRate: number | null
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
  readonly inFlight: number
  readonly queued: number
}

type Count = Record<Source | 'failed', number>

/** Reads kept for the percentiles of the last seconds. */
const RECENT_READS = 8192

export class History {
  readonly samples: Sample[] = []
  readonly #longest: number
  readonly #windowMs: number
  readonly #times = new Float64Array(RECENT_READS)
  readonly #latencies = new Float64Array(RECENT_READS)
  #reads = 0
  #count: Count = { memory: 0, indexeddb: 0, origin: 0, failed: 0 }
  #last: { at: number; count: Count } | undefined

  /** Keeps `longest` samples; percentiles and hit rate look back `windowMs`. */
  constructor({ longest, windowMs }: { longest: number; windowMs: number }) {
    this.#longest = longest
    this.#windowMs = windowMs
  }

  /** Records one read that ended at `now` after `ms`. */
  record(outcome: Source | 'failed', ms: number, now: number): void {
    this.#count[outcome] += 1
    const slot = this.#reads % RECENT_READS
    this.#times[slot] = now
    this.#latencies[slot] = ms
    this.#reads += 1
  }

  /** Adds the sample of this tick. */
  tick(now: number, wall: number, { inFlight, queued }: { inFlight: number; queued: number }): void {
    const { memory, indexeddb, origin, failed } = this.#count
    const last = this.#last ?? { at: now - 1000, count: { memory: 0, indexeddb: 0, origin: 0, failed: 0 } }
    const perSecond = (count: number, before: number) => ((count - before) * 1000) / Math.max(1, now - last.at)
    const rates = {
      memory: perSecond(memory, last.count.memory),
      indexeddb: perSecond(indexeddb, last.count.indexeddb),
      origin: perSecond(origin, last.count.origin),
      failed: perSecond(failed, last.count.failed),
    }
    const all = rates.memory + rates.indexeddb + rates.origin + rates.failed
    const hitRate = all === 0 ? null : (rates.memory + rates.indexeddb) / all
    const recent = this.#recent(now - this.#windowMs)
    const at = (quantile: number) => recent[Math.min(recent.length - 1, Math.floor(quantile * recent.length))] ?? null
    this.samples.push({ at: wall / 1000, ...rates, hitRate, p50: at(0.5), p95: at(0.95), p99: at(0.99), inFlight, queued })
    if (this.samples.length > this.#longest) this.samples.shift()
    this.#last = { at: now, count: { memory, indexeddb, origin, failed } }
  }

  /** Forgets the samples, not the reads: a burst that is over would flatten what comes after it. */
  restart(): void {
    this.samples.length = 0
  }

  /** Latencies of the reads that ended after `since`, in ascending order. */
  #recent(since: number): Float64Array {
    const kept: number[] = []
    const oldest = Math.max(0, this.#reads - RECENT_READS)
    for (let read = this.#reads - 1; read >= oldest; read -= 1) {
      const slot = read % RECENT_READS
      if ((this.#times[slot] ?? 0) < since) break
      kept.push(this.#latencies[slot] ?? 0)
    }
    return Float64Array.from(kept).sort()
  }
}
