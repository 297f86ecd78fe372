import { createCache as createReference } from 'cache-manager'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { fromCache, type ManagedCache } from '../../../js/cache-manager.ts'
import { createCache } from '../../../js/index.ts'
import { ManualClock } from '../../../js/testing.ts'

const both = [
  { name: 'cache-manager', make: (options?: { ttl: number }) => createReference(options) as unknown as ManagedCache },
  { name: 'shelflife/cache-manager', make: (options?: { ttl: number }) => fromCache(createCache(), options) },
]

describe.each(both)('the documented calls of $name', ({ make }) => {
  beforeAll(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'], now: 1_700_000_000_000 })
  })
  afterAll(() => {
    vi.useRealTimers()
  })

  test('get, set, del', async () => {
    const cache = make()
    expect([await cache.set('a', 1), await cache.get('a'), await cache.get('x')]).toEqual([1, 1, undefined])
    expect([await cache.set('n', null), await cache.get('n')]).toEqual([null, null])
    expect([await cache.set('a', undefined), await cache.get('a')]).toEqual([undefined, undefined])
    expect([await cache.del('n'), await cache.del('n'), await cache.get('n')]).toEqual([true, true, undefined])
  })

  test('mget, mset, mdel, clear', async () => {
    const cache = make()
    const list = [
      { key: 'a', value: 1 },
      { key: 'b', value: 2, ttl: 5000 },
    ]
    expect((await cache.mset(list)).map(({ key, value }) => [key, value])).toEqual([
      ['a', 1],
      ['b', 2],
    ])
    expect(await cache.mget(['a', 'x', 'b'])).toEqual([1, undefined, 2])
    expect([await cache.mdel(['a', 'x']), await cache.mget(['a', 'b'])]).toEqual([true, [undefined, 2]])
    expect([await cache.clear(), await cache.get('b')]).toEqual([true, undefined])
  })

  test('ttl, by call and by default; 0 means for ever', async () => {
    const cache = make({ ttl: 60_000 })
    const left = async (key: string) => ((await cache.ttl(key)) ?? Number.NaN) - Date.now()
    await cache.set('a', 1)
    await cache.set('b', 1, 5000)
    await cache.set('c', 1, 0)
    expect([await left('a'), await left('b'), await cache.ttl('c'), await cache.ttl('x')]).toEqual([60_000, 5000, undefined, undefined])
    await cache.set('d', 1, 20)
    vi.advanceTimersByTime(19)
    expect(await cache.get('d')).toBe(1)
    vi.advanceTimersByTime(2)
    expect(await cache.get('d')).toBeUndefined()
    expect([await cache.ttl('d'), await make().set('e', 1), await cache.ttl('e')]).toEqual([undefined, 1, undefined])
  })

  test('wrap: one call for all who ask, kept as ttl says', async () => {
    const cache = make()
    const load = vi.fn(async () => ({ id: load.mock.calls.length }))
    const asked = await Promise.all([1, 2, 3].map(() => cache.wrap('a', load, 5000)))
    expect([asked, await cache.wrap('a', load), load.mock.calls.length]).toEqual([[{ id: 1 }, { id: 1 }, { id: 1 }], { id: 1 }, 1])
    await cache.wrap(
      'b',
      () => 3,
      (value: number) => value * 1000,
    )
    expect(((await cache.ttl('b')) ?? 0) - Date.now()).toBe(3000)
    expect(await cache.wrap('c', () => null)).toBeNull()
    expect([await cache.wrap('d', () => undefined), await cache.wrap('d', () => 4)]).toEqual([undefined, 4])
  })

  test('wrap: a failure reaches the caller and is not kept', async () => {
    const cache = make()
    const failing = async () => {
      throw new Error('failed')
    }
    await expect(cache.wrap('a', failing)).rejects.toThrow('failed')
    expect(await cache.wrap('a', () => 1)).toBe(1)
  })

  test('wrap with options: raw gives the time of expiry', async () => {
    const cache = make()
    const raw = await cache.wrap('a', () => 1, { ttl: 5000, raw: true })
    expect([raw.value, (raw.expires ?? 0) - Date.now()]).toEqual([1, 5000])
    expect((await cache.wrap('a', () => 2, { ttl: 5000, raw: true })).value).toBe(1)
    expect(await cache.wrap('a', () => 2, { ttl: 5000 })).toBe(1)
  })

  test('wrap: a value close to its end is made anew in the background', async () => {
    const cache = make()
    let made = 0
    const load = async () => ++made
    expect([await cache.wrap('a', load, 1000, 3000), await cache.wrap('a', load, 1000, 3000)]).toEqual([1, 1])
    await vi.waitFor(async () => expect(await cache.get('a')).toBe(2))
    expect(await cache.wrap('a', load, { ttl: 1000, refreshThreshold: (value: number) => value })).toBe(2)
    expect(made).toBe(2)
  })
})

describe('over a cache with a clock of its own', () => {
  test('times are those of that clock, and a refresh that fails leaves the value', async () => {
    const clock = new ManualClock({ wall: 1_000_000 })
    const manager = fromCache(createCache<number>({ clock }), { ttl: 1000, refreshThreshold: 500, clock })
    expect(await manager.wrap('a', () => 1)).toBe(1)
    expect(await manager.ttl('a')).toBe(1_001_000)
    clock.advance(600)
    const failing = vi.fn(() => Promise.reject(new Error('failed')))
    expect(await manager.wrap<number>('a', failing)).toBe(1)
    await vi.waitFor(() => expect(failing).toHaveBeenCalled())
    expect(await manager.get('a')).toBe(1)
    clock.advance(400)
    await expect(manager.wrap('a', failing)).rejects.toThrow('failed')
  })
})
