import { describe, expect, test } from 'vitest'
import { createCache, createRegistry } from '../../../js/index.ts'
import { namespaced, pathLength, pathWithin, withoutPath } from '../../../js/stores/namespaced.ts'
import { ManualClock } from '../../../js/testing.ts'
import { Seeded } from '../model/random.ts'
import { deferred } from './deferred.ts'
import { MapStore } from './map-store.ts'

function cacheOver(store: MapStore) {
  return createCache<string>({ store, clock: new ManualClock() })
}

/** What a new process finds in the store. */
async function afterRestart(store: MapStore, keys: readonly string[]): Promise<(string | undefined)[][]> {
  const cache = cacheOver(store)
  const users = cache.namespace('users')
  const inner = users.namespace('inner')
  return Promise.all([cache, users, inner].map(one => one.getMany(keys)))
}

async function filled(store = new MapStore()) {
  const cache = cacheOver(store)
  const users = cache.namespace('users')
  const inner = users.namespace('inner')
  for (const one of [cache, users, inner]) for (const key of ['a', 'b:1']) await one.set(key, key, { tags: ['t', `only-${key}`] })
  return { store, cache, users, inner }
}

describe('namespaces of a cache with tiers', () => {
  test('the same keys are apart in memory, in tiers and after a restart', async () => {
    const store = new MapStore()
    const cache = cacheOver(store)
    const users = cache.namespace('users')
    const inner = users.namespace('inner')
    for (const [one, value] of [
      [cache, 'outside'],
      [users, 'users'],
      [inner, 'inner'],
    ] as const)
      for (const key of ['a', '', 'users:a', '\u001f5:usersa', '\u001f:']) await one.set(key, value)
    const found = await afterRestart(store, ['a', '', 'users:a', '\u001f5:usersa', '\u001f:'])
    expect(found).toEqual([Array(5).fill('outside'), Array(5).fill('users'), Array(5).fill('inner')])
    await users.delete('a')
    expect(await Promise.all([cache.get('a'), users.get('a'), inner.get('a')])).toEqual(['outside', undefined, 'inner'])
    await cache.close()
  })

  test('clear of a namespace reaches what lies in it, in tiers too, and holds after a restart', async () => {
    const { store, cache, users, inner } = await filled()
    await users.clear()
    expect(await Promise.all([cache.get('a'), users.get('a'), inner.get('a')])).toEqual(['a', undefined, undefined])
    await users.set('a', 'new')
    await cache.close()
    expect(await afterRestart(store, ['a', 'b:1'])).toEqual([
      ['a', 'b:1'],
      ['new', undefined],
      [undefined, undefined],
    ])
  })

  test('tags given up outside reach within, those given up within stay there', async () => {
    const { store, cache, users } = await filled()
    await users.invalidateTags(['only-a'])
    expect(await afterRestart(store, ['a', 'b:1'])).toEqual([
      ['a', 'b:1'],
      [undefined, 'b:1'],
      [undefined, 'b:1'],
    ])
    expect(await cache.get('a')).toBe('a')
    await cache.invalidateTags(['only-b:1'])
    expect(await afterRestart(store, ['a', 'b:1'])).toEqual([
      ['a', undefined],
      [undefined, undefined],
      [undefined, undefined],
    ])
    await cache.close()
  })

  test('in a tier, too, what depends on a key goes with that key of its own namespace', async () => {
    const { store, cache, users } = await filled()
    for (const one of [cache, users]) await one.set('made', 'x', { dependsOn: ['a'] })
    await cache.close()
    const again = cacheOver(store)
    await again.delete('a')
    expect(await Promise.all([again.get('made'), again.namespace('users').get('made')])).toEqual([undefined, 'x'])
    await again.close()
    const third = cacheOver(store)
    await third.namespace('users').delete('a')
    await third.close()
    expect(await afterRestart(store, ['made'])).toEqual([[undefined], [undefined], [undefined]])
  })

  test('what a tier gives back keeps its tags and its sources', async () => {
    const { store, cache, users } = await filled()
    await users.set('made', 'x', { dependsOn: ['a'], tags: ['\u001fodd'] })
    await cache.close()
    const again = cacheOver(store)
    const usersAgain = again.namespace('users')
    expect(await usersAgain.get('made')).toBe('x')
    await again.delete('a')
    expect(await usersAgain.get('made')).toBe('x')
    await usersAgain.delete('a')
    expect(await usersAgain.get('made')).toBeUndefined()
    await usersAgain.set('made', 'x', { tags: ['\u001fodd'] })
    await usersAgain.invalidateTags(['\u001fodd'])
    expect(await usersAgain.get('made')).toBeUndefined()
    await again.close()
  })

  test.each([
    [
      '*',
      [
        [undefined, undefined],
        ['a', 'b:1'],
        ['a', 'b:1'],
      ],
    ],
    [
      '?*',
      [
        [undefined, undefined],
        ['a', 'b:1'],
        ['a', 'b:1'],
      ],
    ],
    [
      '*:1',
      [
        ['a', undefined],
        ['a', 'b:1'],
        ['a', 'b:1'],
      ],
    ],
  ])('the pattern %s does not reach within', async (pattern, expected) => {
    const { store, cache } = await filled()
    await cache.invalidate(pattern)
    expect(await afterRestart(store, ['a', 'b:1'])).toEqual(expected)
    await cache.close()
  })

  test.each(['', 'b'])('the prefix "%s" of a namespace is one of that namespace', async prefix => {
    const { store, users, cache } = await filled()
    await users.invalidatePrefix(prefix)
    const all = ['a', 'b:1']
    expect(await afterRestart(store, all)).toEqual([all, all.map(key => (key.startsWith(prefix) ? undefined : key)), all])
    await cache.close()
  })

  test('loads are shared within a namespace, and given up with it', async () => {
    const store = new MapStore()
    const cache = cacheOver(store)
    const [users, posts] = [cache.namespace('users'), cache.namespace('posts')]
    let loads = 0
    const { promise, resolve } = deferred<string>()
    const load = () => {
      loads += 1
      return promise
    }
    const asked = [users, users, posts].map(one => one.getOrSet('a', load))
    await Promise.resolve()
    await Promise.resolve()
    await users.clear()
    resolve('late')
    expect(await Promise.all(asked)).toEqual(['late', 'late', 'late'])
    expect(loads).toBe(2)
    expect(await Promise.all([users.get('a'), posts.get('a'), cache.get('a')])).toEqual([undefined, 'late', undefined])
    expect(users.stats()).toMatchObject({ loads: 1, coalesced: 1, tiers: [] })
    await cache.close()
  })

  test('a clear of everything overtakes loads within', async () => {
    const cache = createCache<string>()
    const users = cache.namespace('users')
    const { promise, resolve } = deferred<string>()
    const asked = users.getOrSet('a', () => promise)
    await cache.clear()
    resolve('late')
    expect(await asked).toBe('late')
    expect(users.memory.has('a')).toBe(false)
  })

  test('options are those of the call, then of the namespace, then of the cache', async () => {
    const clock = new ManualClock()
    const cache = createCache<string | { name: string }>({ ttl: 30, staleIfError: 100, isolate: 'freeze', clock })
    const users = cache.namespace<{ name: string } | string>('users', { ttl: 60, max: 2, negativeTtl: 50 })
    await users.set('a', { name: 'Ada' })
    await cache.set('a', 'Ada')
    expect(Object.isFrozen(await users.get('a'))).toBe(true)
    clock.advance(40)
    expect([await cache.get('a'), await users.get('a')]).toEqual([undefined, { name: 'Ada' }])
    clock.advance(40)
    const failing = () => Promise.reject(new Error('origin'))
    expect(await users.getOrSet('a', failing)).toEqual({ name: 'Ada' })
    await users.getOrSet('b', () => undefined)
    await users.getOrSet('b', failing)
    expect(users.stats().negativeHits).toBe(1)
    for (const key of ['c', 'd', 'e']) await users.set(key, key)
    expect(users.memory.size).toBe(2)
    expect(cache.namespace('users')).toBe(users)
    expect(() => cache.namespace('users', { ttl: 1 })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    expect(() => cache.namespace('other', { persist: 'stored' })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })

  test('close of a namespace leaves the tiers open, close of the whole closes it', async () => {
    const { cache, store, users, inner } = await filled()
    await users.close()
    expect(store.calls).not.toContain('close')
    await expect(users.get('a')).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    await expect(inner.get('a')).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    const again = cache.namespace('users')
    expect(await again.get('a')).toBe('a')
    await cache.close()
    await expect(again.get('b:1')).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    expect(() => cache.namespace('users')).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
    expect(store.calls.filter(call => call === 'close')).toHaveLength(1)
  })

  test('each reports under its own name, once', async () => {
    const metrics = createRegistry()
    const cache = createCache<string>({ metrics, name: 'app' })
    const users = cache.namespace('users')
    await users.getOrSet('a', () => 'x')
    await users.get('a')
    const text = await metrics.metrics()
    expect(text).toContain('cache_hits_total{cache="app:users"} 1')
    expect(text).toContain('cache_loads_total{cache="app:users",outcome="ok"} 1')
    expect(text).toContain('cache_loads_total{cache="app",outcome="ok"} 0')
    await cache.close()
  })
})

test('no two keys of different namespaces have the same name in a tier, and each is found again', () => {
  const random = new Seeded(7)
  const text = () => Array.from({ length: random.below(5) }, () => random.pick(['\u001f', ':', '1', '2', 'a', '0'])).join('')
  const seen = new Map<string, string>()
  for (let at = 0; at < 50_000; at += 1) {
    const names = Array.from({ length: random.below(3) }, () => text() || 'a')
    const key = text()
    const path = names.reduce(pathWithin, '')
    const named = namespaced(path, key)
    const told = JSON.stringify([names, key])
    const isRight = (seen.get(named) ?? told) === told && pathLength(named) === path.length && withoutPath(named) === key
    if (!isRight) expect.fail(`${told} became ${JSON.stringify(named)}`)
    seen.set(named, told)
  }
})

test('a namespace asks whether its sources have changed, as the cache does or by itself', async () => {
  const asked: string[] = []
  const cache = createCache<string>({
    store: new MapStore(),
    clock: new ManualClock(),
    validate: async ({ key, value }) => {
      asked.push(key)
      return value !== 'old'
    },
  })
  const [users, posts] = [cache.namespace('users'), cache.namespace('posts', { validate: () => true })]
  for (const one of [cache, users, posts]) await one.set('a', 'old')
  expect(await Promise.all([cache.get('a'), users.get('a'), posts.get('a')])).toEqual([undefined, undefined, 'old'])
  expect(asked).toEqual(['a', 'a'])
  await cache.close()
})
