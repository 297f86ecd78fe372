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
      const order = orderOf(entries, integers, 1)
      const cache = filled(make, keys)
      const run = readAll()
      return () => run(cache, order)
    },
  },
  hitFreshStrings: {
    title: 'the same with keys made at each read',
    withMap: true,
    prepare(make, entries) {
      const order = ranksOf(entries)
      const cache = filled(make, keysOf(entries, false))
      const run = readFresh()
      return () => run(cache, order)
    },
  },
  zipfGetOrSet: {
    title: 'get or set over four times as many keys as there is room for, Zipf order',
    prepare(make, entries, integers) {
      const order = orderOf(entries * 4, integers, 2)
      const cache = make(entries)
      const run = getOrSetAll()
      return () => run(cache, order)
    },
  },
  churn: {
    title: 'sets of keys that are never there',
    prepare(make, entries, integers) {
      const keys = keysOf(entries + OPERATIONS, integers)
      const turns = [keys.slice(0, OPERATIONS), keys.slice(-OPERATIONS)]
      const cache = make(entries)
      const run = setAll()
      let turn = 0
      return () => {
        turn = (turn + 1) % 2
        return run(cache, turns[turn])
      }
    },
  },
  update: {
    title: 'sets of resident keys, Zipf order',
    prepare(make, entries, integers) {
      const keys = keysOf(entries, integers)
      const order = orderOf(entries, integers, 3)
      const cache = filled(make, keys)
      const run = setAll()
      return () => run(cache, order)
    },
  },
  delete: {
    title: 'delete and set again, Zipf order',
    prepare(make, entries, integers) {
      const keys = keysOf(entries, integers)
      const order = orderOf(entries, integers, 4)
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

/** The same strings for all contestants, each in one piece: what a string is made of, and where it lies, must not make the difference. */
const keysOf = remembered((count, integers) => {
  const keys = Array.from({ length: count }, (_, at) => (integers ? at : `user:${at}:profile`))
  return JSON.parse(JSON.stringify(keys))
})

/** Which keys are asked for, in which order; the same array for all contestants, too. */
const orderOf = remembered((entries, integers, seed) => {
  const keys = keysOf(entries, integers)
  return zipf({ count: OPERATIONS, keys: entries, seed }).map(rank => keys[rank])
})

const ranksOf = remembered(entries => zipf({ count: OPERATIONS, keys: entries, seed: 1 }))

function remembered(make) {
  const made = new Map()
  return (...args) => {
    const name = args.join()
    if (!made.has(name)) made.set(name, make(...args))
    return made.get(name)
  }
}

function filled(make, keys) {
  const cache = make(keys.length)
  for (const [at, key] of keys.entries()) cache.set(key, at + 1)
  return cache
}

function isolated(source) {
  // V8 knows a text it has seen before, and gives the functions made of it one feedback: every text has to differ.
  let made = 0
  return () => new Function(`return /* ${source.length}.${++made} */ ${source}`)()
}
