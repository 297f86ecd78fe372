import { describe, expect, it } from 'vitest'
import { createBatcher } from '../../../js/batch/batcher/batcher.ts'
import type { Batcher } from '../../../js/batch/batcher/types.ts'
import { createRegistry } from '../../../js/metrics/registry.ts'
import { nextTask } from '../../../js/next-task.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'

const doubled = (keys: number[]) => keys.map(key => key * 2)

/** A function whose calls the test answers one by one. */
function byHand() {
  const calls: { keys: number[]; signal: AbortSignal; answer: (loaded: unknown) => void; fail: (error: unknown) => void }[] = []
  const loadMany = (keys: number[], { signal }: { signal: AbortSignal }) =>
    new Promise<number[]>((resolve, reject) => {
      calls.push({ keys, signal, answer: resolve as (loaded: unknown) => void, fail: reject })
    })
  return { calls, loadMany }
}

/** A function that keeps a list of the batches it was given. */
function listing(answer: (keys: number[]) => readonly (number | Error)[] = doubled) {
  const batches: number[][] = []
  const loadMany = async (keys: number[]) => {
    batches.push(keys)
    return answer(keys)
  }
  return { batches, loadMany }
}

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    error => (error as { code?: string }).code ?? error,
  )

describe('gathering', () => {
  it('loads in one batch what is asked for in one go, each key once', async () => {
    const { batches, loadMany } = listing()
    const batcher = createBatcher(loadMany)
    expect(await Promise.all([batcher.load(1), batcher.load(2), batcher.load(1)])).toEqual([2, 4, 2])
    expect(batches).toEqual([[1, 2]])
    expect(batcher.stats()).toMatchObject({ loads: 3, coalesced: 1, hits: 0, batches: 1, cached: 2 })
  })

  it('waits for what promises that are settled bring', async () => {
    const { batches, loadMany } = listing()
    const batcher = createBatcher(loadMany)
    const later = async () => {
      for (let turn = 0; turn < 5; turn += 1) await undefined
      return batcher.load(2)
    }
    await Promise.all([batcher.load(1), later()])
    expect(batches).toEqual([[1, 2]])
  })

  it('cuts at maxBatchSize', async () => {
    const { batches, loadMany } = listing()
    const batcher = createBatcher(loadMany, { maxBatchSize: 3 })
    await batcher.loadMany([1, 2, 3, 4, 5, 6, 7])
    expect(batches).toEqual([[1, 2, 3], [4, 5, 6], [7]])
  })

  it('cuts at maxBytes, and lets a key above it go alone', async () => {
    const batches: string[][] = []
    const batcher = createBatcher(
      async (keys: string[]) => {
        batches.push(keys)
        return keys
      },
      { maxBytes: 10 },
    )
    await batcher.loadMany(['ab', 'cd', 'ef', 'a key of many bytes', 'gh'])
    expect(batches).toEqual([['ab', 'cd'], ['ef'], ['a key of many bytes'], ['gh']])
  })

  it('waits for maxWait, counted from the first key, unless the batch is full before', async () => {
    const clock = new ManualClock()
    const { batches, loadMany } = listing()
    const batcher = createBatcher(loadMany, { maxWait: 10, maxBatchSize: 3, clock })
    void batcher.load(1)
    await clock.advanceAsync(9)
    void batcher.load(2)
    expect(batches).toEqual([])
    await clock.advanceAsync(1)
    expect(batches).toEqual([[1, 2]])
    void batcher.loadMany([3, 4, 5, 6])
    await nextTask()
    expect(batches).toEqual([
      [1, 2],
      [3, 4, 5],
    ])
    await clock.advanceAsync(10)
    expect(batches.at(-1)).toEqual([6])
  })

  it('gathers while concurrency is used up', async () => {
    const { calls, loadMany } = byHand()
    const batcher = createBatcher(loadMany, { concurrency: 1 })
    const first = batcher.load(1)
    await nextTask()
    const others = [batcher.load(2), batcher.load(3)]
    await nextTask()
    expect(calls.map(({ keys }) => keys)).toEqual([[1]])
    calls[0]?.answer([10])
    expect(await first).toBe(10)
    expect(calls.map(({ keys }) => keys)).toEqual([[1], [2, 3]])
    calls[1]?.answer([20, 30])
    expect(await Promise.all(others)).toEqual([20, 30])
  })

  it('takes in no more than maxQueue keys', async () => {
    const batcher = createBatcher(doubled, { maxQueue: 2 })
    const outcomes = [batcher.load(1), batcher.load(2), batcher.load(3)].map(code)
    expect(await Promise.all(outcomes)).toEqual(['no error', 'no error', 'ERR_QUEUE_FULL'])
    expect(batcher.stats()).toMatchObject({ loads: 2, waiting: 0 })
  })

  it('may load within a load', async () => {
    const batches: number[][] = []
    const batcher: Batcher<number, number> = createBatcher(async (keys: number[]): Promise<number[]> => {
      batches.push(keys)
      return keys.includes(1) ? [await batcher.load(2)] : doubled(keys)
    })
    expect(await batcher.load(1)).toBe(4)
    expect(batches).toEqual([[1], [2]])
  })
})

