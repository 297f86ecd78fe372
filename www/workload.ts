/** Traffic on demand: the reads of the start, then a stream at a chosen rate. */

import type { Client } from './client.ts'
import { recordOf, zipf, zipfReads } from './shared/zipf.mjs'

/** The start reads this many times, spread over this many keys by Zipf's law. */
const START = { reads: 2000, keys: 800, seed: 7 }

/** The stream wanders over more keys than the start has read, so that some reads need the origin. */
const STREAM = { keys: 4000, seed: 11 }

const START_WIDTH = 32

/** Reads under way in the stream; beyond that the rate gives way. */
const STREAM_WIDTH = 256

const BEAT_MS = 50

/** What the start found: for each key, where its first read was answered. */
export interface StartResult {
  readonly keys: number
  readonly indexeddb: number
  readonly origin: number
  readonly failed: number
  readonly ms: number
}

/** Reads the workload of the start. The first read of each key tells whether the page started warm. */
export async function readStart(client: Client): Promise<StartResult> {
  const sequence = zipfReads(START)
  const seen = new Set<number>()
  const first = { memory: 0, indexeddb: 0, origin: 0, failed: 0 }
  const began = performance.now()
  let next = 0
  const lane = async () => {
    while (next < sequence.length) {
      const index = sequence[next] as number
      next += 1
      const isFirst = !seen.has(index)
      seen.add(index)
      const outcome = await client.read(index)
      if (isFirst) first[outcome.outcome] += 1
    }
  }
  await Promise.all(Array.from({ length: START_WIDTH }, lane))
  return { keys: seen.size, indexeddb: first.indexeddb, origin: first.origin, failed: first.failed, ms: performance.now() - began }
}

/** A stream of reads. */
export class Stream {
  readonly #client: Client
  readonly #next = zipf(STREAM)
  #rate = 200
  #due = 0
  #underWay = 0
  #beat: ReturnType<typeof setInterval> | undefined

  constructor(client: Client) {
    this.#client = client
  }

  get running(): boolean {
    return this.#beat !== undefined
  }

  /** Sets the reads per second. */
  set rate(perSecond: number) {
    this.#rate = perSecond
  }

  start(): void {
    this.#beat ??= setInterval(() => this.#tick(), BEAT_MS)
  }

  stop(): void {
    clearInterval(this.#beat)
    this.#beat = undefined
  }

  #tick(): void {
    this.#due = Math.min(this.#due + (this.#rate * BEAT_MS) / 1000, this.#rate)
    while (this.#due >= 1 && this.#underWay < STREAM_WIDTH) {
      this.#due -= 1
      void this.#read()
    }
  }

  async #read(): Promise<void> {
    this.#underWay += 1
    await this.#client.read(recordOf(this.#next()))
    this.#underWay -= 1
  }
}
