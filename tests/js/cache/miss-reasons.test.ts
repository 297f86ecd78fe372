import { describe, expect, test } from 'vitest'
import { createCache, createMemoryCache, createRegistry, type MissReason } from '../../../js/index.ts'
import { ManualClock } from '../../../js/testing.ts'
import { Seeded } from '../model/random.ts'

const NONE = { cold: 0, expired: 0, evicted: 0, invalidated: 0, deleted: 0 }

describe('why a read found nothing', () => {
  test('each reason, for as long as the key is away', () => {
    const clock = new ManualClock()
    const cache = createMemoryCache<string, number>({ clock, max: 4, ttl: '1s' })
    cache.get('never there')
    cache.setMany([
      ['a', 1],
      ['b', 2],
      ['c', 3, { tags: ['x'] }],
      ['d', 4, { ttl: 10 }],
    ])
    cache.delete('a')
    cache.invalidateTags(['x'])
    clock.advance(10)
    for (const key of ['a', 'a', 'c', 'd', 'd', 'd']) expect(cache.get(key)).toBeUndefined()
    for (const key of ['e', 'f', 'g', 'h']) cache.set(key, 0)
    cache.get('b')
    expect(cache.stats()).toMatchObject({
      misses: 8,
      missesByReason: { cold: 1, expired: 3, evicted: 1, invalidated: 1, deleted: 2 },
    })
  })

  test('a key that came back has no past; after clear none has', () => {
    const cache = createMemoryCache<string, number>({ max: 2 })
    cache.set('a', 1)
    cache.delete('a')
    cache.set('a', 1)
    cache.set('b', 1)
    cache.set('c', 1)
    cache.get('a')
    cache.clear()
    cache.get('a')
    cache.get('b')
    expect(cache.stats().missesByReason).toEqual({ ...NONE, cold: 2, evicted: 1 })
  })

  test('objects and long texts are let go of', () => {
    const cache = createMemoryCache<unknown, number>({ max: 1 })
    for (const key of [{}, 'x'.repeat(1000), () => 1, Number.NaN]) {
      cache.set(key, 1)
      cache.set('other', 1)
      cache.get(key)
    }
    expect(cache.stats().missesByReason).toEqual({ ...NONE, cold: 3, evicted: 1 })
  })

  test('reports each reason', async () => {
    const metrics = createRegistry()
    const cache = createMemoryCache<string, number>({ max: 1, metrics, name: 'users' })
    cache.set('a', 1)
    cache.set('b', 1)
    cache.get('a')
    cache.get('z')
    const text = await metrics.metrics()
    expect(text).toContain('cache_misses_total{cache="users",reason="evicted"} 1')
    expect(text).toContain('cache_misses_total{cache="users",reason="cold"} 1')
  })
})

describe('in a cache with tiers', () => {
  test('by what memory knew, for what the tiers do not have', async () => {
    const clock = new ManualClock()
    const cache = createCache<number>({ clock, max: 3, ttl: 100 })
    await cache.getMany(['a', 'b'])
    await cache.setMany([
      ['a', 1],
      ['b', 2],
      ['c', 3],
      ['d', 4],
    ])
    await cache.delete('b')
    await cache.getOrSet('a', () => 1)
    await cache.getMany(['z', 'b', 'c'])
    clock.advance(100)
    await cache.get('c')
    await cache.getOrSet('d', () => 4, { forceFresh: true })
    expect(cache.stats()).toMatchObject({ misses: 6, missesByReason: { cold: 3, evicted: 1, deleted: 1, expired: 1, invalidated: 0 } })
  })
})

/** Counts the reasons of all misses itself. */
function watched(max: number, operations: number, step: (random: Seeded) => { key: number; deletes: boolean; reads: boolean }) {
  const random = new Seeded(7)
  const left = new Map<number, MissReason>()
  const truth: Record<MissReason, number> = { ...NONE }
  const cache = createMemoryCache<string, number>({
    max,
    dispose: (value, _, reason) => left.set(value, reason === 'evict' ? 'evicted' : 'deleted'),
  })
  for (let at = 0; at < operations; at += 1) {
    const { key, deletes, reads } = step(random)
    const name = `user:${key}`
    if (deletes) cache.delete(name)
    else {
      if (reads && cache.get(name) === undefined) truth[left.get(key) ?? 'cold'] += 1
      if (!cache.has(name)) cache.set(name, key)
      left.delete(key)
    }
  }
  return { truth, stats: cache.stats() }
}

describe('with more departures than are remembered', () => {
  const skewed = (random: Seeded, keys: number) => Math.floor(keys * (random.below(10_000) / 10_000) ** 3)

  test.each([
    ['reads and sets', 500, 1],
    ['the same in a larger cache', 20_000, 1],
    ['many sets without a read', 500, 8],
  ])('estimates are near: %s', (_, max, writes) => {
    const { truth, stats } = watched(max, 400_000, random => ({
      key: skewed(random, max * 4),
      deletes: random.below(20) === 0,
      reads: random.below(writes) === 0,
    }))
    const found = stats.missesByReason
    expect(Object.values(found).reduce((sum, count) => sum + count, 0)).toBe(stats.misses)
    for (const reason of ['cold', 'evicted', 'deleted'] as const) {
      expect(Math.abs(found[reason] - truth[reason]) / stats.misses, `${reason}: ${found[reason]} for ${truth[reason]}`).toBeLessThan(0.06)
    }
  })
})

describe('why entries had to leave', () => {
  const NO_EVICTIONS = { max: 0, size: 0, quota: 0, memory: 0 }

  test('for number, for size, for the memory of others', () => {
    const cache = createMemoryCache<string, number>({ max: 3, maxSize: 10, sizeCalculation: value => value })
    for (const key of ['a', 'b', 'c', 'd']) cache.set(key, 2)
    expect(cache.stats().evictionsByReason).toEqual({ ...NO_EVICTIONS, max: 1 })
    cache.delete('d')
    cache.set('e', 9)
    expect(cache.stats().evictionsByReason).toEqual({ ...NO_EVICTIONS, max: 1, size: 2 })
    cache.trim(1)
    cache.setMany([
      ['f', 2],
      ['g', 2],
    ])
    cache.resize({ max: 1 })
    const { evictions, evictionsByReason } = cache.stats()
    expect(evictionsByReason).toEqual({ max: 2, size: 2, quota: 0, memory: 1 })
    expect(Object.values(evictionsByReason).reduce((sum, count) => sum + count, 0)).toBe(evictions)
  })

  test('for limits that are shared', () => {
    const cache = createMemoryCache<string, number>({ max: 4 })
    const [large, small] = [cache.namespace('large'), cache.namespace('small')]
    for (const key of ['a', 'b', 'c', 'd', 'e']) large.set(key, 1)
    expect(large.stats().evictionsByReason).toEqual({ ...NO_EVICTIONS, quota: 1 })
    small.set('f', 1)
    expect(large.stats().evictionsByReason).toEqual({ ...NO_EVICTIONS, quota: 2 })
    expect(small.stats().evictions).toBe(0)
  })
})
