import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { processBatch } from '../../../js/batch/process.ts'
import { MOST_KEYS, MOST_RANGES } from '../../../js/batch/resume.ts'
import type { BatchOptions, ResumeToken } from '../../../js/batch/types.ts'
import { nextTask } from '../../../js/next-task.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at)
const stored = (token: ResumeToken | undefined) => (token === undefined ? undefined : (JSON.parse(JSON.stringify(token)) as ResumeToken))
const shapes = ['array', 'iterable', 'async'] as const

function shaped<T>(shape: (typeof shapes)[number], items: T[]): Iterable<T> | AsyncIterable<T> {
  if (shape === 'array') return items
  if (shape === 'iterable') return items.values()
  return (async function* () {
    yield* items
  })()
}

describe('a token', () => {
  it.each(shapes)('lets a run over an %s go on where an aborted one ended', async shape => {
    const controller = new AbortController()
    const first = await processBatch(
      shaped(shape, numbers(20)),
      items => {
        if (items.includes(9)) controller.abort()
        return items
      },
      { batchSize: 5, concurrency: 1, signal: controller.signal },
    )
    expect(first.token).toEqual({ shelflife: 'batch', version: 1, by: 'index', settled: [0, 10], failed: [], forgotten: 0 })
    const seen: [number[], readonly number[]][] = []
    const second = await processBatch(
      shaped(shape, numbers(20)),
      (items, { indexes }) => {
        seen.push([items, indexes])
        return items.map(item => (item === 17 ? new Error('17') : item))
      },
      { batchSize: 5, resume: stored(first.token) },
    )
    expect(seen.flatMap(([items]) => items)).toEqual(numbers(20).slice(10))
    expect(seen.every(([items, indexes]) => String(items) === String(indexes))).toBe(true)
    expect(second).toMatchObject({ status: 'partial', failed: [{ index: 17, item: 17 }], stats: { total: 20, done: 9, skipped: 10 } })
    expect(second.results.length).toBe(10)
    expect(second.token).toMatchObject({ settled: [0, 20], failed: [17, 18] })
  })

  it.each([
    [true, [17]],
    [false, []],
  ])('has failures processed again as it is told (%s)', async (retryFailed, expected) => {
    const token = stored({ shelflife: 'batch', version: 1, by: 'index', settled: [0, 20], failed: [17, 18], forgotten: 0 })
    const seen: number[] = []
    const handler = (items: number[]) => {
      seen.push(...items)
      return items
    }
    const result = await processBatch(numbers(20), handler, { resume: token, retryFailed })
    expect(seen).toEqual(expected)
    expect(result.token).toMatchObject({ settled: [0, 20], failed: retryFailed ? [] : [17, 18] })
  })

  it('is as short for many items as for few', async () => {
    const { token } = await processBatch(numbers(100_000), items => items, { results: 'none' })
    expect(JSON.stringify(token).length).toBeLessThan(100)
  })

  it('does rather too much again than too little where every other item fails', async () => {
    const count = 8 * MOST_RANGES
    const fail = (items: number[]) => items.map(item => (item % 2 ? new Error('odd') : item))
    const { token } = await processBatch(numbers(count), fail, { results: 'none', batchSize: 1000 })
    expect(token.failed.length).toBeLessThanOrEqual(2 * MOST_RANGES)
    const seen = new Set<number>()
    const again = (items: number[]) => {
      for (const item of items) seen.add(item)
      return items
    }
    await processBatch(numbers(count), again, { resume: stored(token), results: 'none' })
    expect(numbers(count).filter(item => item % 2 && !seen.has(item))).toEqual([])
  })

  it('by key stays true when others come between, and knows so many keys', async () => {
    const key = (item: { id: string }) => item.id
    const item = (id: number) => ({ id: `id ${id}` })
    const first = await processBatch(numbers(4).map(item), items => items.map((_, at) => (at === 2 ? new Error('2') : at)), { key })
    expect(first.token).toMatchObject({ by: 'key', settled: ['id 0', 'id 1', 'id 2', 'id 3'], failed: ['id 2'] })
    const seen: string[] = []
    const handler = (items: { id: string }[]) => {
      seen.push(...items.map(key))
      return items
    }
    const second = await processBatch([9, 3, 2, 8, 1].map(item), handler, { key, resume: stored(first.token) })
    expect([seen, second.stats.skipped]).toEqual([['id 9', 'id 2', 'id 8'], 2])
    expect(second.token).toMatchObject({ settled: ['id 0', 'id 1', 'id 3', 'id 9', 'id 2', 'id 8'], failed: [], forgotten: 0 })
    const many = await processBatch(numbers(MOST_KEYS + 5), items => items, { key: item => item, results: 'none', batchSize: 1000 })
    expect([many.token.settled.length, many.token.settled[0], many.token.forgotten]).toEqual([MOST_KEYS, 5, 5])
  })

  it.each<[string, unknown]>([
    ['none', 'token'],
    ['none', null],
    ['none', {}],
    ['version 2', { shelflife: 'batch', version: 2 }],
    ['by key', { shelflife: 'batch', version: 1, by: 'key', settled: [], failed: [], forgotten: 0 }],
    ['damaged', { shelflife: 'batch', version: 1, by: 'index', settled: [], failed: [], forgotten: -1 }],
    ['damaged', { shelflife: 'batch', version: 1, by: 'index', settled: [3, 1], failed: [], forgotten: 0 }],
    ['damaged', { shelflife: 'batch', version: 1, by: 'index', settled: [0, 1, 2], failed: [], forgotten: 0 }],
    ['damaged', { shelflife: 'batch', version: 1, by: 'index', settled: ['0', '1'], failed: [], forgotten: 0 }],
    ['damaged', { shelflife: 'batch', version: 1, by: 'index', settled: [0, 1], failed: 'all', forgotten: 0 }],
    ['11 items', { shelflife: 'batch', version: 1, by: 'index', settled: [0, 11], failed: [], forgotten: 0 }],
  ])('that is no good (%s) is refused before anything begins: %j', async (_, resume) => {
    let calls = 0
    const handler = (items: number[]) => {
      calls += 1
      return items
    }
    await expect(processBatch(numbers(10), handler, { resume: resume as ResumeToken })).rejects.toMatchObject({
      name: 'ResumeTokenError',
      code: 'ERR_RESUME_TOKEN',
    })
    expect(calls).toBe(0)
  })

  it('of many items leaves the event loop turns while they are passed over, so that the run can be aborted', async () => {
    const count = 100_000
    const { token } = await processBatch(numbers(count), items => items, { batchSize: count, results: 'none' })
    const controller = new AbortController()
    let read = 0
    const items = (function* () {
      for (; read < count; read += 1) yield read
    })()
    setImmediate(() => controller.abort())
    const { status } = await processBatch(items, () => [], { resume: stored(token), signal: controller.signal })
    expect(status).toBe('aborted')
    expect(read).toBeLessThan(count / 2)
    const whole = await processBatch(numbers(count).values(), () => [], { resume: stored(token) })
    expect([whole.status, whole.stats.skipped]).toEqual(['ok', count])
  })

  it('wants keys that can be kept', async () => {
    const result = await processBatch(numbers(3), items => items, { key: item => (item === 1 ? Number.NaN : item), batchSize: 1 })
    expect(result).toMatchObject({ status: 'partial', stats: { done: 1 }, errors: [{ code: 'ERR_INVALID_ARGUMENT' }] })
  })
})

