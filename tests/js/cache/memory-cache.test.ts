import { describe, expect, test, vi } from 'vitest'
import { createMemoryCache, type DisposeReason, type MemoryCacheOptions } from '../../../js/index.ts'
import { ManualClock, plantTrap } from '../../../js/testing.ts'
import { checkMemoryCache } from '../model/memory-cache-model.ts'

/** `SHELFLIFE_SEQUENCES=100000 npx vitest run js/cache/memory-cache` for more. */
const SEQUENCES = Number(process.env.SHELFLIFE_SEQUENCES ?? 20_000)

function cacheWith(options: MemoryCacheOptions<string, unknown> = {}) {
  const clock = new ManualClock()
  const left: [string, unknown, DisposeReason][] = []
  const cache = createMemoryCache<string, unknown>({ clock, dispose: (value, key, reason) => left.push([key, value, reason]), ...options })
  return { clock, left, cache }
}

describe('least recently used', () => {
  test('the entry used longest ago leaves first, whatever crossed the border meanwhile', () => {
    const { cache, left } = cacheWith({ max: 3 })
    for (const key of ['a', 'b', 'c']) cache.set(key, key)
    cache.get('a')
    cache.set('d', 'd')
    for (let reads = 0; reads < 10_000; reads += 1) cache.get('c')
    cache.set('e', 'e')
    expect([...cache.keys()].sort()).toEqual(['c', 'd', 'e'])
    expect(left).toEqual([
      ['b', 'b', 'evict'],
      ['a', 'a', 'evict'],
    ])
  })

  test('peek and has do not count as use', () => {
    const { cache } = cacheWith({ max: 2 })
    cache.setMany([
      ['a', 1],
      ['b', 2],
    ])
    cache.peek('a')
    cache.has('a')
    cache.set('c', 3)
    expect(cache.getMany(['a', 'b', 'c'])).toEqual([undefined, 2, 3])
    expect(cache.stats()).toMatchObject({ hits: 2, misses: 1 })
  })

  test(`equals the naive model over ${SEQUENCES} seeded sequences`, { timeout: 300_000 }, () => {
    expect(checkMemoryCache(SEQUENCES).sequences).toBe(SEQUENCES)
  })
})

describe('time', () => {
  test('an entry is served until its time and not at it', () => {
    const { cache, clock } = cacheWith({ ttl: '1s' })
    cache.set('a', 1)
    cache.set('b', 2, { ttl: 10 })
    clock.advance(9)
    expect(cache.getMany(['a', 'b'])).toEqual([1, 2])
    clock.advance(1)
    expect(cache.getMany(['a', 'b'])).toEqual([1, undefined])
    clock.advance(990)
    expect(cache.get('a')).toBeUndefined()
    // The alarm had cleared 'a' away already.
    expect(cache.stats().missesByReason).toEqual({ cold: 0, expired: 2, evicted: 0, invalidated: 0, deleted: 0 })
  })

  test('what nobody asks for is cleared away all the same', () => {
    const { cache, clock, left } = cacheWith({ ttl: '1s', max: 5000 })
    for (let at = 0; at < 3000; at += 1) cache.set(`key ${at}`, at)
    clock.advance(1100)
    expect(cache.size).toBe(0)
    expect(left.every(([, , reason]) => reason === 'expire')).toBe(true)
    expect(clock.timers).toBe(0)
  })

  test('an expired entry makes room before a living one has to', () => {
    const { cache, clock, left } = cacheWith({ max: 2 })
    cache.set('old', 1)
    cache.set('brief', 2, { ttl: 5 })
    cache.get('brief')
    clock.advance(5)
    cache.set('new', 3)
    expect(left).toEqual([['brief', 2, 'expire']])
    expect(cache.getMany(['old', 'new'])).toEqual([1, 3])
  })

  test('a longer life outlasts the alarm set for the shorter one', () => {
    const { cache, clock } = cacheWith({ ttl: 100 })
    cache.set('a', 1)
    cache.set('a', 2, { ttl: '1h' })
    clock.advance(3_599_999)
    expect(cache.get('a')).toBe(2)
    clock.advance(1)
    expect(cache.get('a')).toBeUndefined()
  })

  test('times beyond what a host timer can count', () => {
    const { cache, clock } = cacheWith({ ttl: '60d' })
    cache.set('a', 1)
    clock.advance(59.9 * 86_400_000)
    expect(cache.get('a')).toBe(1)
    clock.advance(86_400_000)
    expect(cache.size).toBe(0)
  })

  test('what expired while the machine slept is gone on waking; setting the clock back revives nothing', () => {
    const { cache, clock } = cacheWith({ ttl: '1m' })
    cache.set('a', 1)
    clock.sleep(59_000)
    expect(cache.get('a')).toBe(1)
    clock.sleep(2000)
    expect(cache.get('a')).toBeUndefined()
    cache.set('b', 2)
    clock.setWall(0)
    clock.advance(59_999)
    expect(cache.get('b')).toBe(2)
    clock.advance(1)
    expect(cache.get('b')).toBeUndefined()
  })

  test('does not keep a process alive', () => {
    const { cache, clock } = cacheWith({ ttl: '1m' })
    cache.set('a', 1)
    expect([clock.timers, clock.heldTimers]).toEqual([1, 0])
    cache.close()
    expect(clock.timers).toBe(0)
  })
})

