/** What a queue costs when it is long: time of the processor, since others use the machine, too, and the best of a few rounds. */

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createQueue } from '../../../js/index.ts'
import { Seeded } from '../model/random.ts'

const ROUNDS = 5
const task = () => undefined

/** What this thread has had of a processor, where the system says so; else the time. */
function spentMs(): number {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]) / 1e6
  } catch {
    return performance.now()
  }
}

/** Milliseconds until `count` tasks have run that were queued first. */
async function run(count: number, priorityOf: (index: number) => number): Promise<number> {
  const queue = createQueue({ concurrency: 1, maxQueue: count })
  queue.pause()
  const began = spentMs()
  for (let index = 0; index < count; index += 1) void queue.add(task, { priority: priorityOf(index) })
  queue.start()
  await queue.onIdle()
  const ms = spentMs() - began
  queue.close()
  return ms
}

/** Without priorities a queue has a shorter way; priorities that fall run in the order in which they came, on the same way as those at random. */
test('100 000 tasks of random priorities cost at most twice as much as of priorities in the order in which they came', {
  timeout: 120_000,
}, async () => {
  const random = new Seeded(1)
  const priorities = Array.from({ length: 100_000 }, () => 1 + random.below(1000))
  const best = { fifo: Number.POSITIVE_INFINITY, random: Number.POSITIVE_INFINITY }
  for (let round = 0; round < ROUNDS && (round < 2 || best.random > 2 * best.fifo); round += 1) {
    best.fifo = Math.min(best.fifo, await run(priorities.length, index => 1000 - Math.floor(index / 100)))
    best.random = Math.min(best.random, await run(priorities.length, index => priorities[index] as number))
  }
  expect(best.random).toBeLessThanOrEqual(2 * best.fifo)
})

/** Milliseconds to abort a quarter of `count` tasks that wait. */
async function abortQuarter(count: number, seed: number): Promise<number> {
  const random = new Seeded(seed)
  const queue = createQueue({ concurrency: 1, maxQueue: count })
  queue.pause()
  const controllers = Array.from({ length: count }, () => new AbortController())
  let rejected = 0
  for (const { signal } of controllers)
    queue.add(task, { signal, priority: random.below(100) }).catch(() => {
      rejected += 1
    })
  const leaving = new Set<AbortController>()
  while (leaving.size < count / 4) leaving.add(random.pick(controllers))
  // Made once: what an abort without a reason makes of its own is the platform's.
  const why = new Error('given up')
  const began = spentMs()
  for (const controller of leaving) controller.abort(why)
  const ms = spentMs() - began
  await new Promise(resolve => setImmediate(resolve))
  expect([rejected, queue.size]).toEqual([count / 4, (count / 4) * 3])
  queue.close()
  return ms
}

test('5000 aborts of 20 000 that wait cost each what they cost in a short line', { timeout: 60_000 }, async () => {
  const best = { short: Number.POSITIVE_INFINITY, long: Number.POSITIVE_INFINITY }
  for (let round = 0; round < 10 && (round < 3 || best.long > 30 * best.short); round += 1) {
    best.short = Math.min(best.short, await abortQuarter(2000, round))
    best.long = Math.min(best.long, await abortQuarter(20_000, round))
  }
  console.info(`5000 of 20 000: ${best.long.toFixed(1)} ms; 500 of 2000: ${best.short.toFixed(1)} ms`)
  expect(best.long).toBeLessThan(30 * best.short)
})