describe('checkpoints', () => {
  it('are told no more often than asked, and at the end; the next when the one before is kept', async () => {
    const clock = new ManualClock()
    const told: { at: number; settled: unknown; kept: () => void }[] = []
    const run = processBatch(
      numbers(10),
      async items => {
        await new Promise<void>(resolve => void clock.timer(clock.monotonic() + 30, resolve))
        return items
      },
      {
        batchSize: 1,
        concurrency: 1,
        clock,
        checkpointInterval: 100,
        onCheckpoint: ({ settled }) => new Promise<void>(kept => told.push({ at: clock.monotonic(), settled, kept })),
      },
    )
    await clock.advanceAsync(150)
    expect(told.map(({ at, settled }) => [at, settled])).toEqual([[100, [0, 3]]])
    await clock.advanceAsync(150)
    expect(told.length).toBe(1)
    told[0]?.kept()
    await clock.advanceAsync(0)
    await nextTask()
    expect(told.map(({ settled }) => settled)).toEqual([
      [0, 3],
      [0, 10],
    ])
    let isOver = false
    void run.then(() => {
      isOver = true
    })
    await nextTask()
    expect(isOver).toBe(false)
    told[1]?.kept()
    expect((await run).token.settled).toEqual([0, 10])
    expect(clock.timers).toBe(0)
  })

  it.each(['throws', 'rejects'])('that a listener %s at are told again, and break nothing', async how => {
    let calls = 0
    const onCheckpoint = (): Promise<void> => {
      calls += 1
      if (how === 'throws') throw new TypeError('disk')
      return Promise.reject(new TypeError('disk'))
    }
    const result = await processBatch(numbers(4), async items => items, {
      batchSize: 1,
      concurrency: 1,
      checkpointInterval: 0,
      onCheckpoint,
    })
    expect(result).toMatchObject({ status: 'ok', errors: [{ code: 'ERR_HANDLER', cause: expect.any(TypeError) }] })
    expect(calls).toBeGreaterThan(1)
  })
})

