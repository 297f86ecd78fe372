/** The client of the main job: what a user of shelflife would write, with metrics. */

import { createCache, createFetch, createRegistry } from 'shelflife'
import { fileSystem } from 'shelflife/stores/fs'

/** @typedef {ReturnType<typeof openClient>} Client */

/**
 * A cache over a folder, a fetch through it, and the registry that both report to.
 *
 * @param {{ folder: string, url: string, impatient?: boolean }} options `impatient` gives up early, for storms
 */
export function openClient({ folder, url, impatient = false }) {
  const registry = createRegistry()
  const cache = createCache({
    name: 'cities',
    max: 20_000,
    maxSize: '64mb',
    ttl: '1h',
    store: fileSystem({ path: folder }),
    metrics: registry,
  })
  /** @type {import('shelflife').FetchOptions} */
  const patience = impatient
    ? { timeout: 200, totalTimeout: 600, perHost: 32, retry: { maxRetries: 1, initialDelay: 10, maxDelay: 50 } }
    : { timeout: '5s', totalTimeout: '15s' }
  const fetch = createFetch({ name: 'cities', cache, ttl: '1h', concurrency: 64, ...patience, metrics: registry })
  const timer = registry.timer({ name: 'demo_read_seconds', help: 'One awaited read.', labelNames: ['phase'] })
  return {
    registry,
    cache,
    fetch,
    timer,
    /** @param {number} index */
    read: index => /** @type {Promise<{ index: number, lat: string, lng: string }>} */ (fetch.json(`${url}/city/${index}`)),
    /** Writes what is still queued and lets go of the folder. */
    async close() {
      await fetch.close()
      await cache.close()
    },
  }
}

/**
 * The percentiles of one phase in milliseconds, as the registry knows them.
 *
 * @param {Client} client
 * @param {string} phase
 */
export function percentiles(client, phase) {
  const timer = client.registry.snapshot().metrics.find(metric => metric.name === 'demo_read_seconds')
  const series = timer?.series.find(one => one.labels.phase === phase)
  if (series === undefined || !('p50' in series)) throw new Error(`nothing was timed in phase ${phase}`)
  return { p50Ms: Number(series.p50) * 1000, p95Ms: Number(series.p95) * 1000, p99Ms: Number(series.p99) * 1000 }
}
