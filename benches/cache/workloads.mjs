// What the synchronous benches do. A workload prepares one contestant and gives a function that runs all operations once and
// returns a checksum. Every function is made from source text anew, so that no two contestants share its type feedback.

import { bareMap, contestants } from './contestants.mjs'
import { zipf } from './zipf.mjs'

/** How often each workload touches the cache in a round. */
export const OPERATIONS = 200_000

const readAll = isolated(`(cache, order) => {
  let sum = 0
  for (let at = 0; at < order.length; at += 1) sum += cache.get(order[at])
  return sum
}`)

const readFresh = isolated(`(cache, order) => {
  let sum = 0
  for (let at = 0; at < order.length; at += 1) sum += cache.get('user:' + order[at] + ':profile')
  return sum
}`)

const getOrSetAll = isolated(`(cache, order) => {
  for (let at = 0; at < order.length; at += 1) if (cache.get(order[at]) === undefined) cache.set(order[at], at)
  return 0
}`)

const setAll = isolated(`(cache, order) => {
  for (let at = 0; at < order.length; at += 1) cache.set(order[at], at)
  return 0
}`)

const deleteAndSet = isolated(`(cache, order) => {
  for (let at = 0; at < order.length; at += 1) {
    cache.delete(order[at])
    cache.set(order[at], at)
  }
  return 0
}`)

/** @type {Record<string, { title: string, withMap?: true, prepare: (make: (max: number) => any, entries: number, integers: boolean) => () => number }>} */
export const workloads = {
  hit: {
    title: 'reads of resident keys, Zipf order',
    withMap: true,
    prepare(make, entries, integers) {
      const keys = keysOf(entries, integers)
      const order = zipf({ count: OPERATIONS, keys: entries, seed: 1 }).map(rank => keys[rank])
      const cache = filled(make, keys)
      const run = readAll()
      return () => run(cache, order)
    },
  },
  hitFreshStrings: {
    title: 'the same with keys made at each read',
    withMap: true,
    prepare(make, entries) {
      const order = zipf({ count: OPERATIONS, keys: entries, seed: 1 })
      const cache = filled(make, keysOf(entries, false))
      const run = readFresh()
      return () => run(cache, order)
    },
  },
  zipfGetOrSet: {
    title: 'get or set over four times as many keys as there is room for, Zipf order',
    prepare(make, entries, integers) {
      const keys = keysOf(entries * 4, integers)
      const order = zipf({ count: OPERATIONS, keys: keys.length, seed: 2 }).map(rank => keys[rank])
      const cache = make(entries)
      const run = getOrSetAll()
      return () => run(cache, order)
    },
  },
  churn: {
    title: 'sets of keys that are never there',
    prepare(make, entries, integers) {
      const keys = keysOf(entries + OPERATIONS, integers)
      const cache = make(entries)
      const run = setAll()
      let turn = 0
      return () => {
        turn = (turn + 1) % 2
        return run(cache, turn === 0 ? keys.slice(0, OPERATIONS) : keys.slice(-OPERATIONS))
      }
    },
  },
  update: {
    title: 'sets of resident keys, Zipf order',
    prepare(make, entries, integers) {
      const keys = keysOf(entries, integers)
      const order = zipf({ count: OPERATIONS, keys: entries, seed: 3 }).map(rank => keys[rank])
      const cache = filled(make, keys)
      const run = setAll()
      return () => run(cache, order)
    },
  },
  delete: {
    title: 'delete and set again, Zipf order',
    prepare(make, entries, integers) {
      const keys = keysOf(entries, integers)
      const order = zipf({ count: OPERATIONS, keys: entries, seed: 4 }).map(rank => keys[rank])
      const cache = filled(make, keys)
      const run = deleteAndSet()
      return () => run(cache, order)
    },
  },
}

/** The contestants of a workload. */
export function contestantsOf(workload) {
  return workload.withMap === true ? [...contestants, bareMap] : contestants
}

function keysOf(count, integers) {
  return Array.from({ length: count }, (_, at) => (integers ? at : `user:${at}:profile`))
}

function filled(make, keys) {
  const cache = make(keys.length)
  for (const [at, key] of keys.entries()) cache.set(key, at + 1)
  return cache
}

function isolated(source) {
  return () => new Function(`return ${source}`)()
}
