// Places are given in JavaScript while all that wait are alike, and by the core as soon as they are not: whoever uses a queue must not notice.

import { describe, expect, it } from 'vitest'
import { plantTrap } from '../../../js/core/door.ts'
import { nextTask } from '../../../js/next-task.ts'
import { createQueue } from '../../../js/queue/queue.ts'
import type { TaskOptions } from '../../../js/queue/types.ts'

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    error => (error as { code?: string }).code ?? error,
  )

/** Tasks that the test ends one by one. */
class Hand {
  readonly begun: number[] = []
  readonly running = new Map<number, () => void>()

  task(id: number): () => Promise<number> {
    return () => {
      this.begun.push(id)
      return new Promise(resolve => this.running.set(id, () => resolve(id)))
    }
  }

  async end(id: number): Promise<void> {
    this.running.get(id)?.()
    this.running.delete(id)
    await nextTask()
  }
}

interface Waiting {
  id: number
  priority: number
  weight: number
  at: number
}

/** Sorts and searches, and nothing else. */
class Model {
  readonly begun: number[] = []
  waiting: Waiting[] = []
  readonly running = new Map<number, number>()
  paused = false
  concurrency: number

  constructor(concurrency: number) {
    this.concurrency = concurrency
  }

  pass(): void {
    this.waiting.sort((a, b) => b.priority - a.priority || a.at - b.at)
    for (let first = this.waiting[0]; first !== undefined && !this.paused && this.fits(first); first = this.waiting[0]) {
      this.waiting.shift()
      this.running.set(first.id, first.weight)
      this.begun.push(first.id)
    }
  }

  fits({ weight }: { weight: number }): boolean {
    const taken = [...this.running.values()].reduce((sum, one) => sum + one, 0)
    return taken === 0 || taken + weight <= this.concurrency
  }
}

function dice(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return (state >>> 8) % below
  }
}

describe.each([
  { name: 'alike', unlike: 0, heaviest: 2 },
  { name: 'of other priorities', unlike: 2, heaviest: 1 },
  { name: 'now and then another', unlike: 12, heaviest: 2 },
  { name: 'all different', unlike: 1, heaviest: 2 },
])('tasks that are $name', ({ unlike, heaviest }) => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])('begin in the order of a sorted list, seed %i', async seed => {
    const random = dice(seed * 7919)
    const concurrency = 1 + random(3)
    const overflow = random(2) === 0 ? ('reject' as const) : ('wait' as const)
    const queue = createQueue({ concurrency, maxQueue: 8, overflow })
    const hand = new Hand()
    const model = new Model(concurrency)
    const leavers = new Map<number, AbortController>()
    const outside: Waiting[] = []
    let refused = 0
    // Whoever waits outside comes in when there is room, in the order of arrival.
    const let_in = () => {
      for (let first = outside[0]; first !== undefined; first = outside[0]) {
        const atOnce = !model.paused && model.waiting.length === 0 && model.fits(first)
        if (model.waiting.length >= 8 && !atOnce) return
        outside.shift()
        model.waiting.push(first)
        model.pass()
      }
    }
    for (let at = 0; at < 300; at += 1) {
      const kind = random(20)
      if (kind < 10) {
        const leaver = new AbortController()
        const isOther = unlike > 0 && random(unlike) === 0
        const entry = { id: at, priority: isOther ? random(5) : 0, weight: isOther && random(3) === 0 ? heaviest : 1, at }
        const options: TaskOptions = { signal: leaver.signal, priority: entry.priority, weight: entry.weight }
        leavers.set(at, leaver)
        const atOnce = !model.paused && model.waiting.length === 0 && model.fits(entry)
        const isFull = outside.length > 0 || (model.waiting.length >= 8 && !atOnce)
        if (isFull && overflow === 'reject') refused += 1
        else if (isFull) outside.push(entry)
        else model.waiting.push(entry)
        model.pass()
        queue.add(hand.task(at), options).catch(() => undefined)
      } else if (kind < 16) {
        const running = [...model.running.keys()]
        const id = running[random(running.length || 1)]
        if (id === undefined) continue
        model.running.delete(id)
        model.pass()
        let_in()
        await hand.end(id)
      } else if (kind < 18) {
        const all = [...model.waiting, ...outside].map(({ id }) => id).concat([...model.running.keys()])
        const id = all[random(all.length || 1)]
        if (id === undefined) continue
        model.running.delete(id)
        model.waiting = model.waiting.filter(other => other.id !== id)
        const place = outside.findIndex(other => other.id === id)
        if (place >= 0) outside.splice(place, 1)
        model.pass()
        let_in()
        leavers.get(id)?.abort()
        hand.running.delete(id)
        await nextTask()
      } else if (kind === 18) {
        model.paused = !model.paused
        if (model.paused) queue.pause()
        else queue.start()
        model.pass()
        let_in()
      } else {
        model.concurrency = 1 + random(4)
        queue.concurrency = model.concurrency
        model.pass()
        let_in()
      }
      expect([hand.begun, queue.pending, queue.size]).toEqual([model.begun, model.running.size, model.waiting.length + outside.length])
    }
    expect(queue.stats().refused).toBe(refused)
  })
})

