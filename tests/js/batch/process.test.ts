import { describe, expect, it } from 'vitest'
import { processBatch } from '../../../js/batch/process.ts'
import type { BatchOptions, BatchProgress, BatchResult } from '../../../js/batch/types.ts'
import { plantTrap } from '../../../js/core/door.ts'
import { ShelflifeError } from '../../../js/errors.ts'
import { createRegistry } from '../../../js/metrics/registry.ts'
import { nextTask } from '../../../js/next-task.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at)
const doubled = (items: number[]) => items.map(item => item * 2)
const values = <R>(result: BatchResult<number, R>) => result.results.map(one => (one.status === 'fulfilled' ? one.value : undefined))
const codes = (result: BatchResult<number, unknown>) => result.failed.map(({ error }) => (error as ShelflifeError).code)

/** A handler whose calls the test answers one by one. */
function byHand() {
  const calls: {
    items: number[]
    signal: AbortSignal
    attempt: number
    answer: (results: unknown) => void
    fail: (error: unknown) => void
  }[] = []
  const handler = (items: number[], { signal, attempt }: { signal: AbortSignal; attempt: number }) =>
    new Promise<number[]>((resolve, reject) => {
      calls.push({ items, signal, attempt, answer: resolve as (results: unknown) => void, fail: reject })
    })
  return { calls, handler }
}

describe('results', () => {
  it('come in input order, whatever order the batches end in', async () => {
    const clock = new ManualClock()
    const run = processBatch(
      numbers(10),
      async items => {
        await new Promise<void>(resolve => void clock.timer(100 - (items[0] as number) * 10, resolve))
        return doubled(items)
      },
      { batchSize: 3, concurrency: 4, clock },
    )
    await clock.advanceAsync(100)
    const result = await run
    expect(values(result)).toEqual(numbers(10).map(n => n * 2))
    expect(result).toMatchObject({ status: 'ok', failed: [], errors: [], stats: { total: 10, done: 10, calls: 4 } })
  })

  it('of an empty input are empty', async () => {
    for (const empty of [[], new Set<number>(), (async function* () {})() as AsyncIterable<number>]) {
      expect(await processBatch(empty, doubled)).toMatchObject({ status: 'ok', results: [], stats: { total: 0, calls: 0 } })
    }
  })

  it('may be errors, which fail their own items only and are not retried', async () => {
    const odd = new RangeError('odd')
    const result = await processBatch(numbers(5), items => items.map(item => (item % 2 ? odd : item)), { maxRetries: 3 })
    expect(values(result)).toEqual([0, undefined, 2, undefined, 4])
    expect(result.failed).toEqual([
      { index: 1, item: 1, error: odd },
      { index: 3, item: 3, error: odd },
    ])
    expect(result.stats.calls).toBe(1)
  })

  it.each([
    ['too few', (items: number[]) => items.slice(1)],
    ['too many', (items: number[]) => [...items, 1]],
    ['none', () => undefined as unknown as number[]],
    ['a string', () => 'ab' as unknown as number[]],
  ])('that are %s fail their batch, without another try', async (_, handler) => {
    const result = await processBatch(numbers(4), (items, context) => (context.indexes[0] === 0 ? handler(items) : items), {
      batchSize: 2,
      maxRetries: 2,
    })
    expect(codes(result)).toEqual(['ERR_BATCH_RESULT', 'ERR_BATCH_RESULT'])
    expect(result).toMatchObject({ status: 'partial', stats: { calls: 2, done: 2 } })
  })
})

describe('poison items', () => {
  it('stand alone in the end, at logarithmic cost', async () => {
    const poison = new Set([7, 8, 300])
    const run = (options: object) =>
      processBatch(
        numbers(512),
        async items => {
          const bad = items.find(item => poison.has(item))
          if (bad !== undefined) throw new Error(`no ${bad}`)
          return items
        },
        { batchSize: 128, ...options },
      )
    const result = await run({})
    expect(result.failed.map(({ index }) => index)).toEqual([7, 8, 300])
    expect(result.failed.map(({ error }) => (error as Error).message)).toEqual([
      'the handler threw: no 7',
      'the handler threw: no 8',
      'the handler threw: no 300',
    ])
    expect(codes(result)).toEqual(['ERR_HANDLER', 'ERR_HANDLER', 'ERR_HANDLER'])
    expect(result.stats.calls).toBeLessThanOrEqual(4 + 2 * 3 * Math.log2(128))
    const together = await run({ isolate: false })
    expect([together.failed.length, together.stats.calls]).toEqual([256, 4])
  })

  it('are not spread by a handler that empties its array', async () => {
    const seen: number[][] = []
    const result = await processBatch(numbers(4), items => {
      seen.push([...items])
      const all = items.splice(0)
      if (all.includes(2)) throw new ShelflifeError('ERR_PARSE', 'two')
      return all
    })
    expect(seen).toEqual([[0, 1, 2, 3], [0, 1], [2, 3], [2], [3]])
    expect(result.failed).toMatchObject([{ index: 2, item: 2, error: { code: 'ERR_PARSE' } }])
  })
})

