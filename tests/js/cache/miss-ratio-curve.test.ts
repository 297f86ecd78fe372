import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createMemoryCache, type MemoryCache } from '../../../js/index.ts'
import { ManualClock, plantTrap } from '../../../js/testing.ts'
import { Seeded } from '../model/random.ts'

const SCALES = [0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4]

/** Zipf-like reads with a scan now and then, as real traffic has them. */
function trace(length: number, keys: number): number[] {
  const random = new Seeded(11)
  return Array.from({ length }, (_, at) =>
    at % 50_000 > 45_000 ? 10_000_000 + at : Math.floor(keys * (random.below(1_000_000) / 1_000_000) ** 4),
  )
}

function replay(cache: MemoryCache<string, number>, keys: readonly number[]): void {
  for (const key of keys) {
    const name = `user:${key}`
    if (cache.get(name) === undefined) cache.set(name, key)
  }
}

const rateOf = (max: number, keys: readonly number[]) => {
  const cache = createMemoryCache<string, number>({ max })
  replay(cache, keys)
  return cache.stats().hitRate
}

describe('the hit rates of other limits', () => {
  test('every point is near what a cache of that size has', () => {
    // A sample is a matter of chance: which keys are in it shall not differ from run to run.
    const seeds = vi.spyOn(crypto, 'getRandomValues').mockImplementation(words => (words as Uint32Array).fill(7) as typeof words)
    onTestFinished(() => seeds.mockRestore())
    const keys = trace(300_000, 60_000)
    const max = 8000
    const cache = createMemoryCache<string, number>({ max })
    expect(cache.missRatioCurve()).toEqual({ reads: 0, hitRate: 0, points: [] })
    replay(cache, keys)
    const { reads, hitRate, points } = cache.missRatioCurve()
    expect({ reads, hitRate }).toEqual({ reads: keys.length, hitRate: cache.stats().hitRate })
    expect(points.map(({ scale, max }) => [scale, max])).toEqual(SCALES.map(scale => [scale, max * scale]))
    for (const { max, hitRate } of points) expect(Math.abs(hitRate - rateOf(max, keys)), `${max} entries`).toBeLessThan(0.02)
    cache.validate()
  })

  test('are watched for a while, kept while it rests, and watched anew', () => {
    const cache = createMemoryCache<number, number>({ max: 100 })
    cache.missRatioCurve()
    const read = (times: number, keys: number) => {
      for (let at = 0; at < times; at += 1) if (cache.get(at % keys) === undefined) cache.set(at % keys, at)
    }
    read(100_000, 100)
    const kept = cache.missRatioCurve()
    expect(kept.reads).toBe(100_000)
    expect(kept.points[0]?.hitRate).toBe(0)
    expect(kept.points[3]?.hitRate).toBeCloseTo(0.999, 3)
    // What comes now is another world, of which nothing is seen for 64 times as long.
    read(64 * 100_000 - 1, 20)
    expect(cache.missRatioCurve()).toBe(kept)
    read(2, 20)
    expect(cache.missRatioCurve()).toBe(kept)
    read(10_000, 20)
    expect(cache.missRatioCurve()).toBe(kept)
    read(20_000, 20)
    const anew = cache.missRatioCurve()
    expect(anew.reads).toBe(30_000)
    expect(anew.points[0]?.hitRate).toBeGreaterThan(0.99)
    cache.validate()
    // Other limits: nothing that was known counts any more.
    cache.resize({ max: 50 })
    expect(cache.missRatioCurve().reads).toBe(0)
  })

  test('is exact for a small cache with sets in between', () => {
    const caches = SCALES.map(scale => createMemoryCache<string, number>({ max: 8 * scale }))
    const own = caches[3] as MemoryCache<string, number>
    own.missRatioCurve()
    const random = new Seeded(3)
    for (let at = 0; at < 20_000; at += 1) {
      const key = `${random.below(40)}`
      const choice = random.below(20)
      for (const cache of caches) {
        if (choice < 2) cache.set(key, at)
        else cache.get(key)
      }
      // What misses in the smallest is loaded; the larger ones have it already, or get it, too.
      if (choice > 1) for (const cache of caches) if (!cache.has(key)) cache.set(key, at)
    }
    const { points } = own.missRatioCurve()
    for (const [at, { hitRate }] of points.entries()) expect(hitRate).toBeCloseTo((caches[at] as typeof own).stats().hitRate, 10)
  })

  test('sizes rule where there is a limit of size', () => {
    const keys = trace(100_000, 5000)
    const limits = { max: 100_000, maxSize: 20_000, sizeCalculation: (value: number) => 1 + (value % 50) }
    const cache = createMemoryCache<string, number>(limits)
    cache.missRatioCurve()
    replay(cache, keys)
    for (const { maxSize, hitRate } of cache.missRatioCurve().points) {
      const other = createMemoryCache<string, number>({ ...limits, maxSize })
      replay(other, keys)
      expect(Math.abs(hitRate - other.stats().hitRate), `${maxSize}`).toBeLessThan(0.02)
    }
  })

  test('what has expired would have in any cache', () => {
    const clock = new ManualClock()
    const cache = createMemoryCache<string, number>({ max: 10, ttl: 100, clock })
    cache.missRatioCurve()
    for (let round = 0; round < 100; round += 1) {
      for (const key of ['a', 'b', 'c']) if (cache.get(key) === undefined) cache.set(key, round)
      clock.advance(50)
    }
    const { hitRate, points } = cache.missRatioCurve()
    expect(hitRate).toBe(0.5)
    expect(points.map(point => point.hitRate)).toEqual([0, ...SCALES.slice(1).map(() => 0.5)])
  })

  test.each(['s3fifo', 'tinylfu', 'auto'] as const)('at its own limits it is what %s measures', policy => {
    const cache = createMemoryCache<string, number>({ max: 1000, policy, seed: 1 })
    cache.missRatioCurve()
    replay(cache, trace(50_000, 10_000))
    const { points } = cache.missRatioCurve()
    expect(points[3]?.hitRate).toBeCloseTo(cache.stats().hitRate, 10)
    for (const [at, { hitRate }] of points.entries()) {
      expect(hitRate).toBeGreaterThanOrEqual(points[at - 1]?.hitRate ?? 0)
      expect(hitRate).toBeLessThanOrEqual(1)
    }
  })

  test('counts anew after resize; knows what was there before it was asked for', () => {
    const cache = createMemoryCache<string, number>({ max: 100 })
    for (let at = 0; at < 100; at += 1) cache.set(`${at}`, at)
    cache.missRatioCurve()
    for (let at = 0; at < 100; at += 1) cache.get(`${at}`)
    expect(cache.missRatioCurve().points[3]?.hitRate).toBe(1)
    cache.resize({ max: 50 })
    expect(cache.missRatioCurve()).toEqual({ reads: 0, hitRate: 0, points: [] })
    cache.get('99')
    expect(cache.missRatioCurve()).toMatchObject({ reads: 1, hitRate: 1 })
  })

  test('goes on after clear and after a trap; is ERR_CLOSED after close', () => {
    const cache = createMemoryCache<string, number>({ max: 100 })
    cache.missRatioCurve()
    for (const disturb of [() => cache.clear(), () => expect(plantTrap).toThrow(), () => {}]) {
      for (let at = 0; at < 5000; at += 1) replay(cache, [at % 120])
      disturb()
      replay(cache, [1])
      cache.validate()
      for (const { hitRate } of cache.missRatioCurve().points) expect(hitRate).toBeLessThanOrEqual(1)
    }
    cache.close()
    expect(() => cache.missRatioCurve()).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
  })
})

const folder = process.env.SHELFLIFE_TRACES

describe.skipIf(folder === undefined)('on the traces in SHELFLIFE_TRACES', () => {
  const files = folder === undefined ? [] : readdirSync(folder).filter(name => name.endsWith('.u32.gz'))
  test.each(files)('%s: within two points at its own size', { timeout: 60_000 }, name => {
    const bytes = gunzipSync(readFileSync(join(folder as string, name)))
    const keys = [...new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)]
    for (const share of [0.01, 0.05, 0.25]) {
      const cache = createMemoryCache<number, number>({ max: Math.max(100, Math.round(new Set(keys).size * share)) })
      cache.missRatioCurve()
      for (const key of keys) if (cache.get(key) === undefined) cache.set(key, key)
      expect(Math.abs((cache.missRatioCurve().points[3]?.hitRate ?? 0) - cache.stats().hitRate), `${share}`).toBeLessThan(0.02)
    }
  })
})