it('gives places by itself again when nobody is left that was different', async () => {
  const queue = createQueue({ concurrency: 1 })
  const hand = new Hand()
  for (const [id, priority] of [0, 0, 1, 0, 2].entries()) void queue.add(hand.task(id), { priority })
  for (const id of [0, 4, 2, 1, 3]) {
    expect(hand.begun.at(-1)).toBe(id)
    await hand.end(id)
  }
  const order: number[] = []
  await Promise.all([5, 6, 7].map(id => queue.add(async () => void order.push(id))))
  expect(order).toEqual([5, 6, 7])
})

it('starves nobody: what is accepted begins, whatever comes after it', async () => {
  const queue = createQueue({ concurrency: 2, perKey: 1 })
  const quiet = queue.add(async () => nextTask(), { key: 'quiet' })
  const work = async () => nextTask()
  const loud = Array.from({ length: 200 }, () => queue.add(work, { key: 'loud' }))
  const late = queue.add(async () => undefined, { key: 'late' })
  await quiet
  await late
  expect(queue.size).toBeGreaterThan(150)
  queue.clear()
  await Promise.allSettled(loud)
})

it('begins long rows of tasks that answer at once without growing the stack', async () => {
  const queue = createQueue({ concurrency: 1, autoStart: false })
  let sum = 0
  const count = (n: number) => {
    sum += n
  }
  const plain = Array.from({ length: 20_000 }, (_, n) => queue.add(() => count(n)))
  queue.start()
  await Promise.all(plain)
  queue.pause()
  const ranked = Array.from({ length: 20_000 }, (_, n) => queue.add(() => count(n), { priority: n % 7 }))
  queue.start()
  await Promise.all(ranked)
  expect([sum, queue.pending, queue.size]).toEqual([399_980_000, 0, 0])
})

it('lets a task add others to its own queue, and give up those that were to begin with it', async () => {
  const queue = createQueue({ concurrency: 2, autoStart: false })
  const leaver = new AbortController()
  const order: string[] = []
  const added: Promise<unknown>[] = []
  const first = queue.add(
    () => {
      order.push('first')
      leaver.abort('enough')
      for (const name of ['x', 'y']) added.push(queue.add(async () => order.push(name), { key: name, priority: 1 }))
    },
    { priority: 9, key: 'a' },
  )
  const second = code(queue.add(async () => order.push('second'), { priority: 8, key: 'b', signal: leaver.signal }))
  queue.start()
  await first
  await Promise.all(added)
  expect([order, await second]).toEqual([['first', 'x', 'y'], 'enough'])
  expect([queue.size, queue.pending]).toEqual([0, 0])
})

it('keeps to its limits after a trap of the core: what runs goes on, what waits is told', async () => {
  const queue = createQueue({ concurrency: 2 })
  const hand = new Hand()
  const runs = [0, 1].map(id => queue.add(hand.task(id)))
  const waits = [2, 3].map(id => code(queue.add(hand.task(id), { key: `${id}` })))
  expect(() => plantTrap()).toThrow()
  const next = queue.add(hand.task(4), { key: 'other' })
  expect(await Promise.all(waits)).toEqual(['ERR_CORE_TRAPPED', 'ERR_CORE_TRAPPED'])
  expect(hand.begun).toEqual([0, 1])
  await hand.end(0)
  expect(hand.begun).toEqual([0, 1, 4])
  await hand.end(1)
  await hand.end(4)
  expect(await Promise.all([...runs, next])).toEqual([0, 1, 4])
  expect([queue.size, queue.pending]).toEqual([0, 0])
})

