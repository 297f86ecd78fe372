/** Many keys that are read together, on their way from a tier into memory. */

import { expect, test } from 'vitest'
import { type CacheOptions, createCache } from '../../../js/index.ts'
import { ManualClock } from '../../../js/testing.ts'
import { settle } from '../http/transport.ts'
import { deferred } from './deferred.ts'
import { MapStore } from './map-store.ts'

const KEYS = ['a', 'b', 'c', 'd']
const NEVER = Number.POSITIVE_INFINITY

async function over(options: CacheOptions<unknown> = {}, more: object = {}) {
  const [store, clock] = [new MapStore(), new ManualClock()]
  const writtenAt = clock.wall()
  for (const key of KEYS) store.entries.set(key, { value: key.toUpperCase(), writtenAt, expiresAt: NEVER, ...more })
  const cache = createCache<unknown>({ store, clock, ...options })
  await settle()
  const { promise, resolve } = deferred<void>()
  return { cache, clock, store, hold: () => (store.pause = () => promise), resolve }
}

test('what is set, deleted or given up meanwhile is not overwritten, all else is kept', async () => {
  const { cache, store, hold, resolve } = await over()
  store.entries.set('d', { value: 'D', writtenAt: 0, expiresAt: NEVER, facts: { tags: ['t'] } })
  hold()
  const reading = cache.getMany(KEYS)
  const again = cache.getMany(['c', 'd', 'c'])
  await settle()
  void cache.set('a', 'new')
  void cache.delete('b')
  void cache.invalidateTags(['t'])
  expect(cache.pending().leases).toBe(2)
  resolve()
  expect(await reading).toEqual(['A', 'B', 'C', undefined])
  expect(await again).toEqual(['C', undefined, 'C'])
  expect(KEYS.map(key => cache.memory.peek(key))).toEqual(['new', undefined, 'C', undefined])
  expect(cache.pending().leases).toBe(0)
  await cache.close()
})

test.each(['clear', 'many'] as const)('after a change of everything, or of too many keys to note, nothing is kept: %s', async change => {
  const { cache, hold, resolve } = await over({ max: 100_000 })
  hold()
  const reading = cache.getMany(KEYS)
  await settle()
  if (change === 'clear') void cache.clear()
  else for (let at = 0; at < 17_000; at += 1) void cache.set(`k${at}`, at, { skipTierWrite: true })
  resolve()
  expect(await reading).toEqual(change === 'clear' ? KEYS.map(() => undefined) : ['A', 'B', 'C', 'D'])
  expect(KEYS.map(key => cache.memory.has(key))).toEqual([false, false, false, false])
  expect(await cache.get('a')).toBe(change === 'clear' ? undefined : 'A')
  await cache.close()
})

test('a source that comes up from a tier does not take along what was made from it', async () => {
  const { cache } = await over()
  await cache.set('sum', 1, { dependsOn: ['a'], skipTierWrite: true })
  expect(await cache.getMany(['a', 'b'])).toEqual(['A', 'B'])
  expect(cache.memory.peek('sum')).toBe(1)
  await cache.set('a', 'new')
  expect(cache.memory.peek('sum')).toBeUndefined()
  await cache.close()
})

test.each([
  [{ ttl: 100 }, 60],
  [{ ttl: 100, maxTtl: 30 }, 30],
  [{ maxTtl: 30 }, 30],
] as const)('an entry lives in memory as long as is left of it: %j', async (options, left) => {
  const clock = new ManualClock()
  const store = new MapStore()
  const cache = createCache<unknown>({ store, clock, ...options })
  await settle()
  const writtenAt = clock.wall() - 40
  for (const key of KEYS) store.entries.set(key, { value: key, writtenAt, expiresAt: 'ttl' in options ? writtenAt + 100 : NEVER })
  store.entries.set('own', { value: 'own', writtenAt, expiresAt: writtenAt + 50 })
  store.entries.set('old', { value: 'old', writtenAt, expiresAt: writtenAt + 40 })
  expect(await cache.getMany(['own', 'a', 'old'])).toEqual(['own', 'a', undefined])
  await clock.advanceAsync(9)
  expect(cache.memory.has('own')).toBe(true)
  await clock.advanceAsync(1)
  expect(cache.memory.has('own')).toBe(false)
  await clock.advanceAsync(left - 11)
  expect(cache.memory.has('a')).toBe(true)
  await clock.advanceAsync(1)
  expect(cache.memory.has('a')).toBe(false)
  await cache.close()
})

test('isolate: what comes up from a tier is not what users hold', async () => {
  const { cache } = await over({ isolate: 'clone' }, { value: { list: [1] } })
  for (const found of [await cache.get('a'), ...(await cache.getMany(['b', 'a', 'b']))]) (found as { list: number[] }).list.push(2)
  expect(await cache.getMany(['a', 'b'])).toEqual([{ list: [1] }, { list: [1] }])
  await cache.close()
  const frozen = await over({ isolate: 'freeze' }, { value: { list: [1] } })
  expect((await frozen.cache.getMany(KEYS)).every(value => Object.isFrozen((value as { list: object }).list))).toBe(true)
  await frozen.cache.close()
})
