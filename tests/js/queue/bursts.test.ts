// Whatever comes, ends and gives up in one go: limits hold, no place stands empty while somebody waits, and each task is settled once.

import { expect, it } from 'vitest'
import { nextTask } from '../../../js/next-task.ts'
import { createQueue } from '../../../js/queue/queue.ts'
import type { Queue, QueueOptions } from '../../../js/queue/types.ts'
import { Seeded } from '../model/random.ts'

interface Running {
  readonly key: string
  readonly weight: number
  readonly leaver: AbortController | undefined
  end(): void
}

/** A queue, and what its tasks have seen of it. */
class World {
  readonly running = new Map<number, Running>()
  readonly waiting = new Map<number, AbortController | undefined>()
  readonly options: QueueOptions & { concurrency: number; perKey: number }
  readonly queue: Queue
  added = 0
  settled = 0
  /** More may run than the limit says after it was lowered. */
  lowered = false
  readonly #random: Seeded
  readonly #keys: number
  readonly #weights: number
  readonly #priorities: number

  constructor(seed: number) {
    const random = new Seeded(seed)
    this.#random = random
    this.#keys = random.pick([1, 1, 2, 5])
    this.#weights = random.pick([1, 1, 3])
    this.#priorities = random.pick([1, 2, 50])
    this.options = {
      concurrency: random.pick([1, 2, 3, 8, 64, 128]),
      perKey: random.pick([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 1, 2, 64]),
      maxQueue: random.pick([0, 3, 64, 100_000]),
      overflow: random.pick(['reject', 'drop-oldest', 'wait'] as const),
      ...(random.below(6) === 0 && { aging: 5 }),
    }
    this.queue = createQueue(this.options)
  }

  /** Places that are taken, by tasks that have not ended yet. */
  taken(key?: string): number {
    let sum = 0
    for (const task of this.running.values()) if (key === undefined || task.key === key) sum += task.weight
    return sum
  }

  add(depth = 0): void {
    const random = this.#random
    const id = this.added
    this.added += 1
    const [weight, key, priority] = [1 + random.below(this.#weights), `${random.below(this.#keys)}`, random.below(this.#priorities)]
    const leaver = random.below(2) === 0 ? new AbortController() : undefined
    this.waiting.set(id, leaver)
    const task = () => {
      expect(this.waiting.delete(id)).toBe(true)
      return new Promise<void>((resolve, reject) => {
        const end = () => {
          this.running.delete(id)
          if (random.below(5) === 0) reject(new Error('failed'))
          else resolve()
        }
        this.running.set(id, { key, weight, leaver, end })
        if (!this.lowered && this.taken() !== weight) expect(this.taken()).toBeLessThanOrEqual(this.options.concurrency)
        if (this.taken(key) !== weight) expect(this.taken(key)).toBeLessThanOrEqual(this.options.perKey)
        if (depth < 2 && random.below(8) === 0) this.add(depth + 1)
        if (random.below(10) === 0) end()
      })
    }
    const over = () => {
      this.settled += 1
      this.waiting.delete(id)
      this.running.delete(id)
    }
    this.queue.add(task, { weight, key, priority, signal: leaver?.signal }).then(over, over)
  }

  step(): void {
    const random = this.#random
    const some = <T>(all: T[]) => (random.below(2) === 0 ? all : all.slice(0, random.below(all.length + 1)))
    const kind = random.below(9)
    if (kind < 3) for (let count = random.pick([1, 3, 64, 130]); count > 0; count -= 1) this.add()
    else if (kind < 5) for (const task of some([...this.running.values()])) task.end()
    else if (kind === 5) for (const leaver of some([...this.waiting.values()])) leaver?.abort('enough')
    else if (kind === 6) {
      for (const [id, { leaver }] of some([...this.running].filter(([, task]) => task.leaver !== undefined))) {
        this.running.delete(id)
        leaver?.abort('enough')
      }
    } else if (kind === 7) random.below(2) === 0 ? this.queue.pause() : this.queue.start()
    else if (random.below(3) === 0) {
      const concurrency = 1 + random.below(130)
      this.lowered ||= concurrency < this.options.concurrency
      this.options.concurrency = concurrency
      this.queue.concurrency = concurrency
    } else if (random.below(6) === 0) this.queue.clear()
  }

  /** When all that follows from it has happened. */
  judge(): void {
    const { queue, options } = this
    expect(queue.pending).toBe(this.running.size)
    if (queue.isPaused || queue.size === 0) return
    expect(queue.pending).toBeGreaterThan(0)
    if (this.#weights === 1 && options.perKey === Number.POSITIVE_INFINITY) expect(this.taken()).toBeGreaterThanOrEqual(options.concurrency)
  }

  async finish(): Promise<void> {
    this.queue.start()
    await nextTask()
    while (this.queue.size + this.queue.pending > 0) {
      expect(this.running.size).toBeGreaterThan(0)
      for (const task of [...this.running.values()]) task.end()
      await nextTask()
    }
    await nextTask()
    expect([this.settled, this.waiting.size, this.running.size]).toEqual([this.added, 0, 0])
    this.queue.close()
  }
}

it.each(Array.from({ length: 4 }, (_, at) => at * 1000))('bursts of all kinds, seeds from %i', { timeout: 60_000 }, async from => {
  for (let seed = from; seed < from + 40; seed += 1) {
    const random = new Seeded(seed + 77)
    const world = new World(seed)
    for (let step = 0; step < 30; step += 1) {
      for (let count = 1 + random.below(3); count > 0; count -= 1) world.step()
      if (random.below(3) === 0) continue
      await nextTask()
      await nextTask()
      world.judge()
    }
    await world.finish()
  }
})
