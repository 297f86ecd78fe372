// npm run bench:cache [-- --json]: what a cache costs, beside the caches that people use today.
//
// Hits with TTL on, and get-or-set over four times as many keys as there is room for; keys are strings, order is Zipf.

import { createLRU } from 'lru.min'
import { LRUCache } from 'lru-cache'
import { LRUMap } from 'mnemonist'
import QuickLRU from 'quick-lru'
import { createMemoryCache } from 'shelflife'
import { compare, isolated } from './rounds.mjs'
import { zipf } from './zipf.mjs'

const ENTRIES = 10_000
const OPERATIONS = 200_000
const BASE = 'lru-cache, ttl'
const ttl = 60_000

const caches = {
  shelflife: max => createMemoryCache({ max, ttl }),
  'shelflife, no ttl': max => createMemoryCache({ max }),
  'lru-cache, ttl': max => new LRUCache({ max, ttl }),
  'lru-cache, no ttl': max => new LRUCache({ max }),
  'quick-lru': max => new QuickLRU({ maxSize: max }),
  'lru.min': max => createLRU({ max }),
  'mnemonist LRUMap': max => new LRUMap(max),
}

const readAll = `(cache, order) => {
  let sum = 0
  for (let at = 0; at < order.length; at += 1) sum += cache.get(order[at])
  return sum
}`

const getOrSetAll = `(cache, order) => {
  for (let at = 0; at < order.length; at += 1) if (cache.get(order[at]) === undefined) cache.set(order[at], at)
  return 0
}`

const results = { hit: hits(), zipfGetOrSet: zipfGetOrSet() }
if (process.argv.includes('--json'))
  console.log(JSON.stringify({ node: process.version, entries: ENTRIES, operations: OPERATIONS, base: BASE, results }, null, 2))
else for (const [title, rows] of Object.entries(results)) print(title, rows)

function hits() {
  const keys = Array.from({ length: ENTRIES }, (_, at) => `user:${at}:profile`)
  const order = zipf({ count: OPERATIONS, keys: ENTRIES, seed: 1 }).map(rank => keys[rank])
  const contestants = { ...caches, 'Map.get': () => new Map() }
  return compare(
    Object.entries(contestants).map(([name, make]) => {
      const cache = make(ENTRIES)
      keys.forEach((key, at) => {
        cache.set(key, at + 1)
      })
      const run = isolated(readAll)
      return { name, run: () => run(cache, order) }
    }),
    { operations: OPERATIONS, base: BASE },
  )
}

function zipfGetOrSet() {
  const keys = Array.from({ length: ENTRIES * 4 }, (_, at) => `item:${at}:detail`)
  const order = zipf({ count: OPERATIONS, keys: keys.length, seed: 2 }).map(rank => keys[rank])
  return compare(
    Object.entries(caches).map(([name, make]) => {
      const cache = make(ENTRIES)
      const run = isolated(getOrSetAll)
      return { name, run: () => run(cache, order) }
    }),
    { operations: OPERATIONS, base: BASE },
  )
}

function print(title, rows) {
  console.log(`\n${title}`)
  for (const { name, nsPerOperation, ratio } of rows)
    console.log(`  ${name.padEnd(20)} ${nsPerOperation.toFixed(1).padStart(8)} ns  ${ratio.toFixed(2).padStart(6)} x ${BASE}`)
}