describe('staying on and leaving early', () => {
  test('a stale entry is served to those who take it, for as long as it said', () => {
    const { cache, clock } = cacheWith({ ttl: 100 })
    cache.set('a', 1, { staleFor: 50 })
    clock.advance(120)
    expect([cache.get('a'), cache.has('a'), cache.peek('a')]).toEqual([undefined, false, undefined])
    expect(cache.get('a', { allowStale: true })).toBe(1)
    expect(cache.info('a')).toEqual({ value: 1, stale: true, ttl: 0, staleFor: 30, size: 0 })
    expect([...cache.keys()]).toEqual([])
    clock.advance(30)
    expect(cache.get('a', { allowStale: true })).toBeUndefined()
    expect(cache.stats()).toMatchObject({ hits: 1, staleHits: 1, misses: 2 })
  })

  test('expire ends an entry, or leaves it to those who take it stale', () => {
    const { cache, clock } = cacheWith({ ttl: '1h' })
    cache.set('a', 1)
    cache.set('b', 2, { staleFor: '1m' })
    expect([cache.expire('a'), cache.expire('b'), cache.expire('b'), cache.expire('c')]).toEqual([true, true, false, false])
    expect(cache.size).toBe(1)
    expect(cache.peek('b', { allowStale: true })).toBe(2)
    clock.advance(61_000)
    expect(cache.size).toBe(0)
  })

  test('an idle entry leaves, a used one stays until its time to live is over', () => {
    const { cache, clock } = cacheWith({ idleTtl: 100, ttl: 250 })
    cache.set('idle', 1)
    cache.set('used', 2)
    for (let elapsed = 0; elapsed < 240; elapsed += 60) {
      expect(cache.get('used')).toBe(2)
      clock.advance(60)
    }
    expect(cache.get('idle')).toBeUndefined()
    clock.advance(10)
    expect(cache.get('used')).toBeUndefined()
  })

  test('jitter only ever shortens a life, and maxTtl caps it', () => {
    const { cache } = cacheWith({ ttl: 1000, jitter: 400, random: () => 0.5 })
    cache.set('a', 1)
    expect(cache.info('a')?.ttl).toBe(800)
    const capped = cacheWith({ maxTtl: '1s' }).cache
    capped.set('a', 1)
    capped.set('b', 1, { ttl: '1h' })
    expect([capped.info('a')?.ttl, capped.info('b')?.ttl]).toEqual([1000, 1000])
  })

  test('resize drops what no longer fits, the longest unused first', () => {
    const { cache, left } = cacheWith({ max: 5, maxSize: 100, sizeCalculation: value => Number(value) })
    for (const size of [1, 2, 3, 4, 5]) cache.set(`${size}`, size)
    cache.get('1')
    cache.resize({ max: 3 })
    expect([...cache.keys()].sort()).toEqual(['1', '4', '5'])
    cache.resize({ maxSize: 6 })
    expect([...cache.keys()].sort()).toEqual(['1', '5'])
    expect(left.map(([key]) => key)).toEqual(['2', '3', '4'])
    expect(() => cache.resize({ max: 0 })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    expect(() => cacheWith().cache.resize({ maxSize: 5 })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    cache.validate()
  })
})

describe('size', () => {
  test('the sum never exceeds maxSize, and an entry above it is refused', () => {
    const { cache, left } = cacheWith({ maxSize: 10, sizeCalculation: value => Number(value) })
    cache.set('a', 4)
    cache.set('b', 6)
    cache.set('c', 5)
    expect(cache.stats()).toMatchObject({ entries: 1, size: 5 })
    expect(cache.set('c', 11)).toBe(false)
    expect(cache.has('c')).toBe(false)
    expect(left).toEqual([
      ['a', 4, 'evict'],
      ['b', 6, 'evict'],
      ['c', 5, 'set'],
      ['c', 11, 'oversize'],
    ])
    cache.validate()
  })

  test('growing an entry evicts others, never itself', () => {
    const { cache } = cacheWith({ maxSize: 10, sizeCalculation: value => Number(value) })
    cache.setMany([
      ['a', 3],
      ['b', 3],
      ['c', 3],
    ])
    cache.set('a', 10)
    expect([...cache]).toEqual([['a', 10]])
  })

  test('without sizeCalculation an estimate in bytes counts, and stats say so', () => {
    const { cache } = cacheWith({ maxSize: '1kb' })
    cache.set('k', 'x'.repeat(100))
    cache.set('buffer', new Uint8Array(300))
    const { size, sizeUnit } = cache.stats()
    expect(sizeUnit).toBe('estimated bytes')
    expect(size).toBeGreaterThan(500)
    expect(size).toBeLessThan(600)
    cache.set('big', 'x'.repeat(600))
    expect(cache.has('big')).toBe(false)
    expect(cache.has('k')).toBe(true)
  })
})

describe('dispose', () => {
  test('meets a consistent cache and may change it', () => {
    const seen: string[] = []
    const inner = createMemoryCache<string, number>({
      max: 1,
      dispose: (value, key, reason) => {
        inner.validate()
        seen.push(`${key} ${reason}`)
        if (value < 3) inner.set(`${key}'`, value + 1)
      },
    })
    inner.set('a', 1)
    inner.set('b', 9)
    expect(seen).toEqual(['a evict', 'b evict'])
    expect([...inner]).toEqual([["a'", 2]])
  })

  test('a callback that throws loses nobody else', () => {
    const seen: string[] = []
    const cache = createMemoryCache<string, number>({
      dispose: (_, key) => {
        seen.push(key)
        if (key === 'a') throw new Error('a callback failed')
      },
    })
    cache.set('a', 1)
    cache.set('b', 2)
    expect(() => cache.clear()).toThrow('a callback failed')
    expect(seen).toEqual(['a', 'b'])
    expect(cache.size).toBe(0)
  })

  test('a callback that throws while entries expire is reported, once a slice, and the others have their turn', () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const clock = new ManualClock()
    const seen: string[] = []
    const dispose = (_: number, key: string) => {
      seen.push(key)
      throw new Error('a callback failed')
    }
    const cache = createMemoryCache<string, number>({ ttl: 1000, cleanupInterval: 100, clock, dispose })
    const other = createMemoryCache<string, number>({ ttl: 1000, cleanupInterval: 100, clock, dispose: (_, key) => seen.push(key) })
    cache.set('a', 1)
    cache.set('b', 2)
    other.set('c', 3)
    clock.advance(1500)
    cache.set('d', 4)
    clock.advance(1500)
    expect(seen).toEqual(['a', 'b', 'c', 'd'])
    expect(cache.size + other.size).toBe(0)
    expect(warn).toHaveBeenCalledTimes(2)
    warn.mockRestore()
  })
})

describe('bad input', () => {
  const wrong = [0, -1, Number.NaN, 1.5, '10', null, {}, 2 ** 60]
  test.each(wrong)('max %s is refused', max => {
    expect(() => createMemoryCache({ max: max as number })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })

  test.each([0, -1, Number.NaN, '10', '5 m', '', null, {}, [], '1e3s'])(
    'ttl %s is refused, for the cache and for an entry, and nothing is lost',
    ttl => {
      expect(() => createMemoryCache({ ttl: ttl as number })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
      const cache = createMemoryCache<string, number>()
      cache.set('a', 1)
      expect(() => cache.set('a', 2, { ttl: ttl as number })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
      expect(cache.get('a')).toBe(1)
      cache.validate()
    },
  )

  test.each(['maxTtl', 'idleTtl', 'jitter', 'cleanupInterval', 'maxEntrySize'])('%s is checked', option => {
    for (const value of [-1, Number.NaN, 'x', null, {}]) {
      expect(() => createMemoryCache({ [option]: value })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    }
  })

  test.each([0, -1, Number.NaN, '10', '5 mb', null, {}])('maxSize %s is refused', maxSize => {
    expect(() => createMemoryCache({ maxSize: maxSize as number })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })

  test.each([-1, Number.NaN, 1.5, '10', null, Number.POSITIVE_INFINITY, {}])('an entry of size %s is refused and nothing is lost', size => {
    const cache = createMemoryCache<string, number>({ maxSize: 100, sizeCalculation: () => size as number })
    cache.set('a', 1, { size: 1 })
    expect(() => cache.set('a', 2)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    expect(() => cache.set('b', 2, { size: size as number })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    expect([...cache]).toEqual([['a', 1]])
    cache.validate()
  })

  test('options that are no options', () => {
    for (const options of [null, 1, 'x', []])
      expect(() => createMemoryCache(options as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    expect(() => createMemoryCache({ dispose: 'x' as never })).toThrow(/dispose must be a function/)
  })

  test.each([null, 5, 'users'])('a set with %j for its options is refused, and stores nothing that would outlive its time', wrong => {
    const clock = new ManualClock()
    const cache = createMemoryCache<string, number>({ ttl: 10, clock })
    cache.set('b', 1)
    for (const key of ['a', 'b'])
      expect(() => cache.set(key, 2, wrong as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    expect([cache.get('a'), cache.get('b'), cache.size]).toEqual([undefined, 1, 1])
    clock.advance(10)
    expect(cache.get('b')).toBeUndefined()
  })

  test.each(['staleFor', 'tags', 'dependsOn'])('a set with null for %s is refused, in a cache of whatever kind', option => {
    for (const cache of [createMemoryCache<string, number>(), createMemoryCache<string, number>({ maxSize: 100 })]) {
      expect(() => cache.set('a', 1, { ttl: 5, [option]: null })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
      expect(cache.size).toBe(0)
    }
  })

  test('undefined cannot be stored, null can', () => {
    const cache = createMemoryCache<string, unknown>()
    cache.set('a', null)
    expect(() => cache.set('a', undefined)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    expect(cache.get('a')).toBe(null)
  })

  test('a weigher that throws changes nothing', () => {
    const cache = createMemoryCache<string, unknown>({
      maxSize: 10,
      sizeCalculation: value => {
        if (value === 'bad') throw new Error('cannot weigh')
        return 1
      },
    })
    cache.set('a', 'good')
    expect(() => cache.set('a', 'bad')).toThrow('cannot weigh')
    expect(cache.get('a')).toBe('good')
    cache.validate()
  })

  test('huge limits are accepted without being paid for', () => {
    const cache = createMemoryCache<string, number>({
      max: Number.MAX_SAFE_INTEGER,
      maxSize: Number.MAX_SAFE_INTEGER,
      sizeCalculation: () => Number.MAX_SAFE_INTEGER,
    })
    cache.set('a', 1)
    cache.set('b', 2)
    expect(cache.size).toBe(1)
    cache.validate()
  })
})

describe('life', () => {
  test('closed, it misses, and set says so', () => {
    const { cache, left } = cacheWith()
    cache.set('a', 1)
    cache.close()
    cache.close()
    expect(left).toEqual([['a', 1, 'delete']])
    expect([cache.get('a'), cache.has('a'), cache.delete('a'), cache.size]).toEqual([undefined, false, false, 0])
    cache.clear()
    expect(() => cache.set('a', 1)).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
  })

  test('14 000 caches share one core', () => {
    const caches = Array.from({ length: 14_000 }, (_, at) => {
      const cache = createMemoryCache<string, number>({ max: 2 })
      cache.set('a', at)
      return cache
    })
    expect(caches.every((cache, at) => cache.get('a') === at)).toBe(true)
    for (const cache of caches) cache.close()
  })

  test('after a trap a cache starts cold and goes on', () => {
    const { cache, left } = cacheWith({ max: 100 })
    for (let at = 0; at < 100; at += 1) cache.set(`key ${at}`, at)
    expect(() => plantTrap()).toThrow(expect.objectContaining({ code: 'ERR_CORE_TRAPPED' }))
    expect(cache.get('key 5')).toBe(5)
    cache.set('one more', 1)
    expect(cache.stats()).toMatchObject({ traps: 1, entries: 1 })
    expect(left.length).toBe(100)
    cache.validate()
    for (let at = 0; at < 300; at += 1) cache.set(`key ${at}`, at)
    expect(cache.size).toBe(100)
    cache.validate()
  })

  test('a trap at any point of a random workload leaves a consistent cache', () => {
    for (let seed = 0; seed < 300; seed += 1) {
      const cache = createMemoryCache<number, number>({ max: 50, maxSize: 200, sizeCalculation: value => value % 9, ttl: '1h' })
      for (let at = 0; at < 200; at += 1) {
        const key = (at * 7 + seed) % 80
        if (cache.get(key) === undefined) cache.set(key, at)
        if (at === seed % 200) expect(() => plantTrap()).toThrow()
      }
      cache.validate()
      cache.close()
    }
  })
})
