import { afterEach, describe, expect, it } from 'vitest'
import {
  createAdvisor,
  createCache,
  createMemoryCache,
  createMonitor,
  createQueue,
  type MemoryCacheOptions,
  type Monitor,
  type Recommendation,
  reportText,
} from '../../../js/index.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'
import { zipf } from '../../../www/shared/zipf.mjs'
import { MapStore } from '../cache/map-store.ts'

const open: Monitor[] = []
afterEach(() => {
  for (const monitor of open.splice(0)) monitor.close()
})

function monitored() {
  const clock = new ManualClock()
  const monitor = createMonitor({ clock, name: 'tests' })
  open.push(monitor)
  return { clock, monitor }
}

/** Reads through a memory cache, Zipf over `keys`; after each read `wait` goes by. */
function readThrough(
  options: MemoryCacheOptions<number, number>,
  {
    reads = 20_000,
    keys = 5000,
    exponent = 1,
    seed = 1,
    waitMs = 0,
  }: { reads?: number; keys?: number; exponent?: number; seed?: number; waitMs?: number } = {},
) {
  const { clock, monitor } = monitored()
  const cache = createMemoryCache<number, number>({ ...options, clock })
  monitor.watch('users', cache)
  const advisor = createAdvisor(monitor)
  const next = zipf({ keys, exponent, seed })
  for (let read = 0; read < reads; read += 1) {
    const key = next()
    if (cache.get(key) === undefined) cache.set(key, key)
    if (waitMs > 0) clock.advance(waitMs)
  }
  clock.advance(1000)
  return { clock, monitor, cache, advisor, hitRate: cache.stats().hitRate }
}

function find(all: readonly Recommendation[], id: string): Recommendation {
  const found = all.find(one => one.id === id)
  if (found === undefined) throw new Error(`${id} is not among ${all.map(one => one.id).join(', ')}`)
  return found
}

describe('the size of a cache', () => {
  it.each([
    { max: 300, exponent: 1 },
    { max: 600, exponent: 0.9 },
    { max: 150, exponent: 1.1 },
  ])('is advised within two points of the hit rate that is then measured ($max entries, Zipf $exponent)', ({ max, exponent }) => {
    const { advisor, hitRate } = readThrough({ max }, { exponent })
    const advice = find(advisor.recommendations(), 'users:larger')
    expect(advice.predicted?.now).toBeCloseTo(hitRate, 2)
    expect(advice.predicted?.expected).toBeGreaterThan(hitRate + 0.02)
    const again = readThrough({ max: advice.to as number }, { exponent })
    expect(Math.abs(again.hitRate - (advice.predicted?.expected ?? 0))).toBeLessThan(0.02)
    // And the gain is what was said, within a quarter.
    const predicted = (advice.predicted?.expected ?? 0) - hitRate
    expect(Math.abs(again.hitRate - hitRate - predicted)).toBeLessThan(predicted / 4)
  })

  it('is advised within two points where entries expire, too', () => {
    const run = { reads: 20_000, keys: 2000, waitMs: 1 }
    const { advisor, hitRate } = readThrough({ max: 150, ttl: 1500 }, run)
    const advice = find(advisor.recommendations(), 'users:larger')
    const again = readThrough({ max: advice.to as number, ttl: 1500 }, run)
    expect(Math.abs(again.hitRate - (advice.predicted?.expected ?? 0))).toBeLessThan(0.02)
    expect(again.hitRate).toBeGreaterThan(hitRate + 0.02)
  })

  it('is smaller where less would do', () => {
    // A hot set that is walked through again and again, in a cache of eight times its size, which many others pass through once.
    const { clock, monitor } = monitored()
    const cache = createMemoryCache<number, number>({ max: 4000, clock })
    monitor.watch('users', cache)
    const advisor = createAdvisor(monitor)
    for (let read = 0; read < 100_000; read += 1) {
      const key = read % 10 === 0 ? 1_000_000 + read : read % 500
      if (cache.get(key) === undefined) cache.set(key, key)
    }
    const advice = find(advisor.recommendations(), 'users:smaller')
    expect(advice.to).toBeLessThanOrEqual(2000)
    expect(advice.severity).toBe('info')
    advice.apply?.()
    expect(cache.stats().max).toBe(advice.to)
  })

  it('is left alone where it is right', () => {
    const { advisor } = readThrough({ max: 5000 })
    expect(advisor.recommendations()).toEqual([])
  })

  it('can be applied, and taken back', () => {
    const { cache, advisor } = readThrough({ max: 300 })
    const back = find(advisor.recommendations(), 'users:larger').apply?.()
    expect(cache.stats().max).toBeGreaterThan(300)
    back?.()
    expect(cache.stats().max).toBe(300)
  })

  it('is advised in bytes where bytes are what is short', () => {
    const { cache, advisor } = readThrough({ maxSize: 300 * 100, sizeCalculation: () => 100 })
    const advice = find(advisor.recommendations(), 'users:larger')
    expect(advice).toMatchObject({ option: 'users.maxSize', from: 30_000 })
    advice.apply?.()
    expect(cache.stats().maxSize).toBe(advice.to)
  })

  it('says nothing before there have been enough reads', () => {
    const { advisor } = readThrough({ max: 300 }, { reads: 900 })
    expect(advisor.recommendations()).toEqual([])
  })
})