describe('retries', () => {
  it('wait longer each time, keep the process alive, and tell the handler', async () => {
    const clock = new ManualClock()
    const begun: [number, number][] = []
    const run = processBatch(
      [1],
      (items, { attempt }) => {
        begun.push([clock.monotonic(), attempt])
        if (attempt < 4) throw new Error('busy')
        return items
      },
      { maxRetries: 5, initialDelay: 100, maxDelay: '150ms', clock },
    )
    expect(clock.heldTimers).toBe(1)
    await clock.advanceAsync(1000)
    expect(begun).toEqual([
      [0, 1],
      [100, 2],
      [250, 3],
      [400, 4],
    ])
    expect(await run).toMatchObject({ status: 'ok', stats: { calls: 4, retries: 3 } })
    expect(clock.timers).toBe(0)
  })

  it('follow a timeout too, and a late answer changes nothing', async () => {
    const clock = new ManualClock()
    const { calls, handler } = byHand()
    const run = processBatch([1], handler, { timeout: 50, maxRetries: 1, initialDelay: 10, clock })
    expect(clock.heldTimers).toBe(1)
    await clock.advanceAsync(50)
    expect(calls[0]?.signal.reason).toMatchObject({ code: 'ERR_TIMEOUT', timeoutMs: 50 })
    calls[0]?.answer([111])
    await clock.advanceAsync(10)
    await clock.advanceAsync(50)
    const result = await run
    expect(result).toMatchObject({ status: 'failed', failed: [{ error: { code: 'ERR_TIMEOUT' } }], stats: { calls: 2, retries: 1 } })
    expect(clock.timers).toBe(0)
  })
})

describe('sources', () => {
  it.each([1, 4])('are read no further than concurrency * batchSize ahead (concurrency %i)', async concurrency => {
    let read = 0
    let settled = 0
    let widest = 0
    async function* source() {
      for (; read < 100; ) {
        read += 1
        widest = Math.max(widest, read - settled)
        yield read - 1
      }
    }
    const result = await processBatch(
      source(),
      async items => {
        await nextTask()
        settled += items.length
        return doubled(items)
      },
      { batchSize: 5, concurrency },
    )
    expect(values(result)).toEqual(numbers(100).map(n => n * 2))
    expect(widest).toBeLessThanOrEqual(concurrency * 5)
    expect(result.stats.calls).toBe(20)
  })

  it('may be endless, and are closed by an abort', async () => {
    const controller = new AbortController()
    let closed = false
    function* endless() {
      try {
        for (let at = 0; ; at += 1) yield at
      } finally {
        closed = true
      }
    }
    const result = await processBatch(
      endless(),
      async items => {
        await nextTask()
        if (items.includes(57)) controller.abort()
        return items
      },
      { batchSize: 10, concurrency: 2, signal: controller.signal },
    )
    expect([result.status, closed]).toEqual(['aborted', true])
    expect(result.stats.done + result.stats.aborted).toBe(result.results.length)
    expect(result.results.length).toBeLessThanOrEqual(80)
  })

  it('that throw end the run after the items before', async () => {
    const broken = new Error('disk')
    async function* source() {
      yield* [1, 2, 3]
      throw broken
    }
    const result = await processBatch(source(), doubled, { batchSize: 2 })
    expect(values(result)).toEqual([2, 4, 6])
    expect(result).toMatchObject({ status: 'partial', failed: [], errors: [{ code: 'ERR_HANDLER', cause: broken }] })
  })
})

