import { describe, expect, test, vi } from 'vitest'
import { type CacheOptions, createCache, createRegistry, PartialLoadError } from '../../../js/index.ts'
import { ManualClock, memoryStore } from '../../../js/testing.ts'
import { deferred } from './deferred.ts'
import { MapStore } from './map-store.ts'

function cacheWith(options: CacheOptions<unknown> = {}) {
  const clock = new ManualClock()
  return { clock, cache: createCache<unknown>({ clock, ttl: '1m', ...options }) }
}

const fail = (): Promise<never> => Promise.reject(new Error('origin down'))

describe('stale while revalidate', () => {
  test('gives the stale value at once and refreshes once in the background', async () => {
    const { cache, clock } = cacheWith({ swr: '1h' })
    await cache.set('a', 'old')
    clock.advance(60_000)
    expect(await cache.get('a')).toBeUndefined()
    expect(await cache.get('a', { allowStale: true })).toBe('old')
    const { promise, resolve } = deferred<string>()
    const loader = vi.fn(() => promise)
    expect(await Promise.all([1, 2, 3].map(() => cache.getOrSet('a', loader)))).toEqual(['old', 'old', 'old'])
    resolve('new')
    await clock.advanceAsync(0)
    expect(await cache.get('a')).toBe('new')
    expect(loader).toHaveBeenCalledTimes(1)
    expect(cache.stats()).toMatchObject({ refreshes: 1, loads: 1, staleHits: 4 })
    expect(cache.pending()).toEqual({ loads: 0, leases: 0 })
  })

  test('ends with its window; the load is waited for then', async () => {
    const { cache, clock } = cacheWith({ staleWhileRevalidate: 1000 })
    await cache.set('a', 'old')
    clock.advance(61_000)
    expect(await cache.getOrSet('a', () => 'new')).toBe('new')
  })

  test('can be asked for by a call, as far as the entry was kept for it', async () => {
    const { cache, clock } = cacheWith({ staleIfError: '1h' })
    await cache.set('a', 'old')
    clock.advance(60_000)
    expect(await cache.getOrSet('a', () => 'new', { swr: '10m' })).toBe('old')
    await clock.advanceAsync(0)
    clock.advance(60_000)
    expect(await cache.getOrSet('a', () => 'newer', { swr: 0 })).toBe('newer')
  })

  test('a background failure is counted, and is nobody else’s business', async () => {
    const { cache, clock } = cacheWith({ grace: '1h', errorBackoff: '10s' })
    await cache.set('a', 'old')
    clock.advance(60_000)
    const loader = vi.fn(fail)
    expect(await cache.getOrSet('a', loader)).toBe('old')
    await clock.advanceAsync(0)
    expect(await cache.getOrSet('a', loader)).toBe('old')
    expect(cache.stats()).toMatchObject({ loads: 1, loadErrors: 1, backedOff: 1 })
    clock.advance(10_000)
    expect(await cache.getOrSet('a', loader)).toBe('old')
    expect(loader).toHaveBeenCalledTimes(2)
  })

  test('a deletion during the refresh wins, and the useless load is told', async () => {
    const { cache, clock } = cacheWith({ swr: '1h' })
    await cache.set('a', 'old')
    clock.advance(60_000)
    const { promise, resolve } = deferred<string>()
    let told: AbortSignal | undefined
    const loader = ({ signal }: { signal: AbortSignal }) => {
      told = signal
      return promise
    }
    expect(await cache.getOrSet('a', loader)).toBe('old')
    await cache.delete('a')
    expect(told?.aborted).toBe(true)
    resolve('late')
    await clock.advanceAsync(0)
    expect(await cache.get('a')).toBeUndefined()
  })

  test.each(['memory', 'segments'] as const)('survives a restart, in a store of %s', async kind => {
    const clock = new ManualClock()
    const store = kind === 'memory' ? new MapStore() : memoryStore()
    const options: CacheOptions<unknown> = { clock, store, ttl: '1m', swr: '1h', staleIfError: '2h' }
    const first = createCache<unknown>(options)
    await first.set('a', 'old', { persist: 'stored' })
    await first.close()
    clock.advance(70_000)
    const second = createCache<unknown>(options)
    expect(await second.get('a')).toBeUndefined()
    const never = () => new Promise<unknown>(() => {})
    expect(await second.getOrSet('a', never)).toBe('old')
    expect(await second.getOrSet('a', never)).toBe('old')
    await clock.advanceAsync(0)
    expect(second.stats()).toMatchObject({ refreshes: 1, loads: 1, staleHits: 2 })
    await second.close()
    clock.advance(2 * 3_600_000)
    const third = createCache<unknown>(options)
    await expect(third.getOrSet('a', fail)).rejects.toThrow('origin down')
    await third.close()
  })

  test('from a tier, with memory empty, several callers are answered before the load ends', async () => {
    const clock = new ManualClock()
    const store = new MapStore()
    const cache = createCache<unknown>({ clock, store, ttl: '1m', swr: '1h', max: 1 })
    await cache.set('a', 'old')
    await cache.set('b', 'other')
    clock.advance(61_000)
    const { promise, resolve } = deferred<string>()
    expect(await Promise.all([1, 2].map(() => cache.getOrSet('a', () => promise)))).toEqual(['old', 'old'])
    resolve('new')
    await clock.advanceAsync(0)
    expect(await cache.get('a')).toBe('new')
    expect(store.entries.get('a')).toMatchObject({ value: 'new', facts: { freshUntil: clock.wall() + 60_000 } })
  })
})

