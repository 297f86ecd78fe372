import { describe, expect, test } from 'vitest'
import { createMemoryCache, createRegistry, type DisposeReason } from '../../../js/index.ts'
import { ManualClock } from '../../../js/testing.ts'

describe('namespaces of a memory cache', () => {
  test('keys are apart, whatever they are', () => {
    const cache = createMemoryCache<unknown, string>({ max: 100 })
    const users = cache.namespace('users')
    const inner = users.namespace('users')
    const object = {}
    for (const key of ['a', 'users:a', '', 1, Number.NaN, object]) {
      cache.set(key, 'outside')
      users.set(key, 'users')
      inner.set(key, 'inner')
      expect([cache.get(key), users.get(key), inner.get(key)]).toEqual(['outside', 'users', 'inner'])
    }
    users.delete('a')
    expect([cache.has('a'), users.has('a'), inner.has('a')]).toEqual([true, false, true])
    expect(users.invalidate('*')).toBe(2)
    expect([cache.size, users.size, inner.size]).toEqual([6, 3, 6])
  })

  test('options are those of the call, then of the namespace, then of the cache', () => {
    const clock = new ManualClock()
    const cache = createMemoryCache<string, number>({ ttl: 30, clock })
    const usual = cache.namespace('usual')
    const longer = cache.namespace('longer', { ttl: 60 })
    usual.set('a', 1)
    longer.set('a', 1)
    longer.set('b', 1, { ttl: 10 })
    clock.advance(10)
    expect(longer.get('b')).toBeUndefined()
    clock.advance(20)
    expect([usual.get('a'), longer.get('a')]).toEqual([undefined, 1])
    clock.advance(30)
    expect(longer.get('a')).toBeUndefined()
  })

  test('over its quota a namespace gives up its own least recently used entry', () => {
    const left: [string, DisposeReason][] = []
    const cache = createMemoryCache<string, number>({ max: 10 })
    const users = cache.namespace('users', { max: 2, dispose: (_, key, reason) => left.push([key, reason]) })
    cache.set('a', 0)
    users.set('a', 1)
    users.set('b', 2)
    users.get('a')
    users.set('c', 3)
    expect(left).toEqual([['b', 'evict']])
    expect([...users.keys()]).toEqual(['a', 'c'])
    expect(cache.get('a')).toBe(0)
    users.resize({ max: 1 })
    expect([...users.keys()]).toEqual(['c'])
    expect(users.stats()).toMatchObject({ entries: 1, max: 1, evictions: 2 })
  })

  test('when the whole is full, whoever holds most gives way, and nobody smaller', () => {
    const cache = createMemoryCache<number, number>({ max: 100 })
    const [small, large] = [cache.namespace('small'), cache.namespace('large')]
    for (let key = 0; key < 20; key += 1) small.set(key, key)
    for (let key = 0; key < 1000; key += 1) large.set(key, key)
    expect([small.size, large.size]).toEqual([20, 80])
    expect(large.has(919)).toBe(false)
    expect(large.has(920)).toBe(true)
    for (let key = 20; key < 1000; key += 1) small.set(key, key)
    expect([small.size, large.size]).toEqual([50, 50])
    for (let key = 0; key < 10; key += 1) cache.set(key, key)
    expect(cache.size + small.size + large.size).toBe(100)
    expect(cache.size).toBe(10)
    cache.resize({ max: 30 })
    expect([cache.size, small.size, large.size]).toEqual([10, 10, 10])
    cache.validate()
  })

  test('what has expired goes before anybody gives way', () => {
    const clock = new ManualClock()
    const cache = createMemoryCache<string, number>({ max: 3, clock, cleanupInterval: '1h' })
    const users = cache.namespace('users')
    users.set('a', 1)
    users.set('b', 2)
    cache.set('a', 1, { ttl: 5 })
    clock.advance(6)
    users.set('c', 3)
    expect(users.size).toBe(3)
    expect(users.stats().evictions).toBe(0)
    expect(cache.stats().expirations).toBe(1)
  })

  test('bytes are shared, and an entry larger than any limit around it is refused', () => {
    const cache = createMemoryCache<string, string>({ maxSize: 100, sizeCalculation: value => value.length })
    const users = cache.namespace('users', { maxSize: 60 })
    const inner = users.namespace('inner')
    expect(users.set('a', 'x'.repeat(61))).toBe(false)
    expect(inner.set('a', 'x'.repeat(61))).toBe(false)
    expect(inner.set('a', 'x'.repeat(60))).toBe(true)
    expect(cache.set('a', 'x'.repeat(60))).toBe(true)
    expect([cache.size, inner.size]).toEqual([1, 0])
    users.set('a', 'x'.repeat(40))
    cache.resize({ maxSize: 50 })
    expect([cache.size, users.size]).toEqual([0, 1])
    expect(users.set('b', 'x'.repeat(51))).toBe(false)
    cache.validate()
  })

  test('clear, tags, trim and close of the cache reach its namespaces; those of a namespace stay in it', () => {
    const cache = createMemoryCache<string, number>({ maxSize: '1mb' })
    const [one, two] = [cache.namespace('one'), cache.namespace('two')]
    const fill = () => {
      for (const each of [cache, one, two]) each.set('a', 1, { tags: ['t'] })
    }
    const sizes = () => [cache.size, one.size, two.size]
    fill()
    expect(cache.accountedBytes()).toBe(3 * one.accountedBytes())
    one.clear()
    expect(sizes()).toEqual([1, 0, 1])
    fill()
    one.invalidateTags(['t'])
    expect(sizes()).toEqual([1, 0, 1])
    cache.invalidateTags(['t'])
    expect(sizes()).toEqual([0, 0, 0])
    fill()
    expect(cache.trim(1).entries).toBe(3)
    fill()
    cache.clear()
    expect(sizes()).toEqual([0, 0, 0])
    fill()
    one.close()
    expect(() => one.set('a', 1)).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
    expect(cache.namespace('one')).not.toBe(one)
    expect(sizes()).toEqual([1, 0, 1])
    cache.close()
    expect(() => two.set('a', 1)).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
    expect(() => cache.namespace('one')).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
  })

  test('callbacks that run for others meet all of it done', () => {
    const seen: unknown[] = []
    const cache = createMemoryCache<string, number>({ max: 2 })
    const users = cache.namespace('users', {
      dispose: (_, key, reason) => seen.push([key, reason, cache.get('c'), users.size, cache.size]),
    })
    users.set('a', 1)
    users.set('b', 2)
    cache.set('c', 3)
    cache.clear()
    expect(seen).toEqual([
      ['a', 'evict', 3, 1, 1],
      ['b', 'delete', undefined, 0, 0],
    ])
  })

  test('the same name is the same namespace, with the same options or none', () => {
    const cache = createMemoryCache<string, number>()
    const users = cache.namespace('users', { ttl: '5m' })
    expect(cache.namespace('users')).toBe(users)
    expect(cache.namespace('users', { ttl: '5m' })).toBe(users)
    expect(() => cache.namespace('users', { ttl: '6m' })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    for (const name of ['', 1, undefined])
      expect(() => cache.namespace(name as string)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    for (const options of [{ max: -1 }, { ttl: 'soon' }, 5])
      expect(() => cache.namespace('others', options as object)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    cache.namespace('others')
  })

  test('each reports under its own name', async () => {
    const metrics = createRegistry()
    const cache = createMemoryCache<string, number>({ metrics, name: 'app' })
    cache.namespace('users').set('a', 1)
    cache.namespace('users').get('a')
    cache.get('a')
    const text = await metrics.metrics()
    expect(text).toContain('cache_hits_total{cache="app:users"} 1')
    expect(text).toContain('cache_hits_total{cache="app"} 0')
  })
})