describe('answers', () => {
  it('may be errors, each for its own key', async () => {
    const odd = new RangeError('odd')
    const batcher = createBatcher(async (keys: number[]) => keys.map(key => (key % 2 ? odd : key)))
    expect(await batcher.loadMany([1, 2, 3])).toEqual([odd, 2, odd])
    await expect(batcher.load(5)).rejects.toBe(odd)
    expect(batcher.stats()).toMatchObject({ failed: 3, cached: 1 })
  })

  it('may be a map', async () => {
    const batcher = createBatcher(async (keys: string[]) => new Map(keys.filter(key => key !== 'b').map(key => [key, key + key])))
    expect(await batcher.loadMany(['a', 'b', 'c'])).toEqual(['aa', undefined, 'cc'])
  })

  it.each([[[1]], [[1, 2, 3]], [undefined], ['ab']])('of another number than the keys reject all: %j', async loaded => {
    const batcher = createBatcher<number, number>(async () => loaded as unknown as number[])
    expect(await Promise.all([code(batcher.load(1)), code(batcher.load(2))])).toEqual(['ERR_BATCH_RESULT', 'ERR_BATCH_RESULT'])
  })

  it('that are a throw reject all, and are not remembered', async () => {
    let fails = true
    const batcher = createBatcher((keys: number[]) => {
      if (fails) throw new TypeError('down')
      return doubled(keys)
    })
    expect(await Promise.all([code(batcher.load(1)), code(batcher.load(2))])).toEqual(['ERR_HANDLER', 'ERR_HANDLER'])
    fails = false
    expect(await batcher.load(1)).toBe(2)
  })

  it('of batches that throw are found by halves, with isolate', async () => {
    const { batches, loadMany } = listing(keys => {
      if (keys.includes(6)) throw new Error('poison')
      return doubled(keys)
    })
    const batcher = createBatcher(loadMany, { isolate: true })
    const values = await batcher.loadMany([1, 2, 3, 4, 5, 6, 7, 8])
    expect(values.map(value => (value instanceof Error ? 'failed' : value))).toEqual([2, 4, 6, 8, 10, 'failed', 14, 16])
    expect(batches.length).toBe(7)
  })
})