describe('stale if error', () => {
  test('stands in for a failed load within its window, and errors are not kept', async () => {
    const { cache, clock } = cacheWith({ staleIfError: '10m', errorBackoff: 0 })
    await cache.set('a', 'old')
    clock.advance(61_000)
    expect(await cache.getOrSet('a', fail)).toBe('old')
    expect(await cache.getOrSet('a', () => 'new')).toBe('new')
    expect(cache.stats()).toMatchObject({ staleAfterError: 1, loadErrors: 1, loads: 2 })
    clock.advance(60_000 + 10 * 60_000)
    await expect(cache.getOrSet('a', fail)).rejects.toThrow('origin down')
  })

  test('after a failure nothing is loaded for a while, as long as something stale can be given', async () => {
    const { cache, clock } = cacheWith({ staleIfError: '10m', errorBackoff: '20s' })
    const loader = vi.fn(fail)
    await expect(cache.getOrSet('a', loader)).rejects.toThrow('origin down')
    await expect(cache.getOrSet('a', loader)).rejects.toThrow('origin down')
    expect(loader).toHaveBeenCalledTimes(2)
    await cache.set('a', 'old')
    clock.advance(60_000)
    for (let at = 0; at < 5; at += 1) expect(await cache.getOrSet('a', loader)).toBe('old')
    expect(loader).toHaveBeenCalledTimes(3)
    clock.advance(20_000)
    await cache.getOrSet('a', loader)
    expect(loader).toHaveBeenCalledTimes(4)
    await cache.set('a', 'new')
    clock.advance(60_000)
    await cache.getOrSet('a', loader)
    expect(loader).toHaveBeenCalledTimes(5)
  })

  test('a value that was loaded but could not be stored is not passed over for the old one', async () => {
    const store = new MapStore()
    const clock = new ManualClock()
    const cache = createCache<unknown>({ clock, store, ttl: 1000, grace: '1h' })
    await cache.set('a', 'old')
    clock.advance(1000)
    store.refuse = new Error('disk full')
    await expect(cache.getOrSet('a', () => 'new', { swr: 0, persist: 'stored' })).rejects.toThrow('disk full')
    expect(await cache.get('a')).toBe('new')
  })
})

