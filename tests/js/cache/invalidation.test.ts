import { describe, expect, test } from 'vitest'
import { createCache, createMemoryCache, type DisposeReason } from '../../../js/index.ts'
import { ManualClock } from '../../../js/testing.ts'

function cacheWith(max = 100_000) {
  const clock = new ManualClock()
  const left: [string, DisposeReason][] = []
  const cache = createMemoryCache<string, unknown>({ max, clock, dispose: (_, key, reason) => left.push([key, reason]) })
  return { clock, left, cache }
}

describe('tags', () => {
  test('giving up a tag hides its entries at once and leaves the others', () => {
    const { cache, left } = cacheWith()
    cache.set('a', 1, { tags: ['users'] })
    cache.set('b', 2, { tags: ['users', 'admins'] })
    cache.set('c', 3, { tags: ['admins'] })
    cache.set('d', 4)
    cache.invalidateTags(['users'])
    expect([...cache.keys()]).toEqual(['c', 'd'])
    expect(left).toEqual([
      ['a', 'invalidate'],
      ['b', 'invalidate'],
    ])
    expect(cache.stats()).toMatchObject({ invalidations: 2, entries: 2 })
  })

  test('a large group is gone for every reader before it is cleared away, in slices', () => {
    const { cache, clock, left } = cacheWith()
    for (let at = 0; at < 50_000; at += 1) cache.set(`key ${at}`, at, { tags: ['all'] })
    cache.set('other', 1)
    cache.invalidateTags(['all'])
    expect(left.length).toBeLessThanOrEqual(1024)
    expect(cache.size).toBe(1)
    expect([cache.get('key 49999'), cache.has('key 49998'), cache.peek('key 49997'), cache.info('key 49996')]).toEqual([
      undefined,
      false,
      undefined,
      undefined,
    ])
    cache.set('key 5', 'new', { tags: ['all'] })
    expect([...cache]).toEqual([
      ['other', 1],
      ['key 5', 'new'],
    ])
    clock.advance(1000)
    expect(left.length).toBe(50_000)
    expect(cache.get('key 5')).toBe('new')
    cache.validate()
  })

  test('with expire, stale ones stay for who takes them stale, and keep their tags', () => {
    const { cache } = cacheWith()
    cache.set('a', 1, { tags: ['t'], staleFor: '1h' })
    cache.set('b', 2, { tags: ['t'] })
    cache.invalidateTags(['t'], { mode: 'expire' })
    expect([cache.get('a'), cache.get('a', { allowStale: true }), cache.get('b', { allowStale: true })]).toEqual([undefined, 1, undefined])
    cache.invalidateTags(['t'])
    expect(cache.get('a', { allowStale: true })).toBeUndefined()
  })

  test('an overwritten entry has the tags of the later set only', () => {
    const { cache } = cacheWith()
    cache.set('a', 1, { tags: ['old'] })
    cache.set('a', 2, { tags: ['new'] })
    cache.invalidateTags(['old'])
    expect(cache.get('a')).toBe(2)
    cache.invalidateTags(['new'])
    expect(cache.get('a')).toBeUndefined()
  })

  test('names like __proto__ are names', () => {
    const { cache } = cacheWith()
    cache.set('a', 1, { tags: ['__proto__', 'constructor'] })
    cache.invalidateTags(['__proto__'])
    expect(cache.size).toBe(0)
  })

  test('makes room without a living entry paying for it', () => {
    const { cache, left } = cacheWith(3)
    cache.set('a', 1)
    cache.set('b', 2, { tags: ['t'], staleFor: '1h' })
    cache.set('c', 3)
    cache.invalidateTags(['t'])
    cache.set('d', 4)
    expect([...cache.keys()]).toEqual(['a', 'c', 'd'])
    expect(left).toEqual([['b', 'invalidate']])
  })
})

describe('callbacks in the middle of things', () => {
  test('a slot that a dispose callback takes over is not read under the old key', () => {
    const cache = createMemoryCache<string, string>({
      dispose: (_, key) => {
        if (key === 'k1024') cache.set('other', 'OTHER')
      },
    })
    for (let at = 0; at < 1100; at += 1) cache.set(`k${at}`, `${at}`, { tags: ['t'] })
    cache.invalidateTags(['t'])
    expect(cache.get('k1024')).toBeUndefined()
    expect(cache.get('other')).toBe('OTHER')
    cache.validate()
  })

  test('a predicate that changes the cache gives up only what it spoke of', () => {
    const { cache } = cacheWith()
    cache.set('a', 1)
    cache.set('b', 2)
    const count = cache.invalidateWhere((_, key) => {
      if (key === 'b') {
        cache.delete('a')
        cache.set('c', 3)
      }
      return key === 'a'
    })
    expect(count).toBe(0)
    expect([...cache.keys()]).toEqual(['b', 'c'])
    cache.validate()
  })

  test('closing ends in a closed cache whatever a callback does', () => {
    const cache = createMemoryCache<string, number>({
      dispose: () => {
        cache.set('again', 1)
      },
    })
    cache.set('a', 1)
    expect(() => cache.close()).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
    expect([cache.size, cache.get('again')]).toEqual([0, undefined])
  })

  test('a list that is a string is refused, and nothing has changed', () => {
    const { cache } = cacheWith()
    const invalid = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' })
    cache.set('a', 1)
    expect(() => cache.set('a', 2, { tags: 'users' as never })).toThrow(invalid)
    expect(() => cache.set('a', 2, { dependsOn: 5 as never })).toThrow(invalid)
    expect(() => cache.invalidateTags('users')).toThrow(invalid)
    expect(cache.get('a')).toBe(1)
  })
})