describe('what is remembered', () => {
  it('is answered without another load, until it is cleared', async () => {
    const { batches, loadMany } = listing()
    const batcher = createBatcher(loadMany)
    await batcher.load(1)
    expect(await batcher.load(1)).toBe(2)
    expect(batcher.clear(1).stats()).toMatchObject({ hits: 1, cached: 0 })
    await batcher.load(1)
    await batcher.load(2)
    expect(batcher.clearAll().stats().cached).toBe(0)
    await batcher.load(2)
    expect(batches).toEqual([[1], [1], [2], [2]])
  })

  it('may come from elsewhere, but does not replace what is known', async () => {
    const batcher = createBatcher(doubled).prime(1, 100).prime(1, 200)
    expect(await batcher.load(1)).toBe(100)
    const loading = batcher.load(2)
    batcher.prime(2, 300)
    expect(await loading).toBe(4)
    expect(() => batcher.prime(3, new Error('no') as unknown as number)).toThrow(/value must be a value/)
  })

  it('is bounded in number: the oldest go', async () => {
    const { batches, loadMany } = listing()
    const batcher = createBatcher(loadMany, { cache: { max: 2 } })
    for (const key of [1, 2, 3]) await batcher.load(key)
    expect(batcher.stats().cached).toBe(2)
    await batcher.loadMany([2, 3])
    await batcher.load(1)
    expect(batches).toEqual([[1], [2], [3], [1]])
  })

  it('is bounded while others are under way', async () => {
    const { calls, loadMany } = byHand()
    const batcher = createBatcher(loadMany, { cache: { max: 1 } })
    const slow = batcher.load(0)
    await nextTask()
    for (const key of [1, 2, 3]) batcher.prime(key, key)
    expect(batcher.stats().cached).toBe(1)
    calls[0]?.answer([7])
    expect(await slow).toBe(7)
    expect(batcher.stats().cached).toBe(1)
  })

  it('serves for its time to live', async () => {
    const clock = new ManualClock()
    const { batches, loadMany } = listing()
    const batcher = createBatcher(loadMany, { cache: { ttl: '1s' }, clock })
    await batcher.load(1)
    clock.advance(999)
    await batcher.load(1)
    clock.advance(1)
    await batcher.load(1)
    expect(batches).toEqual([[1], [1]])
  })

  it('is nothing with cache: false', async () => {
    const { batches, loadMany } = listing()
    const batcher = createBatcher(loadMany, { cache: false }).prime(1, 100)
    await Promise.all([batcher.load(1), batcher.load(1)])
    await batcher.load(1)
    expect(batches).toEqual([[1], [1]])
    expect(batcher.stats()).toMatchObject({ coalesced: 1, cached: 0 })
  })

  it('is found by what keyOf makes of the key', async () => {
    const batcher = createBatcher(async (keys: { id: number }[]) => keys.map(({ id }) => id), { keyOf: ({ id }) => id })
    await Promise.all([batcher.load({ id: 1 }), batcher.load({ id: 1 })])
    expect(batcher.stats()).toMatchObject({ coalesced: 1, cached: 1 })
  })
})

describe('giving up', () => {
  it('leaves others who want the key alone, and no listener behind', async () => {
    const { calls, loadMany } = byHand()
    const batcher = createBatcher(loadMany)
    const leaver = new AbortController()
    const left = batcher.load(1, { signal: leaver.signal })
    const stays = batcher.load(1, { signal: new AbortController().signal })
    await nextTask()
    leaver.abort('enough')
    await expect(left).rejects.toBe('enough')
    expect(calls[0]?.signal.aborted).toBe(false)
    calls[0]?.answer([5])
    expect(await stays).toBe(5)
  })

  it('before the batch is sent takes the key out of it', async () => {
    const { batches, loadMany } = listing()
    const batcher = createBatcher(loadMany)
    const leaver = new AbortController()
    const left = batcher.load(1, { signal: leaver.signal })
    const stays = batcher.load(2)
    leaver.abort('enough')
    await expect(left).rejects.toBe('enough')
    await stays
    expect(batches).toEqual([[2]])
    expect(batcher.stats()).toMatchObject({ waiting: 0, running: 0 })
  })

  it('by all who want a batch aborts it, and who comes then loads anew', async () => {
    const { calls, loadMany } = byHand()
    const batcher = createBatcher(loadMany)
    const leaver = new AbortController()
    const left = batcher.loadMany([1, 2], { signal: leaver.signal })
    await nextTask()
    leaver.abort('enough')
    await expect(left).rejects.toBe('enough')
    expect(calls[0]?.signal.aborted).toBe(true)
    const again = batcher.load(1)
    calls[0]?.answer([-1, -1])
    await nextTask()
    calls[1]?.answer([5])
    expect(await again).toBe(5)
  })

  it('by all who want a part of a batch that threw leaves that part out, and aborts what all have left', async () => {
    const { calls, loadMany } = byHand()
    const batcher = createBatcher(loadMany, { isolate: true, concurrency: 1 })
    const [first, second] = [new AbortController(), new AbortController()]
    const ends = [1, 2, 3, 4, 5, 6].map(key => code(batcher.load(key, { signal: (key < 3 || key > 4 ? first : second).signal })))
    await nextTask()
    calls[0]?.fail(new Error('poison'))
    await nextTask()
    // Under way are 1, 2 and 3; 4, 5 and 6 are to follow.
    first.abort('enough')
    expect([calls[1]?.keys, calls[1]?.signal.aborted]).toEqual([[1, 2, 3], false])
    second.abort('enough')
    expect(calls[1]?.signal.aborted).toBe(true)
    expect(await Promise.all(ends)).toEqual(Array(6).fill('enough'))
    calls[1]?.answer([1, 2, 3])
    await nextTask()
    expect([calls.length, batcher.stats().running]).toEqual([2, 0])
    await batcher.flush()
  })

  it('when the value is there already forgets nothing', async () => {
    const leaver = new AbortController()
    const values = new (class extends Map<number, number> {
      override get(key: number) {
        if (key === 2) leaver.abort('enough')
        return super.get(key)
      }
    })([
      [1, 10],
      [2, 20],
    ])
    const batcher = createBatcher<number, number>(async () => values)
    const left = batcher.load(1, { signal: leaver.signal })
    expect([await batcher.load(2), await code(left), await batcher.load(1)]).toEqual([20, 'enough', 10])
    expect(batcher.stats()).toMatchObject({ batches: 1, hits: 1, cached: 2 })
  })

  it('with close() at the same time ends nothing twice', async () => {
    const batcher = createBatcher(doubled)
    const leaver = new AbortController()
    const load = code(batcher.load(1, { signal: leaver.signal }))
    batcher.close()
    leaver.abort('enough')
    expect(await load).toBe('enough')
    expect(batcher.stats()).toMatchObject({ waiting: 0, running: 0, failed: 1 })
  })

  it('by many who wait for many batches costs each what it costs where there are few', async () => {
    const abort = async (keys: number) => {
      const { calls, loadMany } = byHand()
      const batcher = createBatcher(loadMany, { maxBatchSize: 10 })
      const leaver = new AbortController()
      const left = Promise.all(Array.from({ length: keys }, (_, key) => code(batcher.load(key, { signal: leaver.signal }))))
      await nextTask()
      expect(calls.length).toBe(keys / 10)
      const began = performance.now()
      leaver.abort('enough')
      const ms = performance.now() - began
      expect(new Set(await left)).toEqual(new Set(['enough']))
      expect(calls.every(({ signal }) => signal.aborted)).toBe(true)
      batcher.close()
      return ms
    }
    let [few, many] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
    for (let round = 0; round < 20; round += 1) few = Math.min(few, await abort(2000))
    for (let round = 0; round < 5 && many >= 30 * few; round += 1) many = Math.min(many, await abort(20_000))
    // Ten times as many cost ten times as much, and somewhat more where memory is cold; were each searched for, a hundred times.
    expect(many / few).toBeLessThan(30)
  })

  it('before the call loads nothing', async () => {
    const { batches, loadMany } = listing()
    await expect(createBatcher(loadMany).load(1, { signal: AbortSignal.abort('never') })).rejects.toBe('never')
    await nextTask()
    expect(batches).toEqual([])
  })
})