describe('timeouts', () => {
  test('soft: gives the stale value after its time, and the load goes on', async () => {
    const { cache, clock } = cacheWith({ staleIfError: '1h', softTimeout: 200 })
    await cache.set('a', 'old')
    clock.advance(60_000)
    const { promise, resolve } = deferred<string>()
    const settled = vi.fn()
    const waiting = cache.getOrSet('a', () => promise).then(settled)
    await clock.advanceAsync(199)
    expect(settled).not.toHaveBeenCalled()
    await clock.advanceAsync(1)
    expect(settled).toHaveBeenCalledWith('old')
    resolve('new')
    await waiting
    await clock.advanceAsync(0)
    expect(await cache.get('a')).toBe('new')
    expect(cache.stats()).toMatchObject({ staleAfterTimeout: 1, loads: 1 })
    expect(clock.heldTimers).toBe(0)
  })

  test('soft: waits on where nothing is stale', async () => {
    const { cache, clock } = cacheWith({ grace: '1h', softTimeout: 200 })
    const { promise, resolve } = deferred<string>()
    const waiting = cache.getOrSet('a', () => promise)
    await clock.advanceAsync(1000)
    resolve('made')
    expect(await waiting).toBe('made')
  })

  test('hard: fails, tells the loader, keeps nothing that comes later', async () => {
    const { cache, clock } = cacheWith({ hardTimeout: '5s' })
    const { promise, resolve } = deferred<string>()
    let told: AbortSignal | undefined
    const waiting = cache.getOrSet('a', ({ signal }) => {
      told = signal
      return promise
    })
    const failed = expect(waiting).rejects.toMatchObject({ code: 'ERR_TIMEOUT', phase: 'loader', timeoutMs: 5000 })
    await clock.advanceAsync(5000)
    await failed
    expect(told?.reason).toMatchObject({ code: 'ERR_TIMEOUT' })
    resolve('late')
    await clock.advanceAsync(0)
    expect(await cache.get('a')).toBeUndefined()
    expect(cache.pending()).toEqual({ loads: 0, leases: 0 })
    expect(cache.stats()).toMatchObject({ timeouts: 1, loadErrors: 1 })
    expect(clock.heldTimers).toBe(0)
  })

  test('hard: something stale stands in, as for any failure', async () => {
    const { cache, clock } = cacheWith({ staleIfError: '1h', hardTimeout: '5s' })
    await cache.set('a', 'old')
    clock.advance(60_000)
    const waiting = cache.getOrSet('a', () => new Promise(() => {}))
    await clock.advanceAsync(5000)
    expect(await waiting).toBe('old')
  })

  test('100 000 loads that never end leave nothing behind when their time is up', { timeout: 120_000 }, async () => {
    const { cache, clock } = cacheWith({ hardTimeout: '1s', max: 10 })
    const failures = Array.from({ length: 100_000 }, (_, at) => cache.getOrSet(`k${at}`, () => new Promise(() => {})).catch(() => 'failed'))
    expect(cache.pending().loads).toBe(100_000)
    await clock.advanceAsync(1000)
    expect(new Set(await Promise.all(failures))).toEqual(new Set(['failed']))
    expect(cache.pending()).toEqual({ loads: 0, leases: 0 })
  })
})

describe('refresh ahead', () => {
  test.each([
    ['a share of the life', 0.8, 48_000],
    ['a duration before the end', '10s' as const, 50_000],
  ])('by %s, when somebody reads', async (_, refreshAhead, dueAt) => {
    const { cache, clock } = cacheWith({ refreshAhead })
    const loader = vi.fn(() => 'new')
    await cache.set('a', 'old')
    clock.advance(dueAt - 1)
    expect(await cache.getOrSet('a', loader)).toBe('old')
    expect(loader).not.toHaveBeenCalled()
    clock.advance(1)
    expect(await cache.getOrSet('a', loader)).toBe('old')
    await clock.advanceAsync(0)
    clock.advance(30_000)
    expect(await cache.getOrSet('a', loader)).toBe('new')
    expect(loader).toHaveBeenCalledTimes(1)
    expect(cache.stats()).toMatchObject({ refreshes: 1, misses: 0 })
  })

  test('measures a share by the life of the entry, and a failure neither harms nor repeats at once', async () => {
    const { cache, clock } = cacheWith({ refreshAhead: 0.5, store: new MapStore() })
    await cache.set('a', 'old', { ttl: '10m' })
    clock.advance(299_999)
    const loader = vi.fn(fail)
    expect(await cache.getOrSet('a', loader)).toBe('old')
    await clock.advanceAsync(0)
    expect(loader).not.toHaveBeenCalled()
    await clock.advanceAsync(1)
    for (let at = 0; at < 3; at += 1) {
      expect(await cache.getOrSet('a', loader)).toBe('old')
      await clock.advanceAsync(0)
    }
    expect(loader).toHaveBeenCalledTimes(1)
  })
})

