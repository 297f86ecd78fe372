/** What has to compile, and what must not: checked by `tsc`, which reads this file with the other tests. */

import { expectTypeOf, test } from 'vitest'
import { type Cache, type CircuitState, createCache, createFetch, createMemoryCache } from '../../js/index.ts'
import { memoryStore } from '../../js/testing.ts'

interface User {
  name: string
}

test('a cache of any values serves fetch', () => {
  const users: Cache<User> = createCache<User>()
  expectTypeOf(createFetch({ cache: users })).toBeCallableWith('http://localhost/')
  expectTypeOf(createFetch({ cache: createCache() })).toBeCallableWith('http://localhost/')
})

test('values have the type they were given', () => {
  const users = createCache<User>()
  expectTypeOf(users.getOrSet('a', () => ({ name: 'a' }))).resolves.toEqualTypeOf<User>()
  expectTypeOf(users.getOrSet('a', () => undefined)).resolves.toEqualTypeOf<User | undefined>()
  const load = (id: number) => ({ name: `${id}` })
  expectTypeOf(users.wrap(load)).parameters.toEqualTypeOf<[number]>()
  expectTypeOf(createMemoryCache<number, User>().get(1)).toEqualTypeOf<User | undefined>()
  // @ts-expect-error: not a User
  users.set('a', 5).catch(() => {})
})

test('a tier is a store, or a store and how it stands among others', () => {
  const store = memoryStore()
  const cache = createCache<User>({
    tiers: [store, { store, ttl: '1h', mode: 'write-behind', timeout: 200, circuitBreaker: false }],
    buster: 2,
  })
  expectTypeOf(cache.stats().tiers[0]?.circuit).toEqualTypeOf<CircuitState | undefined>()
  expectTypeOf(cache.hydrate()).resolves.toBeNumber()
  expectTypeOf(cache.get('a', { skipMemoryRead: true, skipTierRead: true, skipMemoryWrite: true })).resolves.toEqualTypeOf<
    User | undefined
  >()
  expectTypeOf(cache.delete('a', { persist: 'stored', skipTierWrite: true })).resolves.toBeBoolean()
  cache.on('tierUp', ({ tier, repaired }) => {
    expectTypeOf(tier).toBeString()
    expectTypeOf(repaired).toBeNumber()
  })
  // @ts-expect-error: no mode
  const wrong = (): unknown => createCache({ tiers: [{ store, mode: 'write-around' }] })
  expectTypeOf(wrong).toBeFunction()
})