it('can be closed by a task, and then takes no orders', async () => {
  const queue = createQueue({ concurrency: 1 })
  const first = queue.add(async () => 1)
  // Of another weight, so that the core is asked, which begins it in a turn of its own.
  const second = code(queue.add(() => queue.close(), { weight: 2 }))
  const third = code(queue.add(async () => 3, { key: 'other' }))
  expect(await Promise.all([first, second, third])).toEqual([1, 'ERR_CLOSED', 'ERR_CLOSED'])
  await nextTask()
  queue.pause()
  queue.start()
  queue.clear()
  queue.concurrency = 3
  queue.close()
  await queue.onIdle()
  expect([await code(queue.add(async () => 4)), queue.size, queue.pending]).toEqual(['ERR_CLOSED', 0, 0])
})

describe("overflow: 'wait'", () => {
  it('holds whoever comes until there is room, in order, and refuses nobody', async () => {
    const queue = createQueue({ concurrency: 1, maxQueue: 1, overflow: 'wait' })
    const hand = new Hand()
    const values = [0, 1, 2, 3].map(id => queue.add(hand.task(id)))
    // Outside, priorities do not count.
    values.push(queue.add(hand.task(4), { priority: 9 }))
    expect([queue.pending, queue.size]).toEqual([1, 4])
    for (const id of [0, 1, 2, 3, 4]) await hand.end(id)
    expect(await Promise.all(values)).toEqual([0, 1, 2, 3, 4])
    expect(queue.stats()).toMatchObject({ completed: 5, refused: 0 })
  })

  it('has no queue at all with maxQueue 0', async () => {
    const queue = createQueue({ concurrency: 1, maxQueue: 0, overflow: 'wait' })
    const hand = new Hand()
    for (const [id, weight] of [1, 2, 1].entries()) void queue.add(hand.task(id), { weight })
    queue.pause()
    await hand.end(0)
    expect(hand.begun).toEqual([0])
    queue.start()
    expect(hand.begun).toEqual([0, 1])
    await hand.end(1)
    expect(hand.begun).toEqual([0, 1, 2])
  })

  it('lets those outside give up, and rejects them when the queue is closed', async () => {
    const queue = createQueue({ concurrency: 1, maxQueue: 1, overflow: 'wait' })
    const hand = new Hand()
    const leaver = new AbortController()
    const outcomes = [0, 1, 2, 3].map(id => code(queue.add(hand.task(id), id === 2 ? { signal: leaver.signal } : { priority: id })))
    leaver.abort('enough')
    queue.close()
    expect(await Promise.all(outcomes)).toEqual(['ERR_CLOSED', 'ERR_CLOSED', 'enough', 'ERR_CLOSED'])
  })
})

it('keeps to its limits when a task adds another as it begins in the place of one that has just ended', async () => {
  for (const how of ['aborts', 'ends']) {
    const queue = createQueue({ concurrency: 1, maxQueue: 5, overflow: 'drop-oldest' })
    const hand = new Hand()
    const leaver = new AbortController()
    void queue.add(hand.task(0))
    // It waits, so the core is asked, and is the last that the core has.
    queue.add(hand.task(1), { signal: leaver.signal }).catch(() => undefined)
    await hand.end(0)
    const add = () => {
      void queue.add(() => {
        void queue.add(hand.task(3))
        return hand.task(2)()
      })
    }
    if (how === 'aborts') {
      leaver.abort('enough')
      add()
    } else {
      hand.running.get(1)?.()
      await Promise.resolve().then(add)
    }
    await nextTask()
    expect([hand.begun, queue.pending, queue.size], how).toEqual([[0, 1, 2], 1, 1])
    await hand.end(2)
    expect(hand.begun).toEqual([0, 1, 2, 3])
  }
})

it.each([63, 64, 65, 128])('%i that end at once make room for as many', async count => {
  const queue = createQueue({ concurrency: count })
  const hand = new Hand()
  for (let id = 0; id < count * 2; id += 1) void queue.add(hand.task(id), { key: `${id % 2}` })
  for (const end of [...hand.running.values()]) end()
  await nextTask()
  expect([queue.pending, queue.size, hand.begun.length]).toEqual([count, 0, count * 2])
})