describe('ends', () => {
  it('after timeout: its keys are rejected and its signal is aborted', async () => {
    const clock = new ManualClock()
    const { calls, loadMany } = byHand()
    const batcher = createBatcher(loadMany, { timeout: 50, clock })
    const outcome = code(batcher.load(1))
    await nextTask()
    await clock.advanceAsync(50)
    expect(await outcome).toBe('ERR_TIMEOUT')
    expect(calls[0]?.signal.aborted).toBe(true)
    calls[0]?.answer([1])
    await nextTask()
    expect(batcher.stats()).toMatchObject({ running: 0, cached: 0, failed: 1 })
  })

  it('with close: what waits and what is under way is rejected, once', async () => {
    const { calls, loadMany } = byHand()
    const batcher = createBatcher(loadMany, { concurrency: 1 })
    const sent = code(batcher.load(1))
    await nextTask()
    const waits = code(batcher.load(2))
    batcher.close()
    batcher.close()
    expect(await Promise.all([sent, waits, code(batcher.load(3))])).toEqual(['ERR_CLOSED', 'ERR_CLOSED', 'ERR_CLOSED'])
    expect(calls[0]?.signal.aborted).toBe(true)
    calls[0]?.answer([1])
    await nextTask()
    expect(calls.length).toBe(1)
  })

  it('with flush: it sends what waits and resolves when all is answered', async () => {
    const clock = new ManualClock()
    const { calls, loadMany } = byHand()
    const batcher = createBatcher(loadMany, { maxWait: '1h', clock })
    await batcher.flush()
    const value = batcher.load(1)
    let flushed = false
    const flushing = batcher.flush().then(() => {
      flushed = true
    })
    await nextTask()
    expect([calls.length, flushed]).toEqual([1, false])
    calls[0]?.answer([3])
    await flushing
    expect(await value).toBe(3)
  })
})

