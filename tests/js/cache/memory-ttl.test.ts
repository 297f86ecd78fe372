import { expect, test } from 'vitest'
import { type CacheOptions, createCache } from '../../../js/index.ts'
import { ManualClock } from '../../../js/testing.ts'
import { settle } from '../http/transport.ts'
import { MapStore } from './map-store.ts'

async function over(options: CacheOptions<string>, mode: 'write-through' | 'on-evict' = 'write-through') {
  const clock = new ManualClock()
  const store = new MapStore()
  const cache = createCache<string>({ clock, tiers: [{ store, mode }], ...options })
  await settle()
  const reads = () => store.calls.filter(call => call.startsWith('get ')).length
  return { clock, store, cache, reads }
}

test('after its time in memory an entry is asked of the tier, and comes up again with that time', async () => {
  const { clock, store, cache, reads } = await over({ ttl: '1h', memoryTtl: '1m' })
  await cache.set('a', 'v')
  expect(store.entries.get('a')?.expiresAt).toBe(clock.wall() + 3_600_000)
  clock.advance(59_000)
  expect([await cache.get('a'), reads()]).toEqual(['v', 0])
  clock.advance(1000)
  expect(cache.memory.has('a')).toBe(false)
  expect([await cache.get('a'), reads()]).toEqual(['v', 1])
  expect(cache.memory.info('a')?.ttl).toBe(60_000)
  clock.advance(30_000)
  expect([await cache.get('a'), reads()]).toEqual(['v', 1])
  clock.advance(3_600_000 - 90_000)
  expect(await cache.get('a')).toBeUndefined()
  await cache.close()
})

test('what others have written meanwhile is what comes up', async () => {
  const { clock, store, cache } = await over({ memoryTtl: '1m' })
  await cache.set('a', 'v')
  store.entries.set('a', { value: 'theirs', writtenAt: clock.wall(), expiresAt: Number.POSITIVE_INFINITY })
  expect(await cache.get('a')).toBe('v')
  clock.advance(60_000)
  expect(await cache.getOrSet('a', () => 'loaded')).toBe('theirs')
  await cache.close()
})

test('nothing is refreshed ahead because its time in memory is nearly over', async () => {
  const { clock, cache } = await over({ ttl: '1h', memoryTtl: '1m', refreshAhead: 0.9 })
  let loads = 0
  const load = () => {
    loads += 1
    return `v${loads}`
  }
  for (let at = 0; at < 120; at += 1) {
    await cache.getOrSet('a', load)
    await settle()
    clock.advance(15_000)
  }
  expect(loads).toBe(1)
  clock.advance(3_600_000 - 120 * 15_000 - 100_000)
  await cache.getOrSet('a', load)
  await settle()
  expect(loads).toBe(2)
  await cache.close()
})

test('a stale value is stale, from memory or from the tier', async () => {
  const { clock, cache, reads } = await over({ ttl: '1m', staleWhileRevalidate: '1h', memoryTtl: '2m' })
  await cache.set('a', 'old')
  clock.advance(90_000)
  expect(cache.memory.get('a', { allowStale: true })).toBe('old')
  expect(await cache.getOrSet('a', () => 'new')).toBe('old')
  await settle()
  expect(await cache.get('a')).toBe('new')
  clock.advance(130_000)
  expect(cache.memory.get('a', { allowStale: true })).toBeUndefined()
  const before = reads()
  expect([await cache.getOrSet('a', () => 'newer'), reads() - before]).toEqual(['new', 1])
  await settle()
  expect(await cache.get('a')).toBe('newer')
  await cache.close()
})

test('that a loader found nothing is asked of the tier, too', async () => {
  const { clock, cache } = await over({ ttl: '1h', negativeTtl: '10m', memoryTtl: '1m' })
  let loads = 0
  const load = () => {
    loads += 1
    return undefined
  }
  for (let at = 0; at < 3; at += 1) {
    expect(await cache.getOrSet('a', load)).toBeUndefined()
    clock.advance(60_000)
  }
  expect(loads).toBe(1)
  await cache.close()
})

test('a tier that gets what memory gives up gets what memory gives up by its time', async () => {
  const { clock, store, cache } = await over({ ttl: '1h', memoryTtl: '1m' }, 'on-evict')
  await cache.set('a', 'v')
  await cache.set('b', 'w')
  await cache.set('c', 'x', { ttl: '30s' })
  expect(store.entries.size).toBe(0)
  await settle()
  clock.advance(60_000)
  expect(await cache.get('a')).toBe('v')
  expect(await cache.get('c')).toBeUndefined()
  await cache.close()
  expect([...store.entries.keys()].filter(key => ['a', 'b', 'c'].includes(key)).sort()).toEqual(['a', 'b'])
})

test('a namespace has that of the cache around it, or its own', async () => {
  const { clock, cache } = await over({ memoryTtl: '1m' })
  const same = cache.namespace<string>('same')
  const own = cache.namespace<string>('own', { memoryTtl: '5m' })
  await same.set('a', 'v')
  await own.set('a', 'v')
  clock.advance(60_000)
  expect([same.memory.has('a'), own.memory.has('a')]).toEqual([false, true])
  expect(await same.get('a')).toBe('v')
  await cache.close()
})

test('without it, and without an end, an entry stays in memory', async () => {
  const { clock, cache } = await over({ staleWhileRevalidate: '1h' })
  await cache.set('a', 'v')
  clock.advance(365 * 86_400_000)
  expect(cache.memory.get('a')).toBe('v')
  expect(() => createCache({ memoryTtl: 'soon' as never })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  await cache.close()
})