describe('the time of entries', () => {
  it('is longer where they expire in use, and that helps as much as was said', () => {
    const run = { keys: 100, reads: 20_000, waitMs: 1 }
    const { advisor, hitRate } = readThrough({ max: 1000, ttl: 100 }, run)
    const advice = find(advisor.recommendations(), 'users:longer-ttl')
    expect(advice).toMatchObject({ option: 'users.ttl', from: 100, to: 1000 })
    const again = readThrough({ max: 1000, ttl: advice.to as number }, run)
    expect(again.hitRate).toBeGreaterThan(hitRate)
    expect(again.hitRate).toBeLessThan((advice.predicted?.expected ?? 0) + 0.02)
  })

  it('is made longer by stale values where somebody loads', async () => {
    const read = async (staleWhileRevalidate: number) => {
      const { clock, monitor } = monitored()
      const cache = createCache<number>({ max: 1000, ttl: 100, staleWhileRevalidate, clock })
      monitor.watch('users', cache)
      const advisor = createAdvisor(monitor)
      const next = zipf({ keys: 50, seed: 1 })
      for (let at = 0; at < 3000; at += 1) {
        const key = String(next())
        await cache.getOrSet(key, () => 1)
        clock.advance(1)
      }
      await cache.flush()
      return { cache, advisor, hitRate: cache.stats().hitRate }
    }
    const before = await read(0)
    const advice = find(before.advisor.recommendations(), 'users:serve-stale')
    const after = await read(advice.to as number)
    const predicted = (advice.predicted?.expected ?? 0) - before.hitRate
    expect(predicted).toBeGreaterThan(0.05)
    expect(Math.abs(after.hitRate - before.hitRate - predicted)).toBeLessThan(predicted / 4)
    expect(after.advisor.recommendations().map(({ id }) => id)).not.toContain('users:serve-stale')
    await before.cache.close()
    await after.cache.close()
  })
})

describe('the content of a cache', () => {
  it('that is never read again calls for a policy that admits', () => {
    const { clock, monitor } = monitored()
    const cache = createMemoryCache<number, number>({ max: 1000, clock })
    monitor.watch('users', cache)
    const advisor = createAdvisor(monitor)
    const next = zipf({ keys: 3000, exponent: 0.8, seed: 1 })
    for (let read = 0; read < 40_000; read += 1) {
      const key = read % 3 === 0 ? next() : 1_000_000 + read
      if (cache.get(key) === undefined) cache.set(key, key)
    }
    expect(find(advisor.recommendations(), 'users:policy')).toMatchObject({ option: 'users.policy', from: 'lru', to: 'auto' })
  })

  it('that is refused for its size calls for a larger limit', () => {
    const run = (maxEntrySize: number) => {
      const { clock, monitor } = monitored()
      const cache = createMemoryCache<number, number>({ maxSize: 1e6, maxEntrySize, sizeCalculation: value => value, clock })
      monitor.watch('users', cache)
      const advisor = createAdvisor(monitor)
      const next = zipf({ keys: 500, seed: 1 })
      for (let read = 0; read < 10_000; read += 1) {
        const key = next()
        if (cache.get(key) === undefined) cache.set(key, key % 7 === 3 ? 900 : 100)
      }
      return { advisor, hitRate: cache.stats().hitRate }
    }
    const before = run(500)
    const advice = find(before.advisor.recommendations(), 'users:oversized')
    expect(advice).toMatchObject({ option: 'users.maxEntrySize', from: 500, to: 1e6 })
    const gain = (advice.predicted?.expected ?? 0) - before.hitRate
    expect(Math.abs(run(1e6).hitRate - before.hitRate - gain)).toBeLessThan(gain / 4)
  })

  it('that nobody reads is named', () => {
    const { clock, monitor } = monitored()
    const cache = createMemoryCache<number, number>({ max: 1000, clock })
    monitor.watch('users', cache)
    const advisor = createAdvisor(monitor)
    for (let key = 0; key < 5000; key += 1) {
      cache.get(key)
      cache.set(key, key)
    }
    expect(advisor.recommendations().map(({ id }) => id)).toEqual(['users:unused'])
  })
})