/** A run that ends in some way, and the next which goes on. */
const ending = fc.record({
  kind: fc.constantFrom('abort' as const, 'crash' as const),
  after: fc.nat({ max: 120 }),
})

it('over runs that are aborted or die at any moment each item is acknowledged exactly once, and begun again only where it was in the air or had failed', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 60 }),
      fc.constantFrom(...shapes),
      fc.boolean(),
      fc.record({ batchSize: fc.integer({ min: 1, max: 8 }), concurrency: fc.integer({ min: 1, max: 4 }) }),
      fc.array(ending, { maxLength: 6 }),
      fc.uniqueArray(fc.nat({ max: 59 }), { maxLength: 6 }),
      fc.infiniteStream(fc.nat({ max: 3 })),
      async (count, shape, byKey, options, endings, bad, delays) => {
        /** Which items failed the first time, and succeed the second. */
        const failing = new Set(bad)
        const acknowledged = new Map<number, number>()
        const begun = new Map<number, number>()
        let token: ResumeToken | undefined
        let redone = 0
        for (const end of [...endings, undefined]) {
          const clock = new ManualClock()
          const controller = new AbortController()
          let isDead = false
          let checkpoint = token
          const settings: BatchOptions<number> = {
            ...options,
            clock,
            signal: controller.signal,
            resume: stored(token),
            checkpointInterval: 20,
            onCheckpoint: told => {
              if (!isDead) checkpoint = stored(told)
            },
            ...(byKey && { key: item => item * 3 }),
          }
          const before = new Map(begun)
          let result: Awaited<ReturnType<typeof processBatch<number, number>>> | undefined
          const run = processBatch(
            shaped(shape, numbers(count)),
            async (items, { indexes }) => {
              if (isDead) return items
              expect(items).toEqual(indexes)
              for (const item of items) begun.set(item, (begun.get(item) ?? 0) + 1)
              const delay = delays.next().value as number
              await new Promise<void>(resolve => void clock.timer(clock.monotonic() + delay * 7, resolve))
              return items.map(item => (failing.delete(item) && !isDead ? new Error('not yet') : item))
            },
            settings,
          ).then(ended => {
            result = ended
          })
          if (end === undefined) for (let turn = 0; result === undefined && turn < 500; turn += 1) await clock.advanceAsync(10)
          else await clock.advanceAsync(end.after)
          if (end?.kind === 'crash' && result === undefined) {
            // What the process knew is gone, but for what the caller has kept.
            isDead = true
            const kept = new Set(expand(checkpoint, byKey))
            for (const [item, times] of begun) if (times > (before.get(item) ?? 0) && !kept.has(item)) redone += 1
            acknowledge(acknowledged, expand(checkpoint, byKey))
            token = checkpoint
            controller.abort()
            await run
            continue
          }
          controller.abort()
          await run
          token = result?.token
          acknowledge(acknowledged, expand(token, byKey))
          const done = new Set(expand(token, byKey))
          for (const [item, times] of begun) if (times > (before.get(item) ?? 0) && !done.has(item)) redone += 1
        }
        // Those that failed in the last run are processed once more.
        const last = await processBatch(numbers(count), items => items.map(item => item), {
          resume: stored(token),
          ...(byKey && { key: (item: number) => item * 3 }),
        })
        acknowledge(acknowledged, expand(last.token, byKey))
        expect([...acknowledged.keys()].sort((a, b) => a - b)).toEqual(numbers(count))
        expect([...acknowledged.values()].every(times => times === 1)).toBe(true)
        const extra = [...begun.values()].reduce((sum, times) => sum + times - 1, 0)
        expect(extra).toBeLessThanOrEqual(redone)
      },
    ),
    { numRuns: 400 },
  )
})

/** Counts an item once for each time that it becomes settled. */
function acknowledge(acknowledged: Map<number, number>, items: number[]): void {
  const now = new Set(items)
  for (const item of acknowledged.keys()) if (!now.has(item)) acknowledged.set(item, Number.POSITIVE_INFINITY)
  for (const item of now) if (!acknowledged.has(item)) acknowledged.set(item, 1)
}

/** The items that succeeded, as the token says. */
function expand(token: ResumeToken | undefined, byKey: boolean): number[] {
  if (token === undefined) return []
  const failed = new Set(expandFailed(token, byKey))
  return listed(token.settled as readonly number[], byKey).filter(item => !failed.has(item))
}

function expandFailed(token: ResumeToken | undefined, byKey: boolean): number[] {
  return token === undefined ? [] : listed(token.failed as readonly number[], byKey)
}

function listed(form: readonly number[], byKey: boolean): number[] {
  if (byKey) return form.map(key => key / 3)
  return form.flatMap((from, at) => (at % 2 ? [] : numbers((form[at + 1] as number) - from).map(offset => from + offset)))
}