describe('an abort', () => {
  it('does not make what was not done look fast', async () => {
    const controller = new AbortController()
    const clock = new ManualClock()
    const running = processBatch(
      numbers(100),
      async items => {
        await new Promise(resolve => clock.timer(clock.monotonic() + 1000, () => resolve(undefined)))
        return items
      },
      { clock, batchSize: 10, concurrency: 1, signal: controller.signal },
    )
    await clock.advanceAsync(1000)
    controller.abort()
    await clock.advanceAsync(1000)
    const { stats } = await running
    expect(stats).toMatchObject({ total: 100, durationMs: 1000 })
    expect(stats.itemsPerSecond).toBe(stats.done)
    expect(stats.done).toBeLessThan(20)
  })

  it('before the start rejects every item and calls nothing', async () => {
    const { calls, handler } = byHand()
    const result = await processBatch(numbers(3), handler, { signal: AbortSignal.abort('why') })
    expect([calls.length, result.status, codes(result)]).toEqual([0, 'aborted', ['ERR_ABORTED', 'ERR_ABORTED', 'ERR_ABORTED']])
    expect(result.failed.map(({ item, error }) => [item, (error as Error).cause, (error as { started?: boolean }).started])).toEqual([
      [0, 'why', false],
      [1, 'why', false],
      [2, 'why', false],
    ])
  })

  it('waits for no handler, and keeps the answers that come at once', async () => {
    const controller = new AbortController()
    const { calls, handler } = byHand()
    const run = processBatch(numbers(8), handler, { batchSize: 2, concurrency: 3, signal: controller.signal, clock: new ManualClock() })
    calls[0]?.answer([0, 0])
    await nextTask()
    calls[1]?.signal.addEventListener('abort', () => calls[1]?.answer([11, 11]))
    calls[2]?.signal.addEventListener('abort', () => calls[2]?.fail(new Error('stopped')))
    controller.abort()
    const result = await run
    expect(values(result)).toEqual([0, 0, 11, 11, ...Array(4).fill(undefined)])
    expect(result.failed.map(({ index, error }) => [index, (error as { started?: boolean }).started])).toEqual([
      [4, true],
      [5, true],
      [6, true],
      [7, true],
    ])
    expect(result).toMatchObject({ status: 'aborted', stats: { done: 4, aborted: 4, failed: 0, calls: 4 } })
    expect(calls[3]?.signal.aborted).toBe(true)
    calls[3]?.answer([1, 1])
  })

  it('ends a pause before a retry', async () => {
    const clock = new ManualClock()
    const controller = new AbortController()
    const run = processBatch(
      [1],
      () => {
        throw new Error('busy')
      },
      { maxRetries: 3, initialDelay: '1m', clock, signal: controller.signal },
    )
    controller.abort()
    expect(await run).toMatchObject({ status: 'aborted', stats: { aborted: 1, calls: 1 } })
    expect(clock.timers).toBe(0)
  })

  it('by the handler itself, in the same turn, is heard', async () => {
    const controller = new AbortController()
    const result = await processBatch(
      numbers(6),
      items => {
        controller.abort()
        return items
      },
      { batchSize: 2, concurrency: 1, signal: controller.signal },
    )
    expect(result).toMatchObject({ status: 'aborted', stats: { done: 2, aborted: 4, calls: 1 } })
  })
})

describe('progress', () => {
  it('is told no more often than asked, and at the end exactly', async () => {
    const clock = new ManualClock()
    const told: BatchProgress[] = []
    const run = processBatch(
      numbers(10),
      async items => {
        await new Promise<void>(resolve => void clock.timer(clock.monotonic() + 30, resolve))
        return items
      },
      { batchSize: 1, concurrency: 1, progressInterval: 100, onProgress: progress => told.push(progress), clock },
    )
    await clock.advanceAsync(1000)
    await run
    expect(told.map(({ done }) => done)).toEqual([1, 4, 7, 10])
    expect(told[0]).toEqual({
      done: 1,
      failed: 0,
      skipped: 0,
      total: 10,
      batches: 1,
      batchSize: 1,
      rate: 1000 / 30,
      remainingMs: expect.closeTo(270, 6),
    })
    expect(told.at(-1)).toMatchObject({ total: 10, remainingMs: 0 })
    expect(clock.timers).toBe(0)
  })

  it('knows the time left of an iterable whose length is told, and leaves out what is passed over', async () => {
    const clock = new ManualClock()
    const told: BatchProgress[] = []
    const run = processBatch(
      new Set(numbers(10)),
      async items => {
        await new Promise<void>(resolve => void clock.timer(clock.monotonic() + 100, resolve))
        return items
      },
      {
        batchSize: 1,
        concurrency: 1,
        total: 12,
        resume: { shelflife: 'batch', version: 1, by: 'index', settled: [0, 4], failed: [], forgotten: 0 },
        progressInterval: 0,
        onProgress: progress => told.push(progress),
        clock,
      },
    )
    await clock.advanceAsync(1000)
    const { stats } = await run
    expect(told[0]).toMatchObject({ done: 1, skipped: 4, total: 12, rate: 10, remainingMs: 700 })
    // It had fewer.
    expect(told.at(-1)).toMatchObject({ done: 6, skipped: 4, total: 10, remainingMs: 0 })
    expect(stats).toMatchObject({ total: 10, done: 6, skipped: 4 })
  })

  it('may be told at the beginning and the end only', async () => {
    const told: number[] = []
    await processBatch(numbers(6), doubled, {
      batchSize: 1,
      progressInterval: Number.POSITIVE_INFINITY,
      onProgress: ({ done }) => told.push(done),
    })
    expect(told).toEqual([1, 6])
  })

  it('that throws does not break the run, and is said', async () => {
    let calls = 0
    const onProgress = () => {
      calls += 1
      throw new TypeError('view')
    }
    const result = await processBatch(numbers(6), doubled, { batchSize: 1, progressInterval: 0, onProgress })
    expect(result).toMatchObject({ status: 'ok', errors: [{ code: 'ERR_HANDLER', cause: expect.any(TypeError) }] })
    expect(calls).toBe(1)
  })
})

