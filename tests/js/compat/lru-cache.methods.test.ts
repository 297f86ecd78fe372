import { channel, tracingChannel } from 'node:diagnostics_channel'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { LRUCache } from '../../../js/lru-cache.ts'
import { plantTrap } from '../../../js/testing.ts'
import { both, type Deferred, deferred, ours } from './both.ts'

type Options = LRUCache.OptionsBase<string, number, unknown>
type Status = LRUCache.Status<string, number>

describe.each(both)('methods of $name', ({ LRUCache }) => {
  const clock = { time: 1000, now: () => clock.time }
  beforeEach(() => {
    clock.time = 1000
  })
  afterEach(() => {
    vi.useRealTimers()
  })
  const cacheWith = (options: Options) =>
    new LRUCache<string, number>({ ttlResolution: 0, perf: clock, ...options } as LRUCache.Options<string, number, unknown>)
  /** a, b and c, with a the most recently used. */
  const filled = (options: Options = {}) => {
    const cache = cacheWith({ max: 3, ...options })
    for (const [index, key] of ['a', 'b', 'c'].entries()) cache.set(key, index + 1)
    cache.get('a')
    return cache
  }

  test('get', () => {
    const cache = filled()
    expect([cache.get('b'), cache.get('x'), [...cache.keys()]]).toEqual([2, undefined, ['b', 'a', 'c']])
  })

  test('set', () => {
    const cache = filled()
    expect(cache.set('d', 4)).toBe(cache)
    cache.set('c', 5).set('a', undefined)
    expect([...cache]).toEqual([
      ['c', 5],
      ['d', 4],
    ])
  })

  test('has', () => {
    const cache = filled({ ttl: 10 })
    expect([cache.has('a'), cache.has('x'), [...cache.keys()]]).toEqual([true, false, ['a', 'c', 'b']])
    clock.time += 11
    expect([cache.has('a'), cache.size]).toEqual([false, 3])
  })

  test('peek', () => {
    const cache = filled({ ttl: 10 })
    expect([cache.peek('b'), cache.peek('x'), [...cache.keys()]]).toEqual([2, undefined, ['a', 'c', 'b']])
    clock.time += 11
    expect([cache.peek('b'), cache.peek('b', { allowStale: true }), cache.size]).toEqual([undefined, 2, 3])
  })

  test('delete', () => {
    const cache = filled()
    expect([cache.delete('c'), cache.delete('c'), [...cache.keys()]]).toEqual([true, false, ['a', 'b']])
  })

  test('clear', () => {
    const dispose = vi.fn()
    const cache = filled({ dispose })
    cache.clear()
    expect([cache.size, dispose.mock.calls]).toEqual([0, ['b', 'c', 'a'].map(key => ['abc'.indexOf(key) + 1, key, 'delete'])])
  })

  test('pop', () => {
    const cache = filled()
    expect([cache.pop(), cache.pop(), cache.pop(), cache.pop()]).toEqual([2, 3, 1, undefined])
  })

  test('find', () => {
    const cache = filled()
    const asked: unknown[] = []
    const found = cache.find((value, key, self) => {
      asked.push([value, key, self === cache])
      return value > 1
    })
    expect([found, asked, [...cache.keys()]]).toEqual([
      3,
      [
        [1, 'a', true],
        [3, 'c', true],
      ],
      ['c', 'a', 'b'],
    ])
  })

  test('fetch', async () => {
    const fetchMethod = vi.fn(async (key: string, stale: number | undefined) => key.length + (stale ?? 0))
    const cache = cacheWith({ max: 3, ttl: 10, fetchMethod })
    expect([await cache.fetch('a'), await cache.fetch('a')]).toEqual([1, 1])
    clock.time += 11
    expect([await cache.fetch('a', { allowStale: true }), cache.get('a', { allowStale: true })]).toEqual([1, 1])
    await vi.waitFor(() => expect(cache.get('a')).toBe(2))
    expect([await cache.fetch('a', { forceRefresh: true }), fetchMethod.mock.calls.length]).toEqual([3, 3])
    expect(await filled().fetch('b')).toBe(2)
  })

  test('fetch: what is set, deleted or evicted meanwhile calls it off', async () => {
    const why: unknown[] = []
    const cache = cacheWith({
      max: 2,
      fetchMethod: (_key, _stale, { signal }) => new Promise(() => signal.addEventListener('abort', () => why.push(signal.reason.message))),
    })
    const outcomes = ['a', 'b', 'c'].map(key => cache.fetch(key).catch((error: Error) => error.message))
    cache.set('b', 1)
    cache.delete('c')
    expect(await Promise.all(outcomes)).toEqual(['evicted', 'replaced', 'deleted'])
    expect([why, cache.get('b')]).toEqual([['evicted', 'replaced', 'deleted'], 1])
  })

  test('forceFetch', async () => {
    const cache = cacheWith({ max: 3, fetchMethod: async key => (key === 'a' ? 1 : undefined) })
    expect(await cache.forceFetch('a')).toBe(1)
    await expect(cache.forceFetch('b')).rejects.toThrow()
  })

  test('memo', () => {
    const cache = cacheWith({ max: 3, memoMethod: (key, old) => key.length + (old ?? 0) })
    expect([cache.memo('a'), cache.memo('a'), cache.memo('a', { forceRefresh: true }), cache.get('a')]).toEqual([1, 1, 2, 2])
    expect(() => filled().memo('a')).toThrow()
  })

  test('getRemainingTTL', () => {
    const cache = filled({ ttl: 10 })
    cache.set('b', 1, { ttl: 0 })
    clock.time += 12
    expect(['a', 'b', 'x'].map(key => cache.getRemainingTTL(key))).toEqual([-2, Number.POSITIVE_INFINITY, 0])
  })

  test('info', () => {
    const cache = filled({ ttl: 10, maxSize: 9, sizeCalculation: () => 2 })
    clock.time += 4
    expect(cache.info('a')).toEqual({ value: 1, ttl: 6, size: 2, start: expect.any(Number) })
    expect([cache.info('x'), filled().info('a')]).toEqual([undefined, { value: 1 }])
  })

  test('dump and load', () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_700_000_000_000 })
    const cache = filled({ ttl: 10 })
    clock.time += 4
    const dumped = cache.dump()
    expect(dumped.map(([key, { value, ttl }]) => [key, value, ttl])).toEqual([
      ['b', 2, 10],
      ['c', 3, 10],
      ['a', 1, 10],
    ])
    expect(dumped.map(([, { start }]) => start)).toEqual(Array(3).fill(1_700_000_000_000 - 4))
    vi.setSystemTime(1_700_000_000_001)
    const other = cacheWith({ max: 2 })
    other.set('x', 9)
    other.load(JSON.parse(JSON.stringify(dumped)))
    expect([...other]).toEqual([
      ['a', 1],
      ['c', 3],
    ])
    expect(other.getRemainingTTL('a')).toBe(5)
  })

  test('purgeStale', () => {
    const cache = filled({ ttl: 10 })
    clock.time += 5
    cache.set('c', 4)
    clock.time += 6
    expect([cache.purgeStale(), [...cache.keys()], cache.purgeStale()]).toEqual([true, ['c'], false])
  })

  test('keys, values, entries and the iterator', () => {
    const cache = filled()
    expect([[...cache.keys()], [...cache.values()]]).toEqual([
      ['a', 'c', 'b'],
      [1, 3, 2],
    ])
    expect([...cache.entries()]).toEqual([
      ['a', 1],
      ['c', 3],
      ['b', 2],
    ])
    expect([...cache]).toEqual([...cache.entries()])
  })

  test('rkeys, rvalues and rentries', () => {
    const cache = filled()
    expect([[...cache.rkeys()], [...cache.rvalues()]]).toEqual([
      ['b', 'c', 'a'],
      [2, 3, 1],
    ])
    expect([...cache.rentries()]).toEqual([...cache.entries()].reverse())
  })

  test('forEach and rforEach', () => {
    const cache = filled()
    const seen: unknown[] = []
    function look(this: unknown, value: number, key: string, self: unknown) {
      seen.push([value, key, self === cache, this === cache])
    }
    cache.forEach(look)
    cache.rforEach(look, 'this')
    expect(seen).toEqual([
      [1, 'a', true, true],
      [3, 'c', true, true],
      [2, 'b', true, true],
      [2, 'b', true, false],
      [3, 'c', true, false],
      [1, 'a', true, false],
    ])
  })

  test('size, calculatedSize and the name', () => {
    const cache = filled({ maxSize: 9, sizeCalculation: () => 2 })
    expect([cache.size, cache.calculatedSize, filled().calculatedSize, String(cache)]).toEqual([3, 6, 0, '[object LRUCache]'])
  })

  test('status', () => {
    const cache = filled({ ttl: 10, maxSize: 9, sizeCalculation: () => 2 })
    const told = (use: (status: Status) => unknown) => {
      const status: Status = {}
      use(status)
      const { cache: about, ...rest } = status
      expect(about).toBe(cache)
      return rest
    }
    const age = { ttl: 10, start: 1000, now: 1000, remainingTTL: 10 }
    expect(told(status => cache.get('a', { status }))).toEqual({ op: 'get', key: 'a', get: 'hit', value: 1, ...age })
    expect(told(status => cache.get('x', { status }))).toEqual({ op: 'get', key: 'x', get: 'miss' })
    expect(told(status => cache.has('a', { status }))).toEqual({ op: 'has', key: 'a', has: 'hit', ...age })
    expect(told(status => cache.peek('a', { status }))).toEqual({ op: 'peek', key: 'a', peek: 'hit', value: 1 })
    const set = { op: 'set', key: 'a', value: 5, set: 'replace', oldValue: 1, entrySize: 2, totalCalculatedSize: 6, ...age }
    expect(told(status => cache.set('a', 5, { status }))).toEqual(set)
    expect(told(status => cache.set('b', 7, { status, size: 10 }))).toEqual({
      op: 'set',
      key: 'b',
      value: 7,
      set: 'miss',
      maxEntrySizeExceeded: true,
    })
    clock.time += 11
    const stale = { ttl: 10, start: 1000, now: 1011, remainingTTL: -1 }
    expect(told(status => cache.get('c', { status, allowStale: true }))).toEqual({
      op: 'get',
      key: 'c',
      get: 'stale',
      returnedStale: true,
      value: 3,
      ...stale,
    })
  })

  test('the channels of node:diagnostics_channel', async () => {
    const heard: unknown[] = []
    const listen = (message: unknown) => heard.push([(message as Status).op, (message as Status).key])
    const traced: unknown[] = []
    const trace = { asyncEnd: (message: object) => traced.push([(message as Status).op, (message as Status).trace]) }
    channel('lru-cache:metrics').subscribe(listen)
    tracingChannel('lru-cache').subscribe(trace as never)
    const cache = cacheWith({ max: 1, fetchMethod: async () => 1, memoMethod: () => 2 })
    cache.set('a', 1).get('a')
    cache.has('a')
    cache.peek('a')
    cache.delete('a')
    cache.memo('b')
    await cache.fetch('c')
    await new Promise(setImmediate)
    channel('lru-cache:metrics').unsubscribe(listen)
    tracingChannel('lru-cache').unsubscribe(trace as never)
    const ops = ['set', 'get', 'has', 'peek', 'delete', 'memo']
    expect(heard.slice(0, 6)).toEqual(ops.map(op => [op, op === 'memo' ? 'b' : 'a']))
    expect(traced).toEqual([['fetch', true]])
  })
})