it('settles every load once, with its own value, whatever happens', async () => {
  let state = 7
  const random = (below: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return (state >>> 8) % below
  }
  for (let round = 0; round < 300; round += 1) {
    const clock = new ManualClock()
    const { calls, loadMany } = byHand()
    const maxWait = random(3) * 5
    const batcher = createBatcher(loadMany, {
      maxWait,
      maxBatchSize: 1 + random(4),
      concurrency: 1 + random(3),
      isolate: random(2) === 0,
      cache: random(2) === 0,
      clock,
    })
    const outcomes: Promise<unknown>[] = []
    let answered = 0
    const step = async () => {
      const call = calls[answered]
      if (call === undefined) return
      answered += 1
      if (random(5) === 0) call.fail(new Error('down'))
      else call.answer(call.keys.map(key => (random(6) === 0 ? new Error('no') : key * 3)))
      await nextTask()
    }
    for (let turn = 0; turn < 25; turn += 1) {
      const key = random(8)
      const leaver = random(4) === 0 ? new AbortController() : undefined
      const load = batcher.load(key, { signal: leaver?.signal })
      outcomes.push(
        load.then(
          value => expect(value).toBe(key * 3),
          error => expect(error === 'enough' || error instanceof Error).toBe(true),
        ),
      )
      if (random(3) === 0) await clock.advanceAsync(random(10))
      if (random(4) === 0) leaver?.abort('enough')
      if (random(3) === 0) await step()
      if (random(20) === 0) batcher.clear(key)
    }
    const flushed = batcher.flush()
    await nextTask()
    while (answered < calls.length) await step()
    await flushed
    await Promise.all(outcomes)
    expect(batcher.stats()).toMatchObject({ waiting: 0, running: 0 })
  }
})

it('reports to a registry', async () => {
  const registry = createRegistry()
  const batcher = createBatcher(async (keys: number[]) => keys.map(key => (key === 2 ? new Error('no') : key)), {
    name: 'users',
    metrics: registry,
  })
  await batcher.loadMany([1, 2, 3])
  const text = await registry.metrics()
  expect(text).toContain('batch_items_total{batch="users",outcome="ok"} 2')
  expect(text).toContain('batch_items_total{batch="users",outcome="failed"} 1')
})

it.each([
  [{ maxBatchSize: 0 }],
  [{ maxWait: -1 }],
  [{ concurrency: 1.5 }],
  [{ timeout: 0 }],
  [{ cache: { max: 0 } }],
  [{ keyOf: 1 }],
  [{ isolate: 'yes' }],
])('refuses options that cannot be meant: %j', options => {
  expect(() => createBatcher(doubled, options as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
})

it('refuses keys that cannot be meant', async () => {
  const batcher = createBatcher(doubled)
  expect(await code(batcher.load(undefined as never))).toBe('ERR_INVALID_ARGUMENT')
  expect(await code(batcher.loadMany('ab' as never))).toBe('ERR_INVALID_ARGUMENT')
  expect(() => createBatcher('no' as never)).toThrow(/loadMany must be a function/)
})

describe('what is given wrong', () => {
  it('rejects null for options', async () => {
    expect(await code(createBatcher(doubled).load(1, null as never))).toBe('ERR_INVALID_ARGUMENT')
  })

  it.each([Number.NaN, -1, '7', undefined])('rejects a key of %s bytes, and others keep to the limit', async bytes => {
    const { batches, loadMany } = listing()
    const batcher = createBatcher(loadMany, { maxBytes: 10, sizeOf: key => (key === 0 ? (bytes as number) : 5) })
    const loads = [1, 0, 2, 3].map(key => code(batcher.load(key)))
    expect(await Promise.all(loads)).toEqual(['no error', 'ERR_INVALID_ARGUMENT', 'no error', 'no error'])
    expect(batches).toEqual([[1, 2], [3]])
  })

  it('counts the bytes of whole numbers of any size', async () => {
    const batcher = createBatcher(async (keys: bigint[]) => keys.map(String), { maxBytes: 100 })
    expect(await batcher.load(5n)).toBe('5')
  })

  it('rejects a batch whose answer cannot be looked at, and goes on', async () => {
    const answer = Object.defineProperty([], 'then', {
      get() {
        throw new Error('no promise')
      },
    })
    const batcher = createBatcher((keys: number[]) => (keys.includes(1) ? answer : doubled(keys)))
    expect(await code(batcher.load(1))).toBe('ERR_HANDLER')
    expect(await batcher.load(2)).toBe(4)
  })
})
