import { expect, test } from 'vitest'
import { createCache, createRegistry } from '../../../js/index.ts'
import { ManualClock } from '../../../js/testing.ts'
import { settle } from '../http/transport.ts'
import { MapStore } from './map-store.ts'

/** The lines of the tiers of cache `users`, without labels of that cache. */
async function reported(metrics: ReturnType<typeof createRegistry>): Promise<Record<string, number>> {
  const lines = (await metrics.metrics()).split('\n').filter(line => line.startsWith('cache_tier_'))
  return Object.fromEntries(
    lines.map(line => {
      const [, series = '', labels = '', value = ''] = /^cache_tier_(\w+)\{cache="users",(.*)\} (\S+)$/.exec(line) ?? []
      return [`${series}{${labels}}`, Number(value)]
    }),
  )
}

test('what a tier counts is reported, each failure by its name, and whether the tier is left alone', async () => {
  const clock = new ManualClock()
  const metrics = createRegistry({ clock })
  const store = new MapStore()
  const tiers = [{ store, circuitBreaker: { failures: 2, halfOpenAfter: '5s' as const } }]
  const cache = createCache<string>({ clock, metrics, name: 'users', tiers })
  await settle()
  await cache.set('a', 'v')
  expect(await reported(metrics)).toMatchObject({
    'circuit_state{tier="1:map"}': 0,
    'failures_total{tier="1:map"}': 0,
    'missed{tier="1:map"}': 0,
  })
  store.before = () => Promise.reject(new Error('no connection'))
  await cache.set('a', 'w')
  await cache.set('b', 'w')
  await cache.delete('c')
  expect(await reported(metrics)).toMatchObject({
    'circuit_state{tier="1:map"}': 1,
    'failures_total{tier="1:map"}': 2,
    'bypassed_total{tier="1:map"}': 1,
    'missed{tier="1:map"}': 3,
  })
  store.before = undefined
  await clock.advanceAsync(5000)
  await settle()
  expect(await reported(metrics)).toMatchObject({
    'circuit_state{tier="1:map"}': 0,
    'repaired_total{tier="1:map"}': 3,
    'missed{tier="1:map"}': 0,
  })
  await cache.close()
})

test('errors are reported by what they were, and caches of one name add up', async () => {
  const metrics = createRegistry()
  const stores = [1, 2].map(() => new MapStore())
  const caches = stores.map(store => createCache<string>({ metrics, name: 'users', store }))
  const errors = stores.map((_, at) => ({ read: at + 1, quota: 1 }))
  for (const [at, cache] of caches.entries()) {
    await cache.get('a')
    Object.assign(stores[at]?.errors ?? {}, errors[at])
  }
  expect(await reported(metrics)).toMatchObject({
    'errors_total{tier="1:map",kind="read"}': 3,
    'errors_total{tier="1:map",kind="quota"}': 2,
  })
  for (const cache of caches) await cache.close()
})
