import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type CacheOptions, createCache, createMemoryCache, type MemoryCacheOptions } from '../../../js/index.ts'
import { ManualClock } from '../../../js/testing.ts'
import { MapStore } from './map-store.ts'

const MEMORY_EVENTS = ['hit', 'miss', 'set', 'delete', 'evict', 'expire', 'invalidate', 'oversize'] as const

function listenedTo(options: MemoryCacheOptions<string, number> = {}) {
  const clock = new ManualClock()
  const told: unknown[] = []
  const cache = createMemoryCache<string, number>({ clock, ...options })
  for (const name of MEMORY_EVENTS) cache.on(name, event => told.push([name, ...Object.values(event)]))
  const since = () => told.splice(0)
  return { clock, cache, since }
}

describe('events of a memory cache', () => {
  let warnings: unknown[] = []
  beforeEach(() => {
    warnings = []
    vi.spyOn(process, 'emitWarning').mockImplementation(warning => void warnings.push(warning))
  })
  afterEach(() => vi.restoreAllMocks())

  test('each is told once, when the change is complete', () => {
    const { cache, clock, since } = listenedTo({ max: 2, ttl: 100, maxSize: 10, sizeCalculation: value => value })
    cache.get('a')
    cache.set('a', 1)
    cache.set('a', 2)
    cache.get('a')
    expect(since()).toEqual([
      ['miss', 'a', 'cold'],
      ['set', 'a', 1],
      ['set', 'a', 2],
      ['hit', 'a', 2],
    ])
    cache.set('b', 3, { tags: ['x'] })
    cache.set('c', 4)
    cache.set('d', 99)
    cache.invalidateTags(['x'])
    cache.delete('c')
    cache.get('a')
    expect(since()).toEqual([
      ['set', 'b', 3],
      ['evict', 'a', 2],
      ['set', 'c', 4],
      ['oversize', 'd', 99],
      ['invalidate', 'b', 3],
      ['delete', 'c', 4],
      ['miss', 'a', 'evicted'],
    ])
    cache.set('e', 5)
    clock.advance(100)
    cache.get('e')
    expect(since()).toEqual([
      ['set', 'e', 5],
      ['expire', 'e', 5],
      ['miss', 'e', 'expired'],
    ])
    cache.set('f', 1)
    cache.set('g', 1)
    since()
    cache.clear()
    expect(since()).toEqual([
      ['delete', 'f', 1],
      ['delete', 'g', 1],
    ])
  })

  test('a listener meets a consistent cache and may change it; what that causes is told after it', () => {
    const cache = createMemoryCache<string, number>({ max: 2 })
    const told: string[] = []
    cache.on('set', ({ key }) => told.push(`set ${key}`))
    cache.on('evict', ({ key }) => {
      cache.validate()
      told.push(`evict ${key}`)
      if (key === 'a') cache.set('again', 1)
      cache.validate()
    })
    for (const key of ['a', 'b', 'c']) cache.set(key, 1)
    expect(told).toEqual(['set a', 'set b', 'evict a', 'set c', 'evict b', 'set again'])
  })

  test('one that fails harms neither the cache nor the others, and is reported', async () => {
    const cache = createMemoryCache<string, number>({ max: 1 })
    const told: string[] = []
    for (const name of ['set', 'evict', 'hit', 'miss'] as const) {
      cache.on(name, () => {
        throw new Error(`of ${name}`)
      })
      cache.on(name, async () => Promise.reject(new Error(`of ${name}, later`)))
      cache.on(name, () => told.push(name))
    }
    cache.set('a', 1)
    cache.set('b', 2)
    expect([cache.get('b'), cache.get('a')]).toEqual([2, undefined])
    expect(told).toEqual(['set', 'evict', 'set', 'hit', 'miss'])
    cache.validate()
    await settled()
    expect(warnings.map(warning => (warning as Error).message)).toContain('a listener of a cache threw: of evict')
    expect(warnings).toHaveLength(10)
  })

  test('dispose is told first, and what it throws keeps nothing from the listeners', () => {
    const told: string[] = []
    const cache = createMemoryCache<string, number>({
      dispose: (_, key, reason) => {
        told.push(`${reason} ${key}`)
        throw new Error('from dispose')
      },
    })
    cache.on('delete', ({ key }) => told.push(`listener ${key}`))
    cache.set('a', 1)
    expect(() => cache.delete('a')).toThrow('from dispose')
    expect(told).toEqual(['delete a', 'listener a'])
  })

  test('whoever left hears nothing more; a function added twice is taken away once', () => {
    const cache = createMemoryCache<string, number>()
    const listener = vi.fn()
    const [off] = [cache.on('hit', listener), cache.on('hit', listener)]
    cache.set('a', 1)
    cache.get('a')
    expect(listener).toHaveBeenCalledTimes(2)
    off?.()
    off?.()
    cache.get('a')
    expect(listener).toHaveBeenCalledTimes(3)
  })

  test('who listens to hits takes nothing from the cache: it reads as before when nobody listens any more', () => {
    const cache = createMemoryCache<string, number>()
    const plain = cache.get
    const off = cache.on('hit', () => {})
    expect(cache.get).not.toBe(plain)
    cache.set('a', 1)
    expect([cache.get('a'), cache.take('a'), cache.getMany(['a'])]).toEqual([1, 1, [undefined]])
    off()
    expect(cache.get).toBe(plain)
    expect(Object.hasOwn(cache, 'get')).toBe(false)
    expect(cache.stats()).toMatchObject({ hits: 2, misses: 1 })
  })

  test.each([
    ['evicted', () => {}, 'event'],
    ['__proto__', () => {}, 'event'],
    ['set', 'no function', 'listener'],
  ])('refuses %s', (event, listener, what) => {
    const cache = createMemoryCache<string, number>()
    const call = () => cache.on(event as 'set', listener as () => void)
    expect(call).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining(what) }))
  })
})