describe('the event loop', () => {
  it.each([
    ['at once', (items: number[]) => items],
    ['without a turn of it', async (items: number[]) => items],
  ])('has a turn every 10 ms, also where handlers answer %s', async (_, answer) => {
    const clock = new ManualClock()
    const controller = new AbortController()
    void nextTask().then(() => controller.abort())
    const work = (items: number[]) => {
      clock.advance(2)
      return answer(items)
    }
    const { status, stats } = await processBatch(numbers(1000), work, { batchSize: 1, concurrency: 2, clock, signal: controller.signal })
    expect(status).toBe('aborted')
    expect(stats.calls).toBeGreaterThan(4)
    expect(stats.calls).toBeLessThan(9)
  })
})

describe('failures', () => {
  it('are told as they come, but not what an abort leaves; who throws is not told again', async () => {
    const controller = new AbortController()
    const told: number[] = []
    const onFailure = ({ index, item }: { index: number; item: number }) => {
      expect(index).toBe(item)
      told.push(index)
      if (told.length === 2) throw new Error('full')
    }
    const handler = async (items: number[]) => {
      await nextTask()
      if (items.includes(8)) controller.abort()
      return items.map(item => (item % 3 === 1 ? new Error('no') : item))
    }
    const options = { batchSize: 2, concurrency: 1, results: 'failures' as const, maxFailures: 3, signal: controller.signal }
    const result = await processBatch(numbers(20), handler, { ...options, onFailure })
    expect(told).toEqual([1, 4])
    expect(result.failed.map(({ index }) => index)).toEqual([1, 4, 7])
    expect(result).toMatchObject({ status: 'aborted', results: [], stats: { total: 20, done: 7, failed: 3, aborted: 10 } })
    expect(result.errors).toMatchObject([{ code: 'ERR_HANDLER', cause: { message: 'full' } }])
  })

  it('may abort the run', async () => {
    const controller = new AbortController()
    const fail = (items: number[]) => items.map(() => new Error('no'))
    const result = await processBatch(numbers(9), fail, { batchSize: 3, signal: controller.signal, onFailure: () => controller.abort() })
    expect(result).toMatchObject({ status: 'aborted', stats: { failed: 3, aborted: 6, calls: 1 } })
  })
})

describe('a trap of the core', () => {
  it('rejects what is not settled, and loses no result', async () => {
    const { calls, handler } = byHand()
    const run = processBatch(numbers(6), handler, { batchSize: 2, concurrency: 2, clock: new ManualClock() })
    calls[0]?.answer([0, 10])
    await nextTask()
    expect(() => plantTrap()).toThrow('trapped')
    calls[1]?.answer([20, 30])
    const result = await run
    expect(values(result)).toEqual([0, 10, 20, 30, undefined, undefined])
    expect([result.status, ...codes(result)]).toEqual(['partial', 'ERR_CORE_TRAPPED', 'ERR_CORE_TRAPPED'])
    expect(result.stats).toMatchObject({ done: 4, failed: 2, total: 6 })
    expect(calls[2]?.signal.aborted).toBe(true)
    expect(await processBatch([1], doubled)).toMatchObject({ status: 'ok' })
  })
})

describe('metrics', () => {
  it('count items by outcome and time each call', async () => {
    const metrics = createRegistry()
    const clock = new ManualClock()
    const run = processBatch(numbers(5), items => items.map(item => (item === 3 ? new Error('no') : item)), {
      batchSize: 2,
      metrics,
      clock,
      name: 'import',
    })
    await run
    const text = await metrics.metrics()
    expect(text).toContain('batch_items_total{batch="import",outcome="ok"} 4\n')
    expect(text).toContain('batch_items_total{batch="import",outcome="failed"} 1\n')
    expect(text).toContain('batch_size_sum{batch="import"} 5\n')
    expect(text).toContain('batch_duration_seconds_count{batch="import"} 3\n')
  })
})

