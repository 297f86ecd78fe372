import { describe, expect, test, vi } from 'vitest'
import { type CacheOptions, createCache, createRegistry } from '../../../js/index.ts'
import { ManualClock, plantTrap } from '../../../js/testing.ts'
import { deferred } from './deferred.ts'
import { MapStore } from './map-store.ts'

function cacheWith(options: CacheOptions<unknown> = {}) {
  const clock = new ManualClock()
  const store = new MapStore()
  return { clock, store, cache: createCache<unknown>({ clock, store, ...options }) }
}

describe('getOrSet', () => {
  test('10 000 calls for one missing key are one load', async () => {
    const { cache } = cacheWith()
    const loader = vi.fn(async () => 'made')
    const values = await Promise.all(Array.from({ length: 10_000 }, () => cache.getOrSet('a', loader)))
    expect(loader).toHaveBeenCalledTimes(1)
    expect(new Set(values)).toEqual(new Set(['made']))
    expect(cache.stats()).toMatchObject({ loads: 1, coalesced: 9999, misses: 1 })
    expect(cache.pending()).toEqual({ loads: 0, leases: 0 })
  })

  test('one caller who gives up does not disturb another', async () => {
    const { cache } = cacheWith()
    const { promise, resolve } = deferred<string>()
    const controller = new AbortController()
    const impatient = cache.getOrSet('a', () => promise, { signal: controller.signal })
    const patient = cache.getOrSet('a', () => promise)
    controller.abort(new Error('enough'))
    await expect(impatient).rejects.toThrow('enough')
    resolve('made')
    await expect(patient).resolves.toBe('made')
    await expect(cache.get('a')).resolves.toBe('made')
  })

  test('when the last caller has left, the loader is told, and the next call loads anew', async () => {
    const { cache } = cacheWith()
    const controller = new AbortController()
    let told: AbortSignal | undefined
    const neverEnding = ({ signal }: { signal: AbortSignal }) => {
      told = signal
      return new Promise<unknown>(() => {})
    }
    const waiting = cache.getOrSet('a', neverEnding, { signal: controller.signal })
    await vi.waitFor(() => expect(told).toBeDefined())
    controller.abort()
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' })
    expect(told?.aborted).toBe(true)
    await expect(cache.getOrSet('a', () => 'again')).resolves.toBe('again')
    expect(cache.pending().loads).toBe(0)
  })

  test('a failure reaches all who wait, as it is, and is not kept', async () => {
    const { cache } = cacheWith()
    const failure = new Error('no such user')
    const both = [1, 2].map(() => cache.getOrSet('a', () => Promise.reject(failure)))
    for (const one of both) await expect(one).rejects.toBe(failure)
    await expect(cache.getOrSet('a', () => 'fine')).resolves.toBe('fine')
    await expect(
      cache.getOrSet('b', () => {
        throw failure
      }),
    ).rejects.toBe(failure)
    expect(cache.stats()).toMatchObject({ loads: 3, loadErrors: 2 })
  })

  test('null is a value, undefined is none and is not stored', async () => {
    const { cache, store } = cacheWith()
    await expect(cache.getOrSet('null', () => null)).resolves.toBe(null)
    await expect(cache.getOrSet('none', () => undefined)).resolves.toBeUndefined()
    await cache.flush()
    expect([...store.entries.keys()]).toEqual(['null'])
  })

  test.each([
    ['set', (cache: ReturnType<typeof cacheWith>['cache']) => cache.set('a', 'newer'), 'newer'],
    ['delete', (cache: ReturnType<typeof cacheWith>['cache']) => cache.delete('a'), undefined],
    ['clear', (cache: ReturnType<typeof cacheWith>['cache']) => cache.clear(), undefined],
  ])('a late load never overwrites a newer %s', async (_, change, expected) => {
    const { cache, store } = cacheWith()
    const { promise, resolve } = deferred<string>()
    const loading = cache.getOrSet('a', () => promise)
    await vi.waitFor(() => expect(cache.stats().loads).toBe(1))
    await change(cache)
    resolve('late')
    await expect(loading).resolves.toBe('late')
    await expect(cache.get('a')).resolves.toBe(expected)
    expect(store.entries.get('a')?.value).toBe(expected)
    expect(cache.stats().discarded).toBe(1)
  })

  test('a caller who comes after a deletion does not get the load that began before it', async () => {
    const { cache } = cacheWith()
    const { promise, resolve } = deferred<string>()
    const before = cache.getOrSet('a', () => promise)
    await vi.waitFor(() => expect(cache.stats().loads).toBe(1))
    await cache.delete('a')
    const after = cache.getOrSet('a', () => 'fresh')
    resolve('stale')
    expect(await Promise.all([before, after])).toEqual(['stale', 'fresh'])
    await expect(cache.get('a')).resolves.toBe('fresh')
  })

  test('bad input rejects with a code', async () => {
    const { cache } = cacheWith()
    const invalid = { code: 'ERR_INVALID_ARGUMENT' }
    await expect(cache.getOrSet('a', 'no function' as never)).rejects.toMatchObject(invalid)
    await expect(cache.getOrSet('a', () => 1, { ttl: -1 })).rejects.toMatchObject(invalid)
    await expect(cache.getOrSet('a', () => 1, { persist: 'soon' as never })).rejects.toMatchObject(invalid)
    await expect(cache.set(1 as never, 1)).rejects.toMatchObject(invalid)
    await expect(cache.set('a', undefined)).rejects.toMatchObject(invalid)
    await expect(cache.set('a', 1, { persist: 'soon' as never })).rejects.toMatchObject(invalid)
    for (const options of [{ store: {} }, { tiers: 'x' }, { persist: 'x' }, { persist: 'stored' }, { store: new MapStore(), tiers: [] }]) {
      expect(() => createCache(options as never)).toThrow(expect.objectContaining(invalid))
    }
  })
})

