import { expect, test } from 'vitest'
import { createCache, createFetch, createMemoryCache, createMemoryGovernor, createRateLimiter, createRegistry } from '../../../js/index.ts'
import { ManualClock } from '../../../js/testing.ts'

const clock = new ManualClock()

test('caches of one name add up, and one that closes takes its entries out and leaves its totals', async () => {
  const metrics = createRegistry({ clock })
  const [a, b] = [
    createMemoryCache<string, number>({ name: 'users', metrics, clock }),
    createMemoryCache<string, number>({ name: 'users', metrics, clock }),
  ]
  for (const [cache, hits] of [
    [a, 3],
    [b, 5],
  ] as const) {
    cache.set('k', 1)
    for (let n = 0; n < hits; n += 1) cache.get('k')
  }
  const lines = (text: string) => text.split('\n').filter(line => /^cache_(hits_total|entries)/.test(line))
  expect(lines(await metrics.metrics())).toEqual(['cache_hits_total{cache="users"} 8', 'cache_entries{cache="users"} 2'])
  a.get('k')
  a.close()
  expect(lines(await metrics.metrics())).toEqual(['cache_hits_total{cache="users"} 9', 'cache_entries{cache="users"} 1'])
  metrics.reset()
  b.get('k')
  expect(lines(await metrics.metrics())).toEqual(['cache_hits_total{cache="users"} 1', 'cache_entries{cache="users"} 1'])
})

test('so do caches beyond the limit of series', async () => {
  const metrics = createRegistry({ clock, maxSeries: 1 })
  const caches = ['a', 'b', 'c'].map(name => createMemoryCache<string, number>({ name, metrics, clock }))
  for (const cache of caches) cache.set('k', 1)
  expect(await metrics.metrics()).toContain('cache_entries{cache="overflow"} 2')
})

test('loads, requests and limits of one name add up', async () => {
  const metrics = createRegistry({ clock })
  const common = { name: 'one', metrics, clock }
  for (let n = 0; n < 2; n += 1) {
    const cache = createCache<number>(common)
    await cache.getOrSet('k', async () => 1)
    if (n === 0) await cache.close()
    const fetch = createFetch({ ...common, fetch: async () => new Response('fine') })
    await fetch('https://example.com/')
    expect(createRateLimiter({ ...common, tokensPerInterval: 1, interval: 1 }).tryAcquire()).toBe(true)
  }
  const text = await metrics.metrics()
  expect(text).toContain('cache_loads_total{cache="one",outcome="ok"} 2')
  expect(text).toContain('client_requests_total{client="one",outcome="miss"} 2')
  expect(text).toContain('rate_limit_calls_total{limiter="one",outcome="admitted"} 2')
})

test('governors of one name show the highest pressure', async () => {
  const metrics = createRegistry({ clock })
  const governors = [0.5, 0.6, 0.2].map(used =>
    createMemoryGovernor({ reclaim: [], clock, metrics, read: () => [{ kind: 'heap', used, limit: 1 }] }),
  )
  const line = async () => (await metrics.metrics()).split('\n').find(one => one.startsWith('memory_pressure_ratio'))
  expect(await line()).toBe('memory_pressure_ratio{governor="memory",kind="heap"} 0.6')
  governors[1]?.close()
  governors[1]?.close()
  expect(await line()).toBe('memory_pressure_ratio{governor="memory",kind="heap"} 0.5')
})