describe('a queue', () => {
  it('lets more run where tasks wait longer than they take, and the time is what was said', async () => {
    const clock = new ManualClock()
    const run = async (concurrency: number) => {
      const monitor = createMonitor({ clock, interval: 10 })
      open.push(monitor)
      const queue = createQueue({ concurrency, clock })
      monitor.watch('mails', queue)
      const advisor = createAdvisor(monitor)
      const sleep = (ms: number) => new Promise<void>(resolve => void clock.timer(clock.monotonic() + ms, () => resolve()))
      let [total, ended] = [0, 0]
      const worker = async () => {
        for (let at = 0; at < 50; at += 1) {
          const began = clock.monotonic()
          await queue.add(() => sleep(20))
          total += clock.monotonic() - began
          ended += 1
        }
      }
      const all = Promise.all(Array.from({ length: 32 }, worker))
      while (ended < 32 * 50) {
        clock.advance(1)
        await new Promise(resolve => setImmediate(resolve))
      }
      await all
      return { advisor, queue, meanMs: total / ended }
    }
    const before = await run(4)
    const advice = find(before.advisor.recommendations(), 'mails:concurrency')
    expect(advice.predicted?.now).toBeGreaterThan(before.meanMs * 0.8)
    const after = await run(advice.to as number)
    const gain = before.meanMs - after.meanMs
    const predicted = (advice.predicted?.now ?? 0) - (advice.predicted?.expected ?? 0)
    expect(Math.abs(gain - predicted)).toBeLessThan(predicted / 4)
    const back = advice.apply?.()
    expect(before.queue.concurrency).toBe(advice.to)
    back?.()
    expect(before.queue.concurrency).toBe(4)
  })
})

describe('a report', () => {
  it('tells what happened since it was begun, in numbers and as text', async () => {
    const { clock, monitor } = monitored()
    const cache = createCache<number>({ max: 100, ttl: '1m', store: new MapStore(), clock })
    monitor.watch('users', cache)
    await cache.set('before', 1)
    await cache.get('before')
    const advisor = createAdvisor(monitor)
    await cache.getOrSet('a', () => 1)
    await cache.get('a')
    await cache.get('nobody')
    clock.advance(1000)
    const report = advisor.report()
    expect(report).toMatchObject({ version: 1, name: 'tests', to: clock.wall(), recommendations: [] })
    expect(report.caches).toMatchObject([{ name: 'users', reads: 3, hits: 1, entries: 2, saved: { loads: 1 } }])
    expect(report.caches[0]?.hitRate).toBeCloseTo(1 / 3)
    expect(JSON.parse(JSON.stringify(report)).caches).toHaveLength(1)
    expect(reportText(report)).toContain('cache users: 33.3 % of 3 reads')
    advisor.restart()
    expect(advisor.report().caches).toMatchObject([{ reads: 0, hitRate: 0 }])
    await cache.close()
  })

  it('is made of what has come and not of what has gone', () => {
    const { clock, monitor } = monitored()
    const advisor = createAdvisor(monitor)
    const unwatch = monitor.watch('late', createMemoryCache({ max: 10, clock }))
    expect(advisor.report().caches.map(({ name }) => name)).toEqual(['late'])
    unwatch()
    expect(advisor.report().caches).toEqual([])
  })

  it('goes on when what is watched is closed, and does not watch a curve that nobody wanted', () => {
    const { clock, monitor } = monitored()
    const [closed, plain] = [createMemoryCache<number, number>({ max: 10, clock }), createMemoryCache<number, number>({ max: 10, clock })]
    monitor.watch('closed', closed)
    monitor.watch('plain', plain, { curve: false })
    const advisor = createAdvisor(monitor, { minSamples: 10 })
    for (const cache of [closed, plain]) {
      for (let read = 0; read < 200; read += 1) if (cache.get(read % 20) === undefined) cache.set(read % 20, read)
    }
    closed.close()
    expect(advisor.recommendations().map(({ id }) => id)).not.toContain('plain:larger')
    expect(advisor.report().caches.map(({ name, reads }) => [name, reads])).toEqual([
      ['closed', 200],
      ['plain', 200],
    ])
    // The first call is what begins the watch.
    expect(plain.missRatioCurve().reads).toBe(0)
  })

  it('stands in the snapshots of the monitor, and is applied from there, until the advisor is closed', async () => {
    const { monitor, cache, advisor } = readThrough({ max: 300 })
    const [first] = monitor.snapshot().recommendations
    expect(first).toMatchObject({ id: 'users:larger', canApply: true })
    await monitor.apply('users:larger')
    expect(cache.stats().max).toBe(first?.to)
    advisor.close()
    expect(monitor.snapshot().recommendations).toEqual([])
  })

  it('refuses what cannot be meant', () => {
    const { monitor } = monitored()
    expect(() => createAdvisor({} as Monitor)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    expect(() => createAdvisor(monitor, { minGain: 2 })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })
})