/** What is under way and waits for nothing has come to its end. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()
}

const CACHE_EVENTS = [
  'hit',
  'miss',
  'stale',
  'set',
  'delete',
  'evict',
  'expire',
  'invalidate',
  'loadStart',
  'loadEnd',
  'loadError',
] as const

function tieredListenedTo(options: CacheOptions<unknown> = {}) {
  const clock = new ManualClock()
  const told: unknown[] = []
  const cache = createCache<unknown>({ clock, ttl: 100, ...options })
  for (const name of CACHE_EVENTS) cache.on(name, event => told.push([name, ...Object.values(event)]))
  const since = () => told.splice(0)
  return { clock, cache, since }
}

describe('events of a cache with tiers', () => {
  test('reads, loads and what becomes of entries', async () => {
    const { cache, clock, since } = tieredListenedTo({ max: 1 })
    await cache.getOrSet('a', () => {
      clock.advance(7)
      return 1
    })
    expect(since()).toEqual([
      ['miss', 'a', 'cold'],
      ['loadStart', 'a', false],
      ['loadEnd', 'a', 7, 1],
      ['set', 'a', 1],
    ])
    await cache.get('a')
    await cache.set('b', 2)
    await cache.invalidate('b')
    await cache.get('b')
    expect(since()).toEqual([
      ['hit', 'a', 1],
      ['evict', 'a', 1],
      ['set', 'b', 2],
      ['invalidate', 'b', 2],
      ['miss', 'b', 'invalidated'],
    ])
    const failure = new Error('no answer')
    await expect(cache.getOrSet('c', () => Promise.reject(failure))).rejects.toBe(failure)
    expect(since()).toEqual([
      ['miss', 'c', 'cold'],
      ['loadStart', 'c', false],
      ['loadError', 'c', 0, failure],
    ])
  })

  test('stale values, each with the reason', async () => {
    const { cache, clock, since } = tieredListenedTo({ staleWhileRevalidate: 100, staleIfError: 1000 })
    await cache.set('a', 'old')
    clock.advance(150)
    since()
    await cache.getOrSet('a', () => 'new')
    expect(since()).toEqual([
      ['stale', 'a', 'old', 'revalidate'],
      ['loadStart', 'a', true],
    ])
    await settled()
    expect(since()).toEqual([
      ['loadEnd', 'a', 0, 'new'],
      ['set', 'a', 'new'],
    ])
    clock.advance(400)
    await cache.getOrSet('a', () => Promise.reject(new Error('no answer')))
    expect(since().map(event => (event as unknown[])[0])).toEqual(['miss', 'loadStart', 'loadError', 'stale'])
  })

  test('nothing inside is shown: neither that there is nothing, nor the value itself where it is kept apart', async () => {
    const { cache, since } = tieredListenedTo({ negativeTtl: 50, isolate: 'clone' })
    await cache.getOrSet('none', () => undefined)
    await cache.get('none')
    expect(since().map(event => (event as unknown[])[0])).toEqual(['miss', 'loadStart', 'loadEnd'])
    cache.on('set', ({ value }) => {
      ;(value as { name: string }).name = 'changed'
    })
    await cache.set('a', { name: 'Ada' })
    expect(await cache.get('a')).toEqual({ name: 'Ada' })
  })

  test('what a tier has is a hit', async () => {
    const store = new MapStore()
    const first = createCache<unknown>({ store })
    await first.set('a', 1)
    await first.close()
    const { cache, since } = tieredListenedTo({ store })
    await cache.get('a')
    await cache.get('z')
    expect(since()).toEqual([
      ['set', 'a', 1],
      ['hit', 'a', 1],
      ['miss', 'z', 'cold'],
    ])
  })
})

test('a tier that refuses a loaded value is told of, and nobody is hurt', async () => {
  const store = new MapStore()
  const cache = createCache<number>({ store })
  const told: unknown[] = []
  cache.on('tierError', event => told.push(event))
  store.refuse = new Error('full')
  expect(await cache.getOrSet('a', () => 1)).toBe(1)
  await settled()
  expect(told).toEqual([{ key: 'a', error: store.refuse }])
  await expect(cache.set('b', 2, { persist: 'stored' })).rejects.toBe(store.refuse)
  expect(told).toHaveLength(1)
  await cache.set('c', 3)
  expect(told.at(-1)).toEqual({ key: 'c', error: store.refuse })
})

describe('how long loads took', () => {
  test('percentiles within 6 per cent, failures included', async () => {
    const clock = new ManualClock()
    const cache = createCache<number>({ clock })
    expect(cache.stats().loadLatency).toEqual({ count: 0, mean: 0, p50: 0, p95: 0, p99: 0, max: 0 })
    for (let ms = 1; ms <= 1000; ms += 1) {
      const load = cache.getOrSet(`${ms}`, () => {
        clock.advance(ms)
        if (ms % 10 === 0) throw new Error('no answer')
        return ms
      })
      await load.catch(() => {})
    }
    const { count, mean, p50, p95, p99, max } = cache.stats().loadLatency
    expect([count, mean, max]).toEqual([1000, 500.5, 1000])
    for (const [found, truth] of [
      [p50, 500],
      [p95, 950],
      [p99, 990],
    ] as const)
      expect(Math.abs(found / truth - 1)).toBeLessThan(0.06)
  })
})
