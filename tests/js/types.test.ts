/** What has to compile, and what must not: checked by `tsc`, which reads this file with the other tests. */

import { expectTypeOf, test } from 'vitest'
import { type Cache, createCache, createFetch, createMemoryCache } from '../../js/index.ts'

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