describe('bad arguments', () => {
  it.each<[string, unknown, unknown, object | undefined]>([
    ['items', 5, doubled, {}],
    ['items', undefined, doubled, {}],
    ['handler', [], 'x', {}],
    ['batchSize', [], doubled, { batchSize: 0 }],
    ['batchSize', [], doubled, { batchSize: Number.NaN }],
    ['concurrency', [], doubled, { concurrency: -1 }],
    ['maxRetries', [], doubled, { maxRetries: 1.5 }],
    ['timeout', [], doubled, { timeout: 0 }],
    ['initialDelay', [], doubled, { initialDelay: 'soon' }],
    ['signal', [], doubled, { signal: {} }],
    ['onProgress', [], doubled, { onProgress: 1 }],
    ['onFailure', [], doubled, { onFailure: 1 }],
    ['onCheckpoint', [], doubled, { onCheckpoint: {} }],
    ['key', [], doubled, { key: 'id' }],
    ['results', [], doubled, { results: 'some' }],
    ['maxFailures', [], doubled, { results: 'failures', maxFailures: -1 }],
    ['retryFailed', [], doubled, { retryFailed: 1 }],
    ['total', [], doubled, { total: -1 }],
    ['module', [], {}, {}],
  ])('%s %j is a typed error', async (name, items, handler, options) => {
    await expect(processBatch(items as number[], handler as never, options as never)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining(name),
    })
  })
})

describe('a batch size that is learned', () => {
  /** A service that takes `curve(items)` milliseconds, on the test's clock. */
  async function sizesOf(curve: (size: number) => number, options: BatchOptions, items = 4000) {
    const clock = new ManualClock()
    const sizes: number[] = []
    const run = processBatch(
      numbers(items),
      async batch => {
        sizes.push(batch.length)
        await new Promise<void>(resolve => void clock.timer(clock.monotonic() + curve(batch.length), resolve))
        return doubled(batch)
      },
      { ...options, clock, concurrency: 2 },
    )
    let settled = false
    void run.then(() => {
      settled = true
    })
    while (!settled) await clock.advanceAsync(20)
    const result = await run
    expect(values(result)).toEqual(numbers(items).map(n => n * 2))
    return sizes
  }

  it('grows where each call costs much and an item little', async () => {
    const sizes = await sizesOf(size => 20 + 0.1 * size, { batchSize: 'auto' })
    expect(sizes[0]).toBe(1)
    expect(Math.max(...sizes)).toBeGreaterThan(500)
  })

  it('stays within its bounds and below its target', async () => {
    const sizes = await sizesOf(size => 20 + size, { batchSize: { min: 5, max: 400, targetLatency: 70 } })
    const most = sizes.toSorted((a, b) => a - b)[Math.floor(sizes.length * 0.8)] as number
    expect(Math.min(...sizes.slice(0, -1))).toBe(5)
    expect(most).toBeLessThanOrEqual(50)
    expect(most).toBeGreaterThan(20)
  })

  it('is told with the progress', async () => {
    const told: number[] = []
    await processBatch(numbers(50), doubled, {
      batchSize: { min: 4, max: 8 },
      progressInterval: 0,
      onProgress: ({ batchSize }) => told.push(batchSize),
    })
    expect(told[0]).toBe(4)
    expect(told.every(size => size >= 4 && size <= 8)).toBe(true)
  })

  it('finds poison all the same, in batches of any size', async () => {
    const result = await processBatch(
      numbers(500),
      items => {
        if (items.some(item => item % 97 === 13)) throw new Error('poison')
        return doubled(items)
      },
      { batchSize: 'auto', concurrency: 3 },
    )
    expect(result.failed.map(({ index }) => index)).toEqual([13, 110, 207, 304, 401, 498])
    expect(values(result).filter(value => value !== undefined).length).toBe(494)
  })

  it.each([{ min: 0 }, { min: 10, max: 5 }, { targetLatency: 0 }, 'big'])('refuses bounds that cannot be meant: %j', async batchSize => {
    await expect(processBatch(numbers(1), doubled, { batchSize: batchSize as never })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
    })
  })
})

it('refuses what looks like an iterable and is none', async () => {
  await expect(processBatch({ [Symbol.iterator]: 5 } as never, (items: number[]) => items)).rejects.toMatchObject({
    code: 'ERR_INVALID_ARGUMENT',
  })
})
