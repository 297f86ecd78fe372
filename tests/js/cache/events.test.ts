import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createMemoryCache, type MemoryCacheOptions } from '../../../js/index.ts'
import { ManualClock } from '../../../js/testing.ts'

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
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve()
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