describe('nothing there', () => {
  test('is remembered for negativeTtl, in memory and below, and seen by nobody', async () => {
    const clock = new ManualClock()
    const store = memoryStore()
    const disposed: unknown[] = []
    const options: CacheOptions<unknown> = {
      clock,
      store,
      negativeTtl: '10s',
      maxSize: '1mb',
      dispose: (...left) => disposed.push(left),
    }
    const cache = createCache<unknown>(options)
    const loader = vi.fn(() => undefined)
    expect(await cache.getOrSet('a', loader)).toBeUndefined()
    expect(await cache.getOrSet('a', loader)).toBeUndefined()
    expect(loader).toHaveBeenCalledTimes(1)
    expect([await cache.get('a'), await cache.has('a'), (await cache.getMany(['a']))[0]]).toEqual([undefined, false, undefined])
    const { memory } = cache
    expect([memory.get('a'), memory.peek('a'), memory.has('a'), memory.info('a')]).toEqual([undefined, undefined, false, undefined])
    expect(cache.stats()).toMatchObject({ negativeHits: 3 })
    await cache.close()
    const again = createCache<unknown>(options)
    expect(await again.getOrSet('a', loader)).toBeUndefined()
    expect(await again.has('a')).toBe(false)
    expect(loader).toHaveBeenCalledTimes(1)
    clock.advance(10_000)
    expect(await again.getOrSet('a', () => 'here')).toBe('here')
    expect(disposed).toEqual([])
    expect(await again.delete('a')).toBe(true)
    await again.close()
  })

  test('without negativeTtl every call asks, and a stale value that is gone at the source is removed', async () => {
    const store = new MapStore()
    const { cache, clock } = cacheWith({ swr: '1h', store })
    await cache.set('a', 'old')
    clock.advance(60_000)
    expect(await cache.getOrSet('a', () => undefined)).toBe('old')
    await clock.advanceAsync(0)
    expect(await cache.get('a', { allowStale: true })).toBeUndefined()
    expect(store.entries.has('a')).toBe(false)
  })
})

