import { describe, expect, it, vi } from 'vitest'
import { createRegistry } from '../../../js/metrics/registry.ts'
import { nextTask } from '../../../js/next-task.ts'
import { createQueue } from '../../../js/queue/queue.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'

/** Tasks that the test ends one by one, and what has begun so far. */
function byHand() {
  const begun: string[] = []
  const ends = new Map<string, (error?: Error) => void>()
  const task = (name: string) => () => {
    begun.push(name)
    return new Promise<string>((resolve, reject) => ends.set(name, error => (error === undefined ? resolve(name) : reject(error))))
  }
  const end = async (name: string, error?: Error) => {
    ends.get(name)?.(error)
    await nextTask()
  }
  return { begun, task, end }
}

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    error => (error as { code?: string }).code ?? error,
  )

describe('running', () => {
  it('keeps to concurrency, in the order in which tasks came', async () => {
    const queue = createQueue({ concurrency: 2 })
    const { begun, task, end } = byHand()
    const values = ['a', 'b', 'c', 'd'].map(name => queue.add(task(name)))
    expect([begun, queue.pending, queue.size]).toEqual([['a', 'b'], 2, 2])
    await end('b')
    expect(begun).toEqual(['a', 'b', 'c'])
    await end('a')
    await end('c')
    await end('d')
    expect(await Promise.all(values)).toEqual(['a', 'b', 'c', 'd'])
    expect(queue.stats()).toEqual({ waiting: 0, running: 0, completed: 4, failed: 0, aborted: 0, refused: 0 })
  })

  it('takes higher priorities first, and equal ones in order', async () => {
    const queue = createQueue({ concurrency: 1 })
    const order: number[] = []
    const all = [0, 1, 5, 1, -1].map((priority, at) => queue.add(async () => void order.push(at), { priority }))
    await Promise.all(all)
    expect(order).toEqual([0, 2, 1, 3, 4])
  })

  it('lets who has waited long come before who is more important, with aging', async () => {
    const clock = new ManualClock()
    const queue = createQueue({ concurrency: 1, aging: 100, clock })
    const { begun, task, end } = byHand()
    for (const [name, priority] of [
      ['runs', 0],
      ['old', 0],
    ] as const)
      void queue.add(task(name), { priority })
    clock.advance(150)
    void queue.add(task('new'), { priority: 1 })
    await end('runs')
    expect(begun).toEqual(['runs', 'old'])
  })

  it('keeps to perKey, and lets keys take turns', async () => {
    const queue = createQueue({ concurrency: 2, perKey: 1 })
    const { begun, task, end } = byHand()
    for (const name of ['a1', 'a2', 'a3', 'b1']) void queue.add(task(name), { key: name.slice(0, 1) })
    expect(begun).toEqual(['a1', 'b1'])
    await end('a1')
    expect(begun).toEqual(['a1', 'b1', 'a2'])
  })

  it('counts weights', async () => {
    const queue = createQueue({ concurrency: 3 })
    const { begun, task, end } = byHand()
    void queue.add(task('heavy'), { weight: 2 })
    void queue.add(task('heavy too'), { weight: 2 })
    void queue.add(task('light'))
    expect(begun).toEqual(['heavy'])
    await end('heavy')
    expect(begun).toEqual(['heavy', 'heavy too', 'light'])
  })

  it('keeps to a rate', async () => {
    const clock = new ManualClock()
    const queue = createQueue({ rateLimit: { tokensPerInterval: 2, interval: '1s', maxWait: '1s' }, clock })
    const begun: number[] = []
    const outcomes = [0, 1, 2, 3, 4, 5].map(at => code(queue.add(() => void begun.push(at))))
    expect(begun).toEqual([0, 1])
    await clock.advanceAsync(500)
    expect(begun).toEqual([0, 1, 2])
    await clock.advanceAsync(500)
    expect(begun).toEqual([0, 1, 2, 3])
    expect(await Promise.all(outcomes)).toEqual([...Array(4).fill('no error'), 'ERR_RATE_LIMITED', 'ERR_RATE_LIMITED'])
  })

  it('may change concurrency', async () => {
    const queue = createQueue({ concurrency: 1 })
    const { begun, task } = byHand()
    for (const name of ['a', 'b', 'c']) void queue.add(task(name))
    queue.concurrency = 3
    expect(begun).toEqual(['a', 'b', 'c'])
    expect(queue.concurrency).toBe(3)
    expect(() => (queue.concurrency = 0)).toThrow(/concurrency/)
  })

  it('hands a place over before a newcomer can take it', async () => {
    const queue = createQueue({ concurrency: 1 })
    const order: string[] = []
    const first = queue.add(async () => void order.push('first'))
    void queue.add(async () => void order.push('second'))
    await first
    await queue.add(async () => void order.push('newcomer'))
    expect(order).toEqual(['first', 'second', 'newcomer'])
  })

  it('settles tasks that answer at once, and those that throw', async () => {
    const queue = createQueue({ concurrency: 1 })
    const error = new TypeError('no')
    expect(await queue.add(() => 7)).toBe(7)
    const thrown = () => {
      throw error
    }
    await expect(queue.add(thrown)).rejects.toBe(error)
    await expect(queue.add(async () => thrown())).rejects.toBe(error)
    expect(queue.stats()).toMatchObject({ completed: 1, failed: 2, running: 0 })
  })
})