describe('tiers', () => {
  test('what memory has lost comes back from the tier, with the time it had left', async () => {
    const { cache, clock, store } = cacheWith({ max: 1, ttl: '1m' })
    await cache.set('a', 1)
    await cache.set('b', 2)
    expect(cache.memory.has('a')).toBe(false)
    clock.advance(40_000)
    await expect(cache.get('a')).resolves.toBe(1)
    expect(cache.memory.has('a')).toBe(true)
    clock.advance(20_000)
    await expect(cache.get('a')).resolves.toBeUndefined()
    expect(store.entries.has('a')).toBe(true)
  })

  test('keys asked for together go down as one read', async () => {
    const { cache, store } = cacheWith()
    await cache.flush()
    await Promise.all(['a', 'b', 'a', 'c'].map(key => cache.get(key)))
    expect(store.calls).toEqual(['get a,b,c'])
    await cache.set('b', 1)
    expect(await cache.getMany(['a', 'b', 'c'])).toEqual([undefined, 1, undefined])
    expect(store.calls.at(-1)).toBe('get a,c')
  })

  test('a read that set out before a write does not bring the old value back', async () => {
    const { cache, store } = cacheWith()
    store.entries.set('a', { value: 'old', writtenAt: 0, expiresAt: Number.POSITIVE_INFINITY })
    await cache.flush()
    const { promise, resolve } = deferred<void>()
    store.pause = () => promise
    const reading = cache.get('a')
    await Promise.resolve()
    const writing = cache.set('a', 'new')
    resolve()
    await Promise.all([reading, writing])
    await expect(cache.get('a')).resolves.toBe('new')
  })

  test('nor does one for a load: what was deleted meanwhile is not in memory afterwards', async () => {
    const { cache, store } = cacheWith()
    store.entries.set('a', { value: 'old', writtenAt: 0, expiresAt: Number.POSITIVE_INFINITY })
    await cache.flush()
    const { promise, resolve } = deferred<void>()
    store.pause = () => promise
    const loading = cache.getOrSet('a', () => 'new').catch(() => {})
    await Promise.resolve()
    const deleting = cache.delete('a')
    resolve()
    await Promise.all([loading, deleting])
    store.pause = async () => {}
    expect(cache.memory.get('a')).not.toBe('old')
    await expect(cache.get('a')).resolves.not.toBe('old')
  })

  test('the nearest tier that has it answers, and those above learn of it', async () => {
    const near = new MapStore()
    const far = new MapStore()
    const cache = createCache<number>({ tiers: [near, far] })
    far.entries.set('a', { value: 7, writtenAt: 0, expiresAt: Number.POSITIVE_INFINITY })
    await expect(cache.get('a')).resolves.toBe(7)
    expect(near.entries.get('a')?.value).toBe(7)
    await expect(cache.delete('a')).resolves.toBe(true)
    expect([near.entries.size, far.entries.size]).toEqual([0, 0])
  })

  test('an invalid entry in the middle of many loses none of those before it', async () => {
    const { cache, store } = cacheWith()
    const entries: [string, unknown][] = [
      ['a', 1],
      ['b', undefined],
      ['c', 3],
    ]
    await expect(cache.setMany(entries)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    await cache.flush()
    expect([...store.entries.keys()]).toEqual(['a'])
    await expect(cache.get('a')).resolves.toBe(1)
  })

  test('closed, everything says so, and a load under way ends', async () => {
    const { cache, store } = cacheWith()
    const loading = cache.getOrSet('a', () => new Promise(() => {}))
    await vi.waitFor(() => expect(cache.stats().loads).toBe(1))
    await cache.close()
    await cache.close()
    const closed = { code: 'ERR_CLOSED' }
    await expect(loading).rejects.toMatchObject(closed)
    for (const call of [
      cache.get('a'),
      cache.set('a', 1),
      cache.delete('a'),
      cache.getOrSet('a', () => 1),
      cache.flush(),
      cache.clear(),
      cache.has('a'),
      cache.getMany(['a']),
    ]) {
      await expect(call).rejects.toMatchObject(closed)
    }
    expect(store.calls.filter(call => call === 'close')).toHaveLength(1)
  })

  test('a dispose callback that throws is reported, and keeps no write, load or end from being done', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const { cache, store } = cacheWith({
      dispose: () => {
        throw new Error('a callback failed')
      },
    })
    await cache.set('a', 1)
    const { promise, resolve } = deferred<number>()
    const loading = cache.getOrSet('a', () => promise, { forceFresh: true })
    await cache.set('a', 2)
    expect(store.entries.get('a')?.value).toBe(2)
    resolve(3)
    expect(await loading).toBe(3)
    expect(await cache.get('a')).toBe(2)
    expect(await cache.getOrSet('a', () => 4, { forceFresh: true })).toBe(4)
    await cache.flush()
    expect(store.entries.get('a')?.value).toBe(4)
    await cache.close()
    expect(store.calls.at(-1)).toBe('close')
    expect(warn).toHaveBeenCalledTimes(3)
    expect(warn).toHaveBeenCalledWith(expect.objectContaining({ name: 'ShelflifeWarning', cause: new Error('a callback failed') }))
    warn.mockRestore()
  })

  test('after a trap it is cold in memory and warm below', async () => {
    const { cache } = cacheWith()
    await cache.set('a', 1)
    expect(() => plantTrap()).toThrow()
    await cache.set('b', 2)
    for (let at = 0; at < 100; at += 1) await cache.get('b')
    await expect(cache.getMany(['a', 'b'])).resolves.toEqual([1, 2])
  })
})

