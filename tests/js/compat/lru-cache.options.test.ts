import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { LRUCache } from '../../../js/lru-cache.ts'
import { both, deferred } from './both.ts'

type Options = LRUCache.OptionsBase<string, number, string>

beforeAll(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  // Not faked as a whole, since lru-cache has taken the object `performance` before.
  vi.spyOn(performance, 'now').mockImplementation(() => Date.now())
})
afterAll(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

describe.each(both)('options of $name', ({ LRUCache }) => {
  /** A clock of the test's own. */
  const clock = { time: 1000, now: () => clock.time }
  beforeEach(() => {
    clock.time = 1000
  })
  const cacheWith = (options: Options) =>
    new LRUCache<string, number, string>({ ttlResolution: 0, perf: clock, ...options } as LRUCache.Options<string, number, string>)
  const filled = (options: Options) => {
    const cache = cacheWith(options)
    for (const [index, key] of ['a', 'b', 'c'].entries()) cache.set(key, index + 1)
    return cache
  }

  test('one limit is needed', () => {
    expect(() => cacheWith({})).toThrow(TypeError)
    for (const limit of [{ max: 1 }, { maxSize: 1 }, { ttl: 1, ttlAutopurge: true }]) expect(cacheWith(limit).size).toBe(0)
  })

  test.each([
    { max: -1 },
    { max: 1.5 },
    { max: 1, ttl: -1 },
    { max: 1, ttl: 1.5 },
    { maxSize: -1 },
    { max: 1, maxEntrySize: 0.5 },
    { max: 1, sizeCalculation: () => 1 },
    { maxSize: 1, sizeCalculation: 1 },
    { max: 1, fetchMethod: 1 },
    { max: 1, memoMethod: 1 },
    { max: 1, perf: {} },
  ])('refused: %o', options => {
    expect(() => cacheWith(options as unknown as Options)).toThrow(TypeError)
  })

  test('max', () => {
    expect([...filled({ max: 2 }).keys()]).toEqual(['c', 'b'])
    expect(cacheWith({ max: 2 }).max).toBe(2)
  })

  test('maxSize', () => {
    const cache = cacheWith({ maxSize: 10 })
    cache.set('a', 1, { size: 6 }).set('b', 2, { size: 4 })
    expect(cache.calculatedSize).toBe(10)
    cache.set('c', 3, { size: 1 })
    expect([...cache.keys()]).toEqual(['c', 'b'])
    cache.set('d', 4, { size: 11 })
    expect([cache.has('d'), cache.size, cache.maxSize, cache.maxEntrySize]).toEqual([false, 2, 10, 10])
    expect(() => cache.set('e', 5)).toThrow(TypeError)
  })

  test('maxEntrySize', () => {
    const cache = cacheWith({ max: 3, maxEntrySize: 5 })
    cache.set('a', 1, { size: 5 })
    cache.set('a', 2, { size: 6 })
    expect(cache.has('a')).toBe(false)
  })

  test('sizeCalculation', () => {
    const cache = cacheWith({ maxSize: 10, sizeCalculation: (value, key) => value + key.length })
    cache.set('ab', 3).set('c', 1, { sizeCalculation: () => 4 })
    expect(cache.calculatedSize).toBe(9)
    expect(() => cache.set('d', 0.5)).toThrow(TypeError)
  })

  test('ttl', () => {
    const cache = filled({ max: 5, ttl: 10 })
    cache.set('d', 4, { ttl: 0 }).set('e', 5, { ttl: 30, start: 990 })
    clock.time += 10
    expect(cache.get('a')).toBe(1)
    clock.time += 1
    expect(['a', 'd', 'e'].map(key => cache.get(key))).toEqual([undefined, 4, undefined].with(2, 5))
    clock.time += 10
    expect(cache.get('e')).toBeUndefined()
  })

  test('ttlResolution', () => {
    const cache = cacheWith({ max: 2, ttl: 10, ttlResolution: 5 })
    cache.set('a', 1)
    expect(cache.get('a')).toBe(1)
    clock.time += 50
    expect(cache.get('a')).toBe(1)
    vi.advanceTimersByTime(4)
    expect(cache.get('a')).toBe(1)
    vi.advanceTimersByTime(1)
    expect(cache.get('a')).toBeUndefined()
  })

  test('ttlAutopurge', () => {
    const gone: unknown[] = []
    const told = (...args: unknown[]) => gone.push(args)
    const pass = (ms: number) => {
      clock.time += ms
      vi.advanceTimersByTime(ms)
    }
    const cache = cacheWith({ ttl: 5, ttlAutopurge: true, dispose: told })
    cache.set('a', 1).set('b', 2, { ttl: 0 }).set('c', 3, { ttl: 1 })
    pass(1)
    expect(gone).toEqual([])
    pass(1)
    expect(gone).toEqual([[3, 'c', 'expire']])
    pass(3)
    expect(cache.size).toBe(2)
    pass(1)
    expect(gone).toEqual([
      [3, 'c', 'expire'],
      [1, 'a', 'expire'],
    ])
    expect(cache.size).toBe(1)
  })

  test('updateAgeOnGet', () => {
    const cache = filled({ max: 3, ttl: 10, updateAgeOnGet: true })
    clock.time += 8
    cache.get('a')
    cache.get('b', { updateAgeOnGet: false })
    expect(['a', 'b'].map(key => cache.getRemainingTTL(key))).toEqual([10, 2])
  })

  test('updateAgeOnHas', () => {
    const cache = filled({ max: 3, ttl: 10, updateAgeOnHas: true })
    clock.time += 8
    cache.has('a')
    cache.has('b', { updateAgeOnHas: false })
    expect(['a', 'b'].map(key => cache.getRemainingTTL(key))).toEqual([10, 2])
  })

  test('allowStale', () => {
    const cache = filled({ max: 3, ttl: 10, allowStale: true })
    clock.time += 20
    expect([...cache.keys()]).toEqual(['c', 'b', 'a'])
    expect([cache.get('a'), cache.get('a'), cache.get('b', { allowStale: false }), cache.peek('c')]).toEqual([1, undefined, undefined, 3])
  })

  test('noDeleteOnStaleGet', () => {
    const cache = filled({ max: 3, ttl: 10, noDeleteOnStaleGet: true })
    clock.time += 20
    expect([cache.get('a'), cache.size, cache.get('b', { allowStale: true }), cache.size]).toEqual([undefined, 3, 2, 3])
    cache.get('a', { noDeleteOnStaleGet: false })
    expect(cache.size).toBe(2)
  })

  test('dispose', () => {
    const told: unknown[] = []
    const cache = cacheWith({ max: 2, ttl: 10, dispose: (value, key, reason) => told.push([value, key, reason, cache.size]) })
    cache.set('a', 1).set('b', 2).set('c', 3).set('b', 4).set('b', 4)
    cache.delete('b')
    clock.time += 20
    cache.get('c')
    expect(told).toEqual([
      [1, 'a', 'evict', 2],
      [2, 'b', 'set', 2],
      [4, 'b', 'delete', 2],
      [3, 'c', 'expire', 1],
    ])
  })

  test('disposeAfter', () => {
    const told: unknown[] = []
    const cache = cacheWith({
      max: 1,
      disposeAfter: (value, key, reason) => {
        told.push([value, key, reason, cache.has(key)])
        if (reason === 'delete') cache.set(key, value)
      },
    })
    cache.set('a', 1).set('b', 2)
    cache.delete('b')
    expect(told).toEqual([
      [1, 'a', 'evict', false],
      [2, 'b', 'delete', false],
    ])
    expect(cache.get('b')).toBe(2)
  })

  test('onInsert', () => {
    const told: unknown[] = []
    const cache = cacheWith({ max: 2, onInsert: (...args) => told.push(args) })
    cache.set('a', 1).set('a', 1).set('a', 2)
    expect(told).toEqual([
      [1, 'a', 'add'],
      [1, 'a', 'update'],
      [2, 'a', 'replace'],
    ])
  })

  test('noDisposeOnSet', () => {
    const dispose = vi.fn()
    const cache = cacheWith({ max: 2, dispose, noDisposeOnSet: true })
    cache.set('a', 1).set('a', 2)
    expect(dispose).not.toHaveBeenCalled()
    cache.set('a', 3, { noDisposeOnSet: false })
    expect(dispose.mock.calls).toEqual([[2, 'a', 'set']])
  })

  test('noUpdateTTL', () => {
    const cache = cacheWith({ max: 2, ttl: 10, noUpdateTTL: true })
    cache.set('a', 1).set('b', 1)
    clock.time += 5
    cache.set('a', 2).set('b', 2, { noUpdateTTL: false })
    expect(['a', 'b'].map(key => cache.getRemainingTTL(key))).toEqual([5, 10])
  })

  test('fetchMethod', async () => {
    const fetchMethod = vi.fn(async (key: string, stale: number | undefined, { options, signal, context }) => {
      options.ttl = 99
      return [key.length, stale ?? 0, Number(signal.aborted), context.length].reduce((a, b) => a * 10 + b)
    })
    const cache = cacheWith({ max: 2, ttl: 10, fetchMethod })
    expect(await Promise.all([1, 2].map(() => cache.fetch('a', { context: 'xyz' })))).toEqual([1003, 1003])
    expect(fetchMethod).toHaveBeenCalledTimes(1)
    expect([cache.getRemainingTTL('a'), cache.fetchMethod]).toEqual([99, fetchMethod])
  })

  test('memoMethod', () => {
    const memoMethod = vi.fn((key: string, old: number | undefined, { context }) => key.length + (old ?? 0) + context.length)
    const cache = cacheWith({ max: 2, memoMethod })
    expect([cache.memo('a', { context: 'xy' }), cache.memo('a', { context: '' }), memoMethod.mock.calls.length]).toEqual([3, 3, 1])
    expect(cache.memoMethod).toBe(memoMethod)
  })

  const failing = () => Promise.reject<number>(new Error('failed'))

  test('noDeleteOnFetchRejection', async () => {
    for (const noDeleteOnFetchRejection of [false, true]) {
      const cache = cacheWith({ max: 2, fetchMethod: failing, noDeleteOnFetchRejection })
      cache.set('a', 1)
      await expect(cache.fetch('a', { forceRefresh: true, context: '' })).rejects.toThrow('failed')
      expect(cache.get('a')).toBe(noDeleteOnFetchRejection ? 1 : undefined)
    }
  })

  test('allowStaleOnFetchRejection', async () => {
    const cache = cacheWith({ max: 2, fetchMethod: failing, allowStaleOnFetchRejection: true })
    cache.set('a', 1)
    expect(await cache.fetch('a', { forceRefresh: true, context: '' })).toBe(1)
    expect(await cache.fetch('b', { context: '' })).toBeUndefined()
    expect([cache.get('a'), cache.has('b')]).toEqual([1, false])
  })

  /** A fetch of 'a', which had 1, that is aborted before 2 arrives. */
  async function aborted(options: Options) {
    const arrival = deferred<number>()
    const controller = new AbortController()
    const cache = cacheWith({ max: 2, fetchMethod: () => arrival.promise, ...options })
    cache.set('a', 1)
    const outcome = cache.fetch('a', { forceRefresh: true, signal: controller.signal, context: '' }).catch((error: Error) => error.message)
    controller.abort(new Error('called off'))
    arrival.resolve(2)
    return [await outcome, await new Promise(resolve => setImmediate(() => resolve(cache.get('a'))))]
  }

  test('a fetch that is aborted', async () => {
    expect(await aborted({})).toEqual(['called off', undefined])
  })

  test('allowStaleOnFetchAbort', async () => {
    expect((await aborted({ allowStaleOnFetchAbort: true }))[0]).toBe(1)
  })

  test('ignoreFetchAbort', async () => {
    expect(await aborted({ ignoreFetchAbort: true })).toEqual([2, 2])
    expect(await aborted({ ignoreFetchAbort: true, allowStaleOnFetchAbort: true })).toEqual([1, 2])
  })

  test('backgroundFetchSize', async () => {
    const options = { maxSize: 10, sizeCalculation: () => 2, backgroundFetchSize: 7 }
    const cache = cacheWith({ ...options, fetchMethod: async () => 1 })
    const fetched = cache.fetch('a', { context: '' })
    expect([cache.calculatedSize, cache.backgroundFetchSize]).toEqual([7, 7])
    await fetched
    expect(cache.calculatedSize).toBe(2)
  })

  test('perf', () => {
    const cache = cacheWith({ max: 1, ttl: 10 })
    cache.set('a', 1)
    clock.time += 4
    expect([cache.getRemainingTTL('a'), cache.perf]).toEqual([6, clock])
    expect(new LRUCache({ max: 1 }).perf).toBe(performance)
  })

  test('properties can be changed', () => {
    const cache = filled({ max: 3, ttl: 10 })
    expect([cache.ttl, cache.ttlResolution, cache.ttlAutopurge, cache.noUpdateTTL]).toEqual([10, 0, false, false])
    cache.ttl = 50
    cache.allowStale = true
    cache.set('b', 9)
    clock.time += 20
    expect([cache.getRemainingTTL('b'), cache.get('a')]).toEqual([30, 1])
  })

  test('a cache as options', () => {
    const first = filled({ max: 3, ttl: 10, allowStale: true, sizeCalculation: () => 1, maxSize: 3 })
    const second = new LRUCache<string, number, string>(first)
    expect([second.size, second.max, second.ttl, second.maxSize, second.allowStale, second.perf]).toEqual([0, 3, 10, 3, true, clock])
  })

  test('a warning of a cache without bounds', () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    for (let times = 0; times < 2; times += 1) new LRUCache({ ttl: 10 } as LRUCache.Options<string, number, unknown>)
    expect(warn.mock.calls.map(args => (args as unknown[]).slice(1, 3))).toEqual([['UnboundedCacheWarning', 'LRU_CACHE_UNBOUNDED']])
    warn.mockRestore()
  })
})