describe("p-limit's form", () => {
  it('calls with arguments', async () => {
    const limit = createQueue({ concurrency: 2 })
    expect(await Promise.all([1, 2, 3].map(n => limit(async (a: number, b: number) => a + b, n, 10)))).toEqual([11, 12, 13])
    expect(await limit.map([1, 2, 3], (n, at) => n * at)).toEqual([0, 2, 6])
    expect([limit.activeCount, limit.pendingCount]).toEqual([0, 0])
  })

  it('clears what waits: it is rejected, not left hanging', async () => {
    const limit = createQueue({ concurrency: 1 })
    const { task, end } = byHand()
    const runs = limit(task('runs'))
    const waits = code(limit(task('waits')))
    limit.clearQueue()
    expect(await waits).toBe('ERR_ABORTED')
    await end('runs')
    expect(await runs).toBe('runs')
  })
})

describe('waiting', () => {
  it('is refused beyond maxQueue', async () => {
    const queue = createQueue({ concurrency: 1, maxQueue: 1 })
    const { task, end } = byHand()
    const outcomes = ['a', 'b', 'c'].map(name => code(queue.add(task(name))))
    expect(await outcomes[2]).toBe('ERR_QUEUE_FULL')
    await end('a')
    await end('b')
    expect(await Promise.all(outcomes)).toEqual(['no error', 'no error', 'ERR_QUEUE_FULL'])
    expect(queue.stats()).toMatchObject({ completed: 2, refused: 1 })
  })

  it('gives way to what is newer, where it is told so', async () => {
    const queue = createQueue({ concurrency: 1, maxQueue: 1, overflow: 'drop-oldest' })
    const { begun, task, end } = byHand()
    const outcomes = ['a', 'b', 'c'].map(name => code(queue.add(task(name))))
    expect(await outcomes[1]).toBe('ERR_QUEUE_FULL')
    await end('a')
    expect(begun).toEqual(['a', 'c'])
    expect([queue.size, queue.pending]).toEqual([0, 1])
  })

  it('lasts while the queue is paused', async () => {
    const queue = createQueue({ autoStart: false })
    const { begun, task, end } = byHand()
    for (const name of ['a', 'b']) void queue.add(task(name))
    expect([begun, queue.isPaused, queue.size]).toEqual([[], true, 2])
    expect(queue.start()).toBe(queue)
    expect(begun).toEqual(['a', 'b'])
    queue.concurrency = 1
    queue.pause()
    void queue.add(task('c'))
    await end('a')
    await end('b')
    expect([begun, queue.size]).toEqual([['a', 'b'], 1])
    queue.start()
    expect(begun).toEqual(['a', 'b', 'c'])
  })

  it('is over when the conditions say so', async () => {
    const queue = createQueue({ concurrency: 1 })
    const { task, end } = byHand()
    const told: string[] = []
    await Promise.all([queue.onIdle(), queue.onEmpty(), queue.onSizeLessThan(1)])
    for (const name of ['a', 'b', 'c']) void queue.add(task(name))
    void queue.onSizeLessThan(2).then(() => told.push('less than 2'))
    void queue.onEmpty().then(() => told.push('empty'))
    void queue.onIdle().then(() => told.push('idle'))
    await end('a')
    expect(told).toEqual(['less than 2'])
    await end('b')
    expect(told).toEqual(['less than 2', 'empty'])
    await end('c')
    expect(told).toEqual(['less than 2', 'empty', 'idle'])
  })
})

