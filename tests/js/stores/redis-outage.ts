/** A cache over a Redis that does not answer for a while, under load. */

import { setTimeout as sleep } from 'node:timers/promises'
import { createCache } from '../../../js/index.ts'
import { redis } from '../../../js/stores/redis.ts'
import { startRedis } from './redis-server.ts'

const KEYS = 20_000
const DEADLINE_MS = 500

export interface OutageSeen {
  readonly how: string
  readonly operations: number
  /** Of callers, in milliseconds, from the beginning of the outage to its end. */
  readonly p50: number
  readonly p99: number
  readonly max: number
  readonly p99Before: number
  readonly deadline: number
  /** Megabytes, when collected where that can be told to happen. */
  readonly heapBefore: number
  readonly heapAtEnd: number
  readonly mostResident: number
  readonly residentBefore: number
  /** From the server's return until it is asked again. */
  readonly recoveredAfter: number
  readonly hitsAfter: number
  /** Values that nobody had set, or that were older than one acknowledged or read before. */
  readonly wrong: number
  readonly errors: Readonly<Record<string, number>>
  readonly dropped: number
}

/** One read in five is a write; memory is so small that reads go to Redis. */
export async function outage({ how, seconds, rate }: { how: 'stopped' | 'killed'; seconds: number; rate: number }): Promise<OutageSeen> {
  const server = await startRedis()
  const cache = createCache<{ key: number; serial: number; text: string }>({
    max: 100,
    store: redis({ url: server.url, commandTimeout: DEADLINE_MS }),
  })
  const newest = new Map<number, number>()
  let serial = 0
  let wrong = 0
  let hits = 0
  let operations = 0
  let waits: number[] = []
  const act = async () => {
    const from = performance.now()
    const key = Math.floor(Math.random() * KEYS)
    operations += 1
    if (operations % 5 === 0) {
      serial += 1
      newest.set(key, serial)
      await cache.set(`k${key}`, { key, serial, text: 'x'.repeat(200) })
    } else {
      const least = newest.get(key) ?? 0
      const value = await cache.get(`k${key}`)
      if (value !== undefined) hits += 1
      // A value set before this read is the oldest that it may find.
      if (value !== undefined && (value.key !== key || value.serial < least)) wrong += 1
    }
    waits.push(performance.now() - from)
  }
  /** Lets `rate` operations a second begin, whether those before have ended or not. */
  const load = async (ms: number, isOver: () => boolean = () => false) => {
    const from = performance.now()
    const under = new Set<Promise<void>>()
    let begun = 0
    for (let past = 0; past < ms && !isOver(); past = performance.now() - from) {
      for (; begun < (past * rate) / 1000; begun += 1) {
        const one = act().finally(() => under.delete(one))
        under.add(one)
      }
      await sleep(1)
    }
    await Promise.all(under)
  }
  const quantile = (share: number) => {
    const sorted = [...waits].sort((a, b) => a - b)
    return round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0)
  }
  try {
    const first = (key: number) => [`k${key}`, { key, serial: 0, text: 'x'.repeat(200) }] as const
    for (let at = 0; at < KEYS; at += 1000) {
      const some = Array.from({ length: 1000 }, (_, index) => first(at + index))
      await cache.setMany(some, { persist: 'stored' })
    }
    await load(1000)
    const p99Before = quantile(0.99)
    const heapBefore = heap()
    const residentBefore = resident()
    waits = []
    let mostResident = 0
    const watch = setInterval(() => {
      mostResident = Math.max(mostResident, resident())
    }, 50)
    if (how === 'stopped') server.process.kill('SIGSTOP')
    else await server.stop()
    await load(seconds * 1000)
    const [p50, p99, max] = [quantile(0.5), quantile(0.99), quantile(1)]
    const heapAtEnd = heap()
    const { errors } = cache.stats().tiers[0] as { errors: Record<string, number> }
    const during = { ...errors }
    if (how === 'stopped') server.process.kill('SIGCONT')
    else await server.start()
    const back = performance.now()
    hits = 0
    let recoveredAfter = Number.POSITIVE_INFINITY
    await load(20_000, () => {
      if (cache.stats().tiers[0]?.state !== 'on') return false
      recoveredAfter = performance.now() - back
      return true
    })
    hits = 0
    await load(1000)
    clearInterval(watch)
    const { dropped } = cache.stats().tiers[0] as { dropped: number }
    return {
      ...{ how, operations, p50, p99, max, p99Before, deadline: DEADLINE_MS, heapBefore, heapAtEnd, residentBefore, mostResident },
      ...{ recoveredAfter: round(recoveredAfter), hitsAfter: hits, wrong, errors: during, dropped },
    }
  } finally {
    await cache.close()
    await server.dispose()
  }
}

function heap(): number {
  const { gc } = globalThis as { gc?: () => void }
  gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return round((heapUsed + external) / 2 ** 20)
}

function resident(): number {
  return round(process.memoryUsage().rss / 2 ** 20)
}

function round(number: number): number {
  return Math.round(number * 10) / 10
}