describe('asking for something newer', () => {
  test('forceFresh calls its loader although another load is under way, and the later one stays', async () => {
    const { cache } = cacheWith({ grace: '1h' })
    const early = deferred<string>()
    const late = deferred<string>()
    const first = cache.getOrSet('a', () => early.promise)
    const forced = cache.getOrSet('a', () => late.promise, { forceFresh: true })
    const joins = cache.getOrSet('a', () => 'never called')
    late.resolve('newer')
    expect(await Promise.all([forced, joins])).toEqual(['newer', 'newer'])
    early.resolve('older')
    expect(await first).toBe('older')
    expect(await cache.get('a')).toBe('newer')
    await expect(cache.getOrSet('a', fail, { forceFresh: true })).rejects.toThrow('origin down')
    expect(await cache.get('a')).toBe('newer')
  })

  test('refresh uses the loader that is given, or the last one', async () => {
    const { cache } = cacheWith()
    let version = 0
    await cache.getOrSet('a', ({ stale }) => `${stale} ${++version}`)
    expect(await cache.refresh('a')).toBe('undefined 1 2')
    expect(await cache.get('a')).toBe('undefined 1 2')
    expect(await cache.refresh('a', () => 'given')).toBe('given')
    await expect(cache.refresh('b')).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
  })

  test('prefetch loads a few at a time and says what came of it', async () => {
    const { cache } = cacheWith()
    await cache.set('k0', 'there')
    let running = 0
    let most = 0
    const result = await cache.prefetch(
      Array.from({ length: 20 }, (_, at) => `k${at}`),
      async ({ key }) => {
        running += 1
        most = Math.max(most, running)
        await Promise.resolve()
        running -= 1
        if (key === 'k7') throw new Error('seven')
        return key === 'k8' ? undefined : key
      },
      { concurrency: 3 },
    )
    expect(result).toMatchObject({ ready: 18, empty: 1 })
    expect([...result.failed.keys()]).toEqual(['k7'])
    expect(most).toBe(3)
    expect(cache.stats().loads).toBe(19)
    const controller = new AbortController()
    const stopped = cache.prefetch(['x', 'y'], () => new Promise(() => {}), { signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(stopped).rejects.toThrow('enough')
    expect(cache.pending().loads).toBe(0)
    await expect(cache.prefetch(['a'], fail, { concurrency: 0 })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
  })
})

describe('what a loader can say', () => {
  test('the value has not changed: it begins a new life, and keeps its etag, below too', async () => {
    const clock = new ManualClock()
    const store = memoryStore()
    const cache = createCache<{ n: number }>({ clock, store, ttl: '1m', grace: '1h' })
    const seen: unknown[] = []
    const loader = vi.fn(async ({ stale, etag, lastModified, modified, notModified }) => {
      seen.push([stale, etag, lastModified])
      return etag === '"v1"' ? notModified() : modified({ n: 1 }, { etag: '"v1"', lastModified: 'today' })
    })
    const first = await cache.getOrSet('a', loader)
    clock.advance(60_000)
    expect(await cache.getOrSet('a', loader, { swr: 0 })).toBe(first)
    await cache.close()
    clock.advance(60_000)
    const again = createCache<{ n: number }>({ clock, store, ttl: '1m', grace: '1h' })
    expect(await again.getOrSet('a', loader, { swr: 0 })).toEqual({ n: 1 })
    clock.advance(59_999)
    expect(await again.get('a')).toEqual({ n: 1 })
    expect(seen).toEqual([
      [undefined, undefined, undefined],
      [{ n: 1 }, '"v1"', 'today'],
      [{ n: 1 }, '"v1"', 'today'],
    ])
    await again.close()
  })

  test('it changes how long its value is kept, fresh and stale', async () => {
    const { cache, clock } = cacheWith()
    const loader = vi.fn(({ setOptions }) => {
      setOptions({ ttl: '10s' })
      setOptions({ staleWhileRevalidate: '1m' })
      return 'short'
    })
    await cache.getOrSet('a', loader, { ttl: '5m' })
    clock.advance(10_000)
    expect(cache.memory.info('a')).toMatchObject({ stale: true, staleFor: 60_000 })
    expect(await cache.getOrSet('a', () => 'new')).toBe('short')
    await clock.advanceAsync(0)
    expect(await cache.get('a')).toBe('new')
  })

  test('it skips, and what the cache has stays', async () => {
    const { cache, clock } = cacheWith({ staleIfError: '1h', negativeTtl: '1h' })
    await cache.set('a', 'old')
    clock.advance(60_000)
    expect(await cache.getOrSet('a', ({ skip }) => skip())).toBeUndefined()
    expect(await cache.getOrSet('a', ({ fail: failing }) => failing('no'))).toBe('old')
    await expect(cache.getOrSet('b', context => context.fail('no'))).rejects.toThrow('no')
    await expect(cache.getOrSet('b', context => context.notModified())).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    await expect(cache.getOrSet('b', ({ modified }) => modified(1, { etag: 5 as never }))).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
    })
  })
})

describe('many at once', () => {
  test('one call for what is missing; loads under way are joined, duplicates asked once', async () => {
    const store = new MapStore()
    const { cache } = cacheWith({ store })
    await cache.set('there', 0)
    store.entries.set('below', { value: 1, writtenAt: 0, expiresAt: Number.POSITIVE_INFINITY })
    const single = deferred<number>()
    const alone = cache.getOrSet('joined', () => single.promise)
    const loadMissing = vi.fn(async (keys: string[]) => new Map(keys.map(key => [key, key.length])))
    const many = cache.getOrSetMany(['there', 'below', 'joined', 'x', 'yy', 'x'], loadMissing)
    const overlapping = cache.getOrSetMany(['yy', 'zzz'], loadMissing)
    single.resolve(7)
    expect(await many).toEqual([0, 1, 7, 1, 2, 1])
    expect(await overlapping).toEqual([2, 3])
    expect(await alone).toBe(7)
    expect(loadMissing.mock.calls.map(([keys]) => keys)).toEqual([['x', 'yy'], ['zzz']])
    expect(await cache.getMany(['x', 'yy', 'zzz'])).toEqual([1, 2, 3])
    expect(cache.pending()).toEqual({ loads: 0, leases: 0 })
    const joined = cache.getOrSetMany(['w'], async () => ({ w: 9 }))
    expect(await cache.getOrSet('w', fail)).toBe(9)
    expect(await joined).toEqual([9])
  })

  test.each<[string, (keys: string[]) => never]>([
    ['an array', keys => keys.map(key => `<${key}>`) as never],
    ['a map', keys => new Map(keys.map(key => [key, `<${key}>`])) as never],
    ['an object', keys => Object.fromEntries(keys.map(key => [key, `<${key}>`])) as never],
  ])('%s may answer, whatever the keys are called', async (_, answer) => {
    const { cache } = cacheWith()
    const keys = ['__proto__', 'constructor', 'toString', '0', 'a']
    expect(await cache.getOrSetMany(keys, answer)).toEqual(keys.map(key => `<${key}>`))
    expect(await cache.getOrSetMany(['valueOf', 'hasOwnProperty', '__proto__'], () => ({}))).toEqual([undefined, undefined, '<__proto__>'])
  })

  test('a partial failure is answered by what is stale, and the rest is kept', async () => {
    const { cache, clock } = cacheWith({ staleIfError: '1h', errorBackoff: 0 })
    await cache.set('old', 'stale')
    clock.advance(60_000)
    const loadMissing = (keys: string[]) => keys.map(key => (key === 'good' ? 'made' : new Error(`no ${key}`)))
    expect(await cache.getOrSetMany(['old', 'good'], loadMissing)).toEqual(['stale', 'made'])
    const failure = await cache.getOrSetMany(['old', 'good', 'bad', 'worse'], loadMissing).catch(error => error)
    expect(failure).toBeInstanceOf(PartialLoadError)
    expect(failure).toMatchObject({ code: 'ERR_PARTIAL_LOAD', values: ['stale', 'made', undefined, undefined] })
    expect([...failure.errors].map(([key, { message }]) => [key, message])).toEqual([
      ['bad', 'no bad'],
      ['worse', 'no worse'],
    ])
    await expect(cache.getOrSetMany(['bad', 'worse'], fail)).rejects.toThrow('origin down')
    expect(await cache.getOrSetMany(['old', 'good'], fail)).toEqual(['stale', 'made'])
  })

  test('stale values are given at once and refreshed by one call', async () => {
    const { cache, clock } = cacheWith({ swr: '1h' })
    await cache.setMany([
      ['a', 1],
      ['b', 2],
    ])
    clock.advance(60_000)
    const loadMissing = vi.fn((keys: string[], { stale }: { stale: ReadonlyMap<string, unknown> }) =>
      keys.map(key => 10 * ((stale.get(key) as number) ?? 0)),
    )
    expect(await cache.getOrSetMany(['a', 'b', 'c'], loadMissing)).toEqual([1, 2, 0])
    await clock.advanceAsync(0)
    expect(await cache.getMany(['a', 'b', 'c'])).toEqual([10, 20, 0])
    expect(loadMissing).toHaveBeenCalledTimes(1)
    expect(await cache.refresh('a')).toBe(100)
  })

  test('one who leaves takes the load along only when he is the last', async () => {
    const { cache } = cacheWith()
    const controller = new AbortController()
    let told: AbortSignal | undefined
    const { promise, resolve } = deferred<number[]>()
    const leaving = cache.getOrSetMany(
      ['a', 'b'],
      (_, { signal }) => {
        told = signal
        return promise
      },
      { signal: controller.signal },
    )
    const staying = cache.getOrSet('b', fail)
    controller.abort(new Error('enough'))
    await expect(leaving).rejects.toThrow('enough')
    expect(told?.aborted).toBe(false)
    resolve([1, 2])
    expect(await staying).toBe(2)
    const invalid = { code: 'ERR_INVALID_ARGUMENT' }
    await expect(cache.getOrSetMany(['x'], () => 5 as never)).rejects.toMatchObject(invalid)
    await expect(cache.getOrSetMany(['x', 'y'], () => [1])).rejects.toMatchObject(invalid)
    await expect(cache.getOrSetMany('x' as never, () => [1])).rejects.toMatchObject(invalid)
    expect(await cache.getOrSetMany([], fail)).toEqual([])
  })
})

describe('isolate', () => {
  test('clone: what is inside and what users hold are different objects', async () => {
    const { cache } = cacheWith({ isolate: 'clone' })
    const mine = { list: [1] }
    await cache.set('a', mine)
    mine.list.push(2)
    const out = (await cache.get('a')) as typeof mine
    out.list.push(3)
    ;(cache.memory.get('a') as typeof mine).list.push(4)
    expect(await cache.getOrSet('a', fail)).toEqual({ list: [1] })
    const both = await Promise.all([1, 2].map(() => cache.getOrSet('b', async () => ({ list: [1] }))))
    expect(both[0]).toEqual(both[1])
    expect(both[0]).not.toBe(both[1])
    await cache.getOrSet(
      'a',
      ({ stale, skip }) => {
        ;(stale as typeof mine).list.push(5)
        return skip()
      },
      { forceFresh: true },
    )
    expect(await cache.get('a')).toEqual({ list: [1] })
  })

  test('freeze: nobody can change what is inside', async () => {
    const { cache } = cacheWith({ isolate: 'freeze' })
    const circle: Record<string, unknown> = { list: [{ deep: true }], bytes: new Uint8Array(2) }
    circle.self = circle
    await cache.set('a', circle)
    const out = (await cache.get('a')) as { list: object[] }
    expect(() => out.list.push({})).toThrow(TypeError)
    expect(Object.isFrozen(out.list[0])).toBe(true)
  })
})

test('options that cannot be meant are refused at the door', async () => {
  const invalid = { code: 'ERR_INVALID_ARGUMENT' }
  const wrong: object[] = [
    { swr: -1 },
    { grace: 'soon' },
    { refreshAhead: 0 },
    { refreshAhead: 'x' },
    { softTimeout: -1 },
    { hardTimeout: 0 },
    { negativeTtl: Number.NaN },
    { errorBackoff: '1y' },
  ]
  for (const options of [...wrong, { isolate: true }]) expect(() => createCache(options)).toThrow(expect.objectContaining(invalid))
  const { cache } = cacheWith()
  for (const options of wrong) await expect(cache.getOrSet('a', () => 1, options)).rejects.toMatchObject(invalid)
  await expect(cache.set('a', 1, { grace: -1 })).rejects.toMatchObject(invalid)
  expect(await cache.get('a')).toBeUndefined()
  await cache.set('a', 1)
  await expect(cache.getOrSet('a', () => 1, { refreshAhead: 0 })).rejects.toMatchObject(invalid)
  for (const call of [cache.get(1 as never), cache.getOrSet(1 as never, () => 1), cache.refresh(1 as never)])
    await expect(call).rejects.toMatchObject(invalid)
})

test('reports staleness and backing off into a registry', async () => {
  const metrics = createRegistry()
  const { cache, clock } = cacheWith({ metrics, grace: '1h' })
  await cache.set('a', 1)
  clock.advance(60_000)
  await cache.getOrSet('a', fail)
  await clock.advanceAsync(0)
  await cache.getOrSet('a', fail)
  const text = await metrics.metrics()
  expect(text).toContain('cache_stale_total{cache="cache",reason="revalidate"} 2')
  expect(text).toContain('cache_refreshes_total{cache="cache"} 1')
  expect(text).toContain('cache_loads_backed_off_total{cache="cache"} 1')
})