describe('giving up', () => {
  it('takes a task that waits out of the queue', async () => {
    const queue = createQueue({ concurrency: 1 })
    const { begun, task, end } = byHand()
    const leaver = new AbortController()
    void queue.add(task('a'))
    const left = queue.add(task('b'), { signal: leaver.signal })
    const stays = queue.add(task('c'))
    leaver.abort('enough')
    await expect(left).rejects.toBe('enough')
    await end('a')
    await end('c')
    expect(await stays).toBe('c')
    expect(begun).toEqual(['a', 'c'])
    await expect(queue.add(task('d'), { signal: leaver.signal })).rejects.toBe('enough')
  })

  it('tells a task that runs, and gives its place to the next', async () => {
    const queue = createQueue({ concurrency: 1 })
    const { begun, task } = byHand()
    const leaver = new AbortController()
    let told: AbortSignal | undefined
    const left = queue.add(
      ({ signal }) => {
        told = signal
        return new Promise<never>(() => undefined)
      },
      { signal: leaver.signal },
    )
    void queue.add(task('next'))
    leaver.abort('enough')
    await expect(left).rejects.toBe('enough')
    expect([told?.aborted, told?.reason, begun]).toEqual([true, 'enough', ['next']])
  })

  it('leaves no listener behind, whenever it comes', async () => {
    const queue = createQueue({ concurrency: 2 })
    const { signal } = new AbortController()
    const [added, removed] = [vi.spyOn(signal, 'addEventListener'), vi.spyOn(signal, 'removeEventListener')]
    await queue.map([1, 2, 3, 4], async n => n, { signal })
    expect(added).toHaveBeenCalled()
    expect(removed.mock.calls.length).toBe(added.mock.calls.length)
  })

  it('comes by itself after timeout', async () => {
    const clock = new ManualClock()
    const queue = createQueue({ concurrency: 1, timeout: 100, clock })
    const slow = code(queue.add(() => new Promise(() => undefined)))
    const own = code(queue.add(() => new Promise(() => undefined), { timeout: 30 }))
    await clock.advanceAsync(100)
    expect(await slow).toBe('ERR_TIMEOUT')
    await clock.advanceAsync(30)
    expect(await own).toBe('ERR_TIMEOUT')
    expect(queue.stats()).toMatchObject({ failed: 2, running: 0 })
  })

  it('is the fate of all when the queue is closed', async () => {
    const queue = createQueue({ concurrency: 1 })
    let told: AbortSignal | undefined
    const outcomes = [
      code(
        queue.add(({ signal }) => {
          told = signal
          return new Promise(() => undefined)
        }),
      ),
      code(queue.add(() => 1)),
    ]
    queue.close()
    queue.close()
    expect(await Promise.all([...outcomes, code(queue.add(() => 2))])).toEqual(['ERR_CLOSED', 'ERR_CLOSED', 'ERR_CLOSED'])
    expect(told?.aborted).toBe(true)
    await queue.onIdle()
  })
})

it('tells what happens', async () => {
  const queue = createQueue({ concurrency: 1 })
  const told: string[] = []
  for (const event of ['add', 'active', 'completed', 'error', 'next', 'empty', 'idle'] as const) queue.on(event, () => told.push(event))
  const off = queue.on('completed', () => {
    throw new Error('of a listener')
  })
  const errors = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  await queue.add(async () => 1)
  off()
  errors.mockRestore()
  await code(queue.add(async () => Promise.reject(new Error('no'))))
  expect(told).toEqual(['active', 'empty', 'add', 'completed', 'next', 'idle', 'active', 'empty', 'add', 'error', 'next', 'idle'])
  expect(() => queue.on('ended' as never, (() => undefined) as never)).toThrow(/event must be one of/)
})

it('reports to a registry', async () => {
  const registry = createRegistry()
  const queue = createQueue({ name: 'pages', metrics: registry, concurrency: 1 })
  await queue.map([1, 2], n => n)
  await code(queue.add(() => Promise.reject(new Error('no'))))
  const text = await registry.metrics()
  expect(text).toContain('queue_tasks_total{queue="pages",outcome="completed"} 2')
  expect(text).toContain('queue_tasks_total{queue="pages",outcome="failed"} 1')
  expect(text).toContain('queue_wait_seconds_count{queue="pages"} 3')
})