test('wrap answers a function from the cache, by name and arguments', async () => {
  const cache = createCache<unknown>()
  const calls: unknown[] = []
  async function load(id: number, deep = false) {
    calls.push([id, deep])
    return { id, deep }
  }
  const cached = cache.wrap(load)
  expect(await cached(1)).toEqual({ id: 1, deep: false })
  expect(await cached(1)).toBe(await cached(1))
  await cached(1, true)
  expect(calls).toHaveLength(2)
  const keyed = cache.wrap(load, { key: id => `user:${id}` })
  await keyed(5)
  expect(cache.memory.has('user:5')).toBe(true)
  expect(() => cache.wrap(async () => 1)).toThrow(/key must be given/)
  expect(() => cached(Number.NaN)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  expect(() => cached({} as never)).toThrow(/key must be given/)
  expect(() => cacheWith().cache.wrap(load)).toThrow(/key must be given where values are stored/)
})

test('thirty calls under one signal put one listener on it', async () => {
  const { cache } = cacheWith()
  const { signal } = new AbortController()
  const added = vi.spyOn(signal, 'addEventListener')
  const removed = vi.spyOn(signal, 'removeEventListener')
  await Promise.all(Array.from({ length: 30 }, (_, at) => cache.getOrSet(`key ${at}`, async () => at, { signal })))
  expect(added.mock.calls.length).toBeLessThanOrEqual(2)
  expect(removed.mock.calls.length).toBe(added.mock.calls.length)
})

test('reports into a registry', async () => {
  const metrics = createRegistry()
  const { cache } = cacheWith({ metrics, name: 'users' })
  await cache.getOrSet('a', () => 1)
  await cache.getOrSet('a', () => 1)
  const text = await metrics.metrics()
  expect(text).toContain('cache_hits_total{cache="users"} 1')
  expect(text).toContain('cache_loads_total{cache="users",outcome="ok"} 1')
  expect(text).toContain('cache_tier_hits_total{cache="users",tier="1:map"} 0')
})
