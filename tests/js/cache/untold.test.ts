import { expect, test } from 'vitest'
import { createCache } from '../../../js/index.ts'
import { ManualClock } from '../../../js/testing.ts'
import { settle } from '../http/transport.ts'
import { isMemo, MapStore } from './map-store.ts'

const dead = () => Promise.reject(new Error('no connection'))

/** Two stores, and caches over both, one after the other. */
function stores() {
  const clock = new ManualClock()
  const upper = new MapStore()
  const lower = new MapStore()
  const open = async () => {
    const cache = createCache<string>({ clock, tiers: [upper, { store: lower, circuitBreaker: { failures: 1, halfOpenAfter: '1h' } }] })
    await settle()
    const untold: unknown[] = []
    cache.on('tierUntold', event => untold.push(event))
    return { cache, untold }
  }
  const memos = () => [...upper.entries.keys()].filter(isMemo).length
  return { clock, upper, lower, open, memos }
}

test('what a tier has not been told is kept in a nearer one, and told when the cache is made again', async () => {
  const { clock, upper, lower, open, memos } = stores()
  const first = await open()
  for (const key of ['a', 'b', 'c', 'd']) await first.cache.set(key, 'old')
  lower.before = dead
  await first.cache.set('a', 'new')
  await first.cache.delete('b')
  await first.cache.set('c', 'new')
  await first.cache.close()
  expect([first.untold, memos()]).toEqual([[{ tier: 'map', missed: 3, isKept: true }], 1])

  lower.before = undefined
  upper.entries.delete('c')
  const second = await open()
  const { cache } = second
  expect(await Promise.all(['a', 'b', 'c', 'd'].map(key => cache.get(key)))).toEqual(['new', undefined, undefined, 'old'])
  await clock.advanceAsync(1000)
  expect([...lower.entries.keys()].filter(key => 'abcd'.includes(key))).toEqual(['d'])
  expect(cache.stats().tiers[1]).toMatchObject({ missed: 0, repaired: 3 })
  await cache.set('c', 'newest')
  await cache.close()
  expect([second.untold, memos()]).toEqual([[], 0])
  expect(lower.entries.get('c')?.value).toBe('newest')
})

test('a tier that is still away when the cache is made again is not believed, and what it missed is kept on', async () => {
  const { lower, upper, open, memos } = stores()
  const { cache: first } = await open()
  await first.set('a', 'old', { tags: ['t'] })
  await first.set('b', 'old')
  lower.before = dead
  await expect(first.invalidateTags(['t'], { persist: 'stored' })).rejects.toThrow('no connection')
  await first.close()
  const second = await open()
  expect(await second.cache.get('a')).toBeUndefined()
  await second.cache.set('b', 'new')
  await second.cache.close()
  expect([second.untold, memos()]).toEqual([[{ tier: 'map', missed: 2, isKept: true }], 1])
  upper.entries.delete('b')
  lower.before = undefined
  const { cache: third } = await open()
  expect([await third.get('a'), await third.get('b')]).toEqual([undefined, undefined])
  await third.close()
  expect(memos()).toBe(0)
})

test('what is kept does not grow while the cache is made again and again', async () => {
  const { lower, upper, open } = stores()
  const { cache: first } = await open()
  await first.set('a', 'old', { tags: ['t'] })
  lower.before = dead
  await expect(first.invalidateTags(['t'], { persist: 'stored' })).rejects.toThrow('no connection')
  await first.delete('b')
  await first.close()
  const kept = () => [...upper.entries].filter(([key]) => isMemo(key)).map(([, { value }]) => value)
  const [before] = kept()
  expect(before).toMatchObject({ keys: ['b'], meant: [{ tags: ['t'] }] })
  for (let times = 0; times < 4; times += 1) {
    const { cache } = await open()
    await cache.close()
  }
  expect(kept()).toEqual([before])
})

test('what two processes keep adds up', async () => {
  const { upper, lower, open } = stores()
  const [one, two] = [await open(), await open()]
  await one.cache.set('a', 'old')
  await two.cache.set('b', 'old')
  lower.before = dead
  await one.cache.delete('a')
  await two.cache.delete('b')
  await one.cache.close()
  await two.cache.close()
  lower.before = undefined
  const { cache } = await open()
  expect([await cache.get('a'), await cache.get('b')]).toEqual([undefined, undefined])
  await cache.close()
  expect([...upper.entries.keys()].filter(isMemo)).toEqual([])
})

test('the nearest tier has nowhere to keep that, and says so', async () => {
  const store = new MapStore()
  const clock = new ManualClock()
  const cache = createCache<string>({ clock, tiers: [{ store, circuitBreaker: { failures: 1 } }] })
  await settle()
  const untold: unknown[] = []
  cache.on('tierUntold', event => untold.push(event))
  await cache.set('a', 'old')
  store.before = dead
  await cache.delete('a').catch(() => {})
  await cache.close()
  expect(untold).toEqual([{ tier: 'map', missed: 1, isKept: false }])
})

test('where the nearer tier fails, too, nothing is kept, and nothing waits', async () => {
  const { upper, lower, open } = stores()
  const { cache, untold } = await open()
  await cache.set('a', 'old')
  lower.before = dead
  upper.before = dead
  await cache.set('a', 'new')
  await cache.close()
  expect(untold).toContainEqual({ tier: 'map', missed: 1, isKept: false })
})

test('what is none there is not believed', async () => {
  const { clock, upper, lower, open } = stores()
  const { cache: first } = await open()
  await first.set('a', 'old')
  lower.before = dead
  await first.delete('a')
  await first.close()
  lower.before = undefined
  for (const value of [null, 7, { keys: 'a' }, { keys: [], meant: [null], isAll: false }]) {
    const [memo = ''] = [...upper.entries.keys()].filter(isMemo)
    upper.entries.set(memo, { value, writtenAt: clock.wall(), expiresAt: Number.POSITIVE_INFINITY })
    const { cache } = await open()
    expect(await cache.get('a')).toBe('old')
    await cache.close()
  }
})