describe('where ours does better', () => {
  test('a fetch that fails after its abort leaves the key free to be fetched again', async () => {
    const arrivals = [deferred<number>(), deferred<number>()]
    const fetchMethod = vi.fn(() => (arrivals[fetchMethod.mock.calls.length - 1] as Deferred<number>).promise)
    const cache = new ours<string, number>({ max: 2, fetchMethod, allowStaleOnFetchAbort: true })
    const controller = new AbortController()
    const first = cache.fetch('a', { signal: controller.signal })
    controller.abort()
    expect(await first).toBeUndefined()
    arrivals[0]?.reject(new Error('failed'))
    arrivals[1]?.resolve(2)
    await new Promise(setImmediate)
    expect([cache.size, await cache.fetch('a')]).toEqual([0, 2])
  })

  test('a fetchMethod that gives undefined at once settles the fetch', async () => {
    const cache = new ours<string, number>({ max: 2, fetchMethod: () => undefined })
    expect([await cache.fetch('a'), cache.size]).toEqual([undefined, 0])
  })

  test('a dump can be loaded twice', () => {
    const cache = new ours<string, number>({ max: 2, ttl: 1000 })
    cache.set('a', 1)
    const dumped = cache.dump()
    for (const target of [new ours<string, number>({ max: 2 }), new ours<string, number>({ max: 2 })]) {
      target.load(dumped)
      expect(target.get('a')).toBe(1)
    }
  })

  test('an entry larger than maxSize is refused even where maxEntrySize would allow it', () => {
    const cache = new ours<string, number>({ maxSize: 5, maxEntrySize: 10 })
    cache.set('a', 1, { size: 2 }).set('b', 2, { size: 8 })
    expect([cache.has('a'), cache.has('b'), cache.calculatedSize]).toEqual([true, false, 2])
  })

  test('an iteration shows each entry at most once, whatever is done meanwhile', () => {
    const cache = new ours<number, number>({ max: 10 })
    for (let key = 0; key < 10; key += 1) cache.set(key, key)
    const seen: number[] = []
    for (const key of cache.keys()) {
      seen.push(key)
      cache.get(key)
      if (key === 5) cache.set(99, 99)
      if (key === 4) cache.delete(3)
    }
    expect(seen).toEqual([9, 8, 7, 6, 5, 4, 2, 1])
  })

  test('no choices are written into options, which may be frozen', () => {
    const cache = new ours<string, number>({ max: 2 })
    expect(cache.set('a', 1, Object.freeze({})).get('a', Object.freeze({}))).toBe(1)
  })

  test('a trap of the core costs the order and no entry', () => {
    const cache = new ours<string, number>({ max: 3 })
    cache.set('a', 1).set('b', 2).set('c', 3).get('a')
    expect(plantTrap).toThrow()
    expect([...cache.rkeys()].sort()).toEqual(['a', 'b', 'c'])
    cache.set('d', 4).get('b')
    expect([cache.size, cache.get('d')]).toEqual([3, 4])
  })
})
