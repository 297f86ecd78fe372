// What a task costs in a queue: 10 000 short tasks at concurrency 8, and 100 000 that are queued with priorities at random; each item of a list; and a call
// under a rate that is not reached.

import { Sema } from 'async-sema'
import Bottleneck from 'bottleneck'
import PLimit from 'p-limit'
import pMap from 'p-map'
import PQueue from 'p-queue'
import pThrottle from 'p-throttle'
import { createQueue, createRateLimiter } from 'shelflife'

const SHORT = 10_000
const MANY = 100_000
/** bottleneck takes some milliseconds for each. */
const FEW = 100

const items = Array.from({ length: SHORT }, () => 1)
const task = async () => 1
let state = 1
const priorities = Array.from({ length: MANY }, () => {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0
  return (state >>> 8) % 1000
})

async function under(sema) {
  await sema.acquire()
  try {
    return await task()
  } finally {
    sema.release()
  }
}

async function sum(promises) {
  let total = 0
  for (const value of await (Array.isArray(promises) ? Promise.all(promises) : promises)) total += value
  return total
}

export const workloads = [
  {
    title: `a task among ${SHORT} at concurrency 8, ns`,
    base: 'p-limit',
    operations: SHORT,
    contestants: [
      {
        name: 'shelflife createQueue',
        run: () => {
          const limit = createQueue({ concurrency: 8 })
          return sum(Array.from({ length: SHORT }, () => limit(task)))
        },
      },
      {
        name: 'p-limit',
        run: () => {
          const limit = PLimit(8)
          return sum(Array.from({ length: SHORT }, () => limit(task)))
        },
      },
      {
        name: 'p-queue',
        run: () => {
          const queue = new PQueue({ concurrency: 8 })
          return sum(Array.from({ length: SHORT }, () => queue.add(task)))
        },
      },
      {
        name: 'async-sema',
        run: () => {
          const sema = new Sema(8, { capacity: SHORT })
          return sum(Array.from({ length: SHORT }, () => under(sema)))
        },
      },
    ],
  },
  {
    title: `a task among ${FEW} at concurrency 8, ns`,
    base: 'bottleneck',
    operations: FEW,
    rounds: 3,
    warmUp: 1,
    contestants: [
      {
        name: 'shelflife createQueue',
        run: () => {
          const queue = createQueue({ concurrency: 8 })
          return sum(Array.from({ length: FEW }, () => queue.add(task)))
        },
      },
      {
        name: 'bottleneck',
        run: () => {
          const limiter = new Bottleneck({ maxConcurrent: 8 })
          return sum(Array.from({ length: FEW }, () => limiter.schedule(task)))
        },
      },
    ],
  },
  {
    title: `an item of a list of ${SHORT} at concurrency 8, ns`,
    base: 'p-map',
    operations: SHORT,
    contestants: [
      { name: 'shelflife queue.map', run: () => sum(createQueue({ concurrency: 8 }).map(items, task)) },
      { name: 'p-map', run: () => sum(pMap(items, task, { concurrency: 8 })) },
    ],
  },
  {
    title: 'a call under a rate that is not reached, ns',
    base: 'p-throttle',
    operations: SHORT,
    contestants: [
      {
        name: 'shelflife createRateLimiter',
        run: () => {
          const limiter = createRateLimiter({ tokensPerInterval: MANY, interval: '1s' })
          return sum(items.map(() => limiter.acquire().then(task)))
        },
      },
      {
        name: 'shelflife createQueue',
        run: () => {
          const queue = createQueue({ rateLimit: { tokensPerInterval: MANY, interval: '1s' } })
          return sum(items.map(() => queue.add(task)))
        },
      },
      {
        name: 'p-throttle',
        run: () => {
          const throttled = pThrottle({ limit: MANY, interval: 1000 })(task)
          return sum(items.map(() => throttled()))
        },
      },
    ],
  },
  {
    title: `a task among ${MANY} queued with priorities at random, ns`,
    base: 'p-queue',
    operations: MANY,
    rounds: 5,
    warmUp: 3,
    contestants: [
      {
        name: 'shelflife createQueue',
        run: () => {
          const queue = createQueue({ concurrency: 8 })
          return sum(priorities.map(priority => queue.add(task, { priority })))
        },
      },
      {
        name: 'shelflife, without priorities',
        run: () => {
          const queue = createQueue({ concurrency: 8 })
          return sum(priorities.map(() => queue.add(task)))
        },
      },
      {
        name: 'p-queue',
        run: () => {
          const queue = new PQueue({ concurrency: 8 })
          return sum(priorities.map(priority => queue.add(task, { priority })))
        },
      },
    ],
  },
]
