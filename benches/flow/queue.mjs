// What a task costs in a queue: 10 000 short tasks at concurrency 8, and 100 000 that are queued with priorities at random.

import PLimit from 'p-limit'
import PQueue from 'p-queue'
import { createQueue } from 'shelflife'

const SHORT = 10_000
const MANY = 100_000

const task = async () => 1
let state = 1
const priorities = Array.from({ length: MANY }, () => {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0
  return (state >>> 8) % 1000
})

async function sum(promises) {
  let total = 0
  for (const value of await Promise.all(promises)) total += value
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