it('settles each of many tasks once, never runs more than allowed, and ends with nothing left', async () => {
  let state = 11
  const random = (below: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return (state >>> 8) % below
  }
  for (let round = 0; round < 100; round += 1) {
    const clock = new ManualClock()
    const concurrency = 1 + random(4)
    const queue = createQueue({ concurrency, perKey: 1 + random(3), maxQueue: 5 + random(20), timeout: 50, clock })
    let running = 0
    let settled = 0
    const outcomes = Array.from({ length: 40 }, async (_, at) => {
      const leaver = random(3) === 0 ? new AbortController() : undefined
      const begins = random(3)
      const task = queue.add(
        async ({ signal }) => {
          running += 1
          expect(running).toBeLessThanOrEqual(concurrency)
          signal.addEventListener('abort', () => {
            running -= 1
          })
          await new Promise<void>(resolve => void clock.timer(clock.monotonic() + random(80), resolve))
          if (signal.aborted) return
          running -= 1
          if (begins === 0) throw new Error('no')
        },
        { priority: random(3), key: `${at % 3}`, ...(leaver && { signal: leaver.signal }) },
      )
      if (leaver !== undefined) void clock.timer(random(100), () => leaver.abort('enough'))
      await task.catch(() => undefined)
      settled += 1
    })
    let done = false
    void Promise.all(outcomes).then(() => {
      done = true
    })
    while (!done) await clock.advanceAsync(7)
    expect([settled, queue.size, queue.pending, running]).toEqual([40, 0, 0, 0])
    const { completed, failed, aborted, refused } = queue.stats()
    expect(completed + failed + aborted + refused).toBe(40)
  }
})

it.each([[{ concurrency: 0 }], [{ maxQueue: -1 }], [{ overflow: 'later' }], [{ timeout: 0 }], [{ autoStart: 1 }], [{ rateLimit: {} }]])(
  'refuses options that cannot be meant: %j',
  options => {
    expect(() => createQueue(options as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  },
)

it('refuses tasks that cannot be meant', async () => {
  const queue = createQueue()
  const task = () => 1
  const bad = [
    queue.add(1 as never),
    queue.add(task, { priority: 0.5 }),
    queue.add(task, { key: 1 as never }),
    queue.add(task, { weight: 0 }),
  ]
  expect(await Promise.all(bad.map(code))).toEqual(Array(4).fill('ERR_INVALID_ARGUMENT'))
})

describe('what is given wrong', () => {
  const orphan = () => Promise.reject(new Error('nobody hears of it'))

  it.each([
    { what: 'no iterable of tasks', run: () => createQueue().addAll(undefined as never) },
    { what: 'a number of tasks', run: () => createQueue().addAll(5 as never) },
    { what: 'no iterable of items', run: () => createQueue().map(undefined as never, orphan) },
    { what: 'items without a task', run: () => createQueue().map([1], undefined as never) },
    { what: 'null for options', run: () => createQueue().add(orphan, null as never) },
    { what: 'a number for options', run: () => createQueue().add(orphan, 5 as never) },
  ])('rejects $what', async ({ run }) => {
    expect(await code(run())).toBe('ERR_INVALID_ARGUMENT')
  })

  it('begins nothing of an iterable that throws', async () => {
    const queue = createQueue()
    let begun = 0
    const task = () => {
      begun += 1
      return orphan()
    }
    function* tasks() {
      yield task
      throw new Error('in the middle')
    }
    await expect(queue.addAll(tasks())).rejects.toThrow('in the middle')
    await expect(queue.map(tasks(), task)).rejects.toThrow('in the middle')
    expect([begun, queue.size, queue.pending]).toEqual([0, 0, 0])
  })

  it.each([
    {
      what: 'cannot be looked at',
      answer: Object.defineProperty({}, 'then', {
        get() {
          throw new Error('no promise')
        },
      }),
    },
    {
      what: 'cannot be waited for',
      answer: {
        // biome-ignore lint/suspicious/noThenProperty: that is the point
        then() {
          throw new Error('no promise')
        },
      },
    },
  ])('rejects the task whose answer $what, and goes on', async ({ answer }) => {
    const queue = createQueue({ concurrency: 1 })
    const first = queue.add(() => answer)
    const second = queue.add(() => 2)
    await expect(first).rejects.toThrow('no promise')
    expect([await second, queue.pending, queue.size]).toEqual([2, 0, 0])
  })
})
