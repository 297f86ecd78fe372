// The caches of the synchronous benches, each under the names `get`, `set` and `delete`. All make room for `max` entries.

import { TTLCache } from '@isaacs/ttlcache'
import { createLRU } from 'lru.min'
import { LRUCache } from 'lru-cache'
import { LRUMapWithDelete } from 'mnemonist'
import QuickLRU from 'quick-lru'
import { createMemoryCache } from 'shelflife'
import { lru as tinyLRU } from 'tiny-lru'

const ttl = 3_600_000

/** Those in whose units the others are told. */
export const BASE = 'lru-cache, ttl'

/** @type {{ name: string, ours?: true, ttl: boolean, make: (max: number) => any }[]} */
export const contestants = [
  { name: 'shelflife, ttl', ours: true, ttl: true, make: max => createMemoryCache({ max, ttl }) },
  { name: 'shelflife', ours: true, ttl: false, make: max => createMemoryCache({ max }) },
  ...['s3fifo', 'tinylfu', 'auto'].map(policy => ({
    name: `shelflife, ${policy}`,
    ours: /** @type {const} */ (true),
    ttl: true,
    make: max => createMemoryCache({ max, ttl, policy }),
  })),
  { name: BASE, ttl: true, make: max => new LRUCache({ max, ttl }) },
  { name: 'lru-cache', ttl: false, make: max => new LRUCache({ max }) },
  { name: '@isaacs/ttlcache', ttl: true, make: max => new TTLCache({ max, ttl }) },
  { name: 'tiny-lru, ttl', ttl: true, make: max => tinyLRU(max, ttl) },
  { name: 'tiny-lru', ttl: false, make: max => tinyLRU(max) },
  { name: 'quick-lru, ttl', ttl: true, make: max => new QuickLRU({ maxSize: max, maxAge: ttl }) },
  { name: 'quick-lru', ttl: false, make: max => new QuickLRU({ maxSize: max }) },
  { name: 'lru.min', ttl: false, make: max => createLRU({ max }) },
  { name: 'mnemonist LRUMap', ttl: false, make: max => new LRUMapWithDelete(max) },
]

/** No cache at all: what a look-up costs at least. */
export const bareMap = { name: 'Map', ttl: false, make: () => new Map() }
