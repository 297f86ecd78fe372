/** What a queue costs when it is long. Others use the machine, too: what is compared runs in turns, and the round that they disturbed least counts. */

import { expect, test } from 'vitest'
import { createQueue } from '../../../js/index.ts'
import type { TaskOptions } from '../../../js/queue/types.ts'
import { Seeded } from '../model/random.ts'

const ROUNDS = 5
const task = () => undefined

/** Milliseconds until `count` tasks have run that were queued first. */
async function run(count: number, optionsOf: (index: number) => TaskOptions): Promise<number> {
  const queue = createQueue({ concurrency: 1, maxQueue: count })
  queue.pause()
  const began = performance.now()
  for (let index = 0; index < count; index += 1) void queue.add(task, optionsOf(index))
  queue.start()
  await queue.onIdle()
  const ms = performance.now() - began
  queue.close()
  return ms
}

/** Priorities that fall run in the order in which they came, on the same way as those at random. With a second key the core is asked. */
test.each([
  { where: 'in a queue', first: {} },
  { where: 'in the core', first: { key: 'other' } },
])(
  '100 000 tasks of random priorities cost $where at most twice as much as of priorities in the order in which they came',
  {
    timeout: 120_000,
  },
  async ({ first }) => {
    const random = new Seeded(1)
    const count = 100_000
    const priorities = Array.from({ length: count }, () => 1 + random.below(1000))
    const withFirst = (index: number, priority: number) => (index === 0 ? { ...first, priority } : { priority })
    let least = Number.POSITIVE_INFINITY
    for (let round = 0; round < ROUNDS && least > 2; round += 1) {
      const inOrder = await run(count, index => withFirst(index, 1000 - Math.floor(index / 100)))
      least = Math.min(least, (await run(count, index => withFirst(index, priorities[index] as number))) / inOrder)
    }
    expect(least).toBeLessThanOrEqual(2)
  },
)

/** Milliseconds to abort a quarter of `count` tasks that wait. */
async function abortQuarter(count: number, seed: number, keys: number): Promise<number> {
  const random = new Seeded(seed)
  const queue = createQueue({ concurrency: 1, maxQueue: count })
  queue.pause()
  const controllers = Array.from({ length: count }, () => new AbortController())
  let rejected = 0
  for (const { signal } of controllers)
    queue.add(task, { signal, priority: random.below(100), key: `${random.below(keys)}` }).catch(() => {
      rejected += 1
    })
  const leaving = new Set<AbortController>()
  while (leaving.size < count / 4) leaving.add(random.pick(controllers))
  // Made once: what an abort without a reason makes of its own is the platform's.
  const why = new Error('given up')
  const began = performance.now()
  for (const controller of leaving) controller.abort(why)
  const ms = performance.now() - began
  await new Promise(resolve => setImmediate(resolve))
  expect([rejected, queue.size]).toEqual([count / 4, (count / 4) * 3])
  queue.close()
  return ms
}

test.each([
  { where: 'in a queue', keys: 1 },
  { where: 'in the core', keys: 2 },
])('5000 aborts of 20 000 that wait $where cost each what they cost in a short line', { timeout: 60_000 }, async ({ keys }) => {
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < 10 && least >= 30; round += 1) {
    const short = await abortQuarter(2000, round, keys)
    least = Math.min(least, (await abortQuarter(20_000, round, keys)) / short)
  }
  // Ten times as many cost ten times as much, and somewhat more where memory is cold; were each searched for, a hundred times.
  expect(least).toBeLessThan(30)
})

/** Milliseconds until `count` who wait for an idle queue are told. */
async function tellIdle(count: number): Promise<number> {
  const queue = createQueue()
  let end: () => void = () => undefined
  const task = () =>
    new Promise<void>(resolve => {
      end = resolve
    })
  const running = queue.add(task)
  const told = Promise.all(Array.from({ length: count }, () => queue.onIdle()))
  const began = performance.now()
  end()
  await Promise.all([running, told])
  return performance.now() - began
}

test('100 000 who wait for an idle queue cost each what they cost where there are few', { timeout: 60_000 }, async () => {
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS && least >= 30; round += 1) {
    const few = await tellIdle(10_000)
    least = Math.min(least, (await tellIdle(100_000)) / few)
  }
  expect(least).toBeLessThan(30)
})
