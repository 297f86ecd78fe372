// `getOrSet` on a hit, in memory only, beside the caches that have one.

import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'
import { createCache as createCacheManager } from 'cache-manager'
import { Cacheable } from 'cacheable'
import { createCache } from 'shelflife'
import { median } from './rounds.mjs'

const CALLS = 20_000
const KEYS = 100

/** Nanoseconds a call, and how many times ours each takes. */
export async function getOrSetOnHits(rounds = 11) {
  const load = async () => ({ name: 'loaded' })
  const ours = createCache({ max: 10_000, ttl: '1h' })
  const cacheable = new Cacheable({ ttl: '1h' })
  const manager = createCacheManager({ ttl: 3_600_000 })
  const bento = new BentoCache({ default: 'memory', stores: { memory: bentostore().useL1Layer(memoryDriver({ maxItems: 10_000 })) } })
  const contestants = [
    { name: 'shelflife', call: key => ours.getOrSet(key, load) },
    { name: 'cacheable', call: key => cacheable.getOrSet(key, load) },
    { name: 'cache-manager', call: key => manager.wrap(key, load) },
    { name: 'bentocache', call: key => bento.getOrSet({ key, factory: load, ttl: '1h' }) },
  ]
  const costs = contestants.map(() => [])
  for (let round = -2; round < rounds; round += 1) {
    for (const [index, { call }] of contestants.entries()) {
      const start = performance.now()
      for (let at = 0; at < CALLS; at += 1) await call(`user:${at % KEYS}`)
      if (round >= 0) costs[index].push(((performance.now() - start) * 1e6) / CALLS)
    }
  }
  await Promise.all([ours.close(), bento.disconnectAll()])
  return contestants.map(({ name }, index) => ({
    name,
    nsPerOperation: median(costs[index]),
    ratio: median(costs[index].map((cost, round) => cost / costs[0][round])),
  }))
}