describe('dependencies', () => {
  test('what was made from a key goes when the key changes, and what was made from that', () => {
    const { cache } = cacheWith()
    cache.set('user', 1)
    cache.set('profile', 2, { dependsOn: ['user'] })
    cache.set('page', 3, { dependsOn: ['profile'] })
    cache.set('other', 4, { dependsOn: ['elsewhere'] })
    cache.set('user', 5)
    expect([...cache.keys()]).toEqual(['user', 'other'])
    cache.delete('elsewhere')
    expect([...cache.keys()]).toEqual(['user'])
  })

  test('a circle comes to an end', () => {
    const { cache } = cacheWith()
    cache.set('a', 1, { dependsOn: ['b', 'a'] })
    cache.set('b', 2, { dependsOn: ['a'] })
    expect([...cache.keys()]).toEqual(['b'])
    cache.set('a', 1, { dependsOn: ['b'] })
    expect([...cache.keys()]).toEqual(['a'])
  })

  test('losing its place in the cache changes nothing for what was made from it', () => {
    const { cache } = cacheWith(2)
    cache.set('source', 1)
    cache.set('made', 2, { dependsOn: ['source'] })
    cache.set('more', 3)
    expect(cache.has('source')).toBe(false)
    expect(cache.get('made')).toBe(2)
    cache.delete('source')
    expect(cache.get('made')).toBeUndefined()
  })
})

describe('patterns and predicates', () => {
  test('by pattern, by prefix, by predicate', () => {
    const { cache } = cacheWith()
    for (const key of ['user:1', 'user:1:posts', 'user:2:posts', 'team:1']) cache.set(key, key.length)
    expect(cache.invalidate('user:*:posts')).toBe(2)
    expect(cache.invalidatePrefix('team:')).toBe(1)
    expect(cache.invalidateWhere((value, key) => value === 6 && key.startsWith('user'))).toBe(1)
    expect(cache.size).toBe(0)
  })

  test('bad input', () => {
    const { cache } = cacheWith()
    const invalid = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' })
    expect(() => cache.invalidate('')).toThrow(invalid)
    expect(() => cache.invalidatePrefix(5 as never)).toThrow(invalid)
    expect(() => cache.invalidateWhere('x' as never)).toThrow(invalid)
    expect(() => cache.invalidateTags(['a'], { mode: 'x' as never })).toThrow(invalid)
    for (const tags of [null, 'a', 5, {}, ['a', 5]]) expect(() => cache.invalidateTags(tags as never), String(tags)).toThrow(invalid)
    expect(() => cache.set('a', 1, { tags: ['x', 7 as never] })).toThrow(invalid)
    expect(() => cache.load([['a', { value: 1, tags: [7 as never] }]])).toThrow(invalid)
    expect(() => cache.invalidateTags(new Set(['a']))).not.toThrow()
  })

  test('a predicate that answers later is refused, and nothing is gone', async () => {
    const invalid = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' })
    const { cache } = cacheWith()
    cache.set('a', 1)
    expect(() => cache.invalidateWhere((async () => false) as never)).toThrow(invalid)
    expect(cache.get('a')).toBe(1)
    const tiered = createCache<number>()
    await tiered.set('a', 1)
    await expect(tiered.invalidateWhere((async () => false) as never)).rejects.toThrow(invalid)
    expect(await tiered.get('a')).toBe(1)
  })

  test('a value that is not equal to itself is given up like any other', () => {
    const { cache } = cacheWith()
    cache.set('a', Number.NaN)
    expect(cache.invalidateWhere(value => Number.isNaN(value))).toBe(1)
    expect(cache.size).toBe(0)
  })

  test('a key of minus zero is given up like any other', () => {
    const cache = createMemoryCache<number, number>()
    cache.set(-0, 1)
    expect(cache.invalidateWhere(() => true)).toBe(1)
    expect(cache.size).toBe(0)
  })
})
