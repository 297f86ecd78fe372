import fc from 'fast-check'
import { expect, it } from 'vitest'
import { processBatch } from '../../../js/batch/process.ts'
import type { BatchOptions } from '../../../js/batch/types.ts'
import type { ShelflifeError } from '../../../js/errors.ts'
import { nextTask } from '../../../js/next-task.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'

/** How one item behaves: it succeeds, is answered by an error, or breaks each batch it is in, the first `times` times. */
type Nature = { kind: 'good' } | { kind: 'error' } | { kind: 'poison'; times: number }

const nature: fc.Arbitrary<Nature> = fc.oneof(
  { weight: 8, arbitrary: fc.constant({ kind: 'good' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'error' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('poison' as const), times: fc.constantFrom(1, 2, Number.POSITIVE_INFINITY) }) },
)
const options = fc.record({
  batchSize: fc.integer({ min: 1, max: 20 }),
  concurrency: fc.integer({ min: 1, max: 5 }),
  maxRetries: fc.nat({ max: 2 }),
  initialDelay: fc.nat({ max: 20 }),
})
const shape = fc.constantFrom('array', 'iterable', 'async')

function shaped(shape: string, count: number): Iterable<number> | AsyncIterable<number> {
  const all = Array.from({ length: count }, (_, at) => at)
  if (shape === 'array') return all
  if (shape === 'iterable') return new Set(all)
  return (async function* () {
    yield* all
  })()
}

/** Moves the clock until the run is over. */
async function finished<T>(run: Promise<T>, clock: ManualClock): Promise<T> {
  let over = false
  const done = run.finally(() => {
    over = true
  })
  for (let turn = 0; !over && turn < 5000; turn += 1) await clock.advanceAsync(10)
  return done
}

it('every item settles once, as its nature says', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(nature, { maxLength: 80 }),
      options,
      shape,
      fc.infiniteStream(fc.nat({ max: 3 })),
      async (natures, options, shape, delays) => {
        const clock = new ManualClock()
        const thrown = new Map<number, number>()
        const inFlight = new Set<number>()
        let widest = 0
        const run = processBatch(
          shaped(shape, natures.length),
          async (items, { indexes }) => {
            expect(items).toEqual(indexes)
            expect(items.some(item => inFlight.has(item))).toBe(false)
            for (const item of items) inFlight.add(item)
            widest = Math.max(widest, inFlight.size)
            const delay = delays.next().value as number
            if (delay > 0) await new Promise<void>(resolve => void clock.timer(clock.monotonic() + delay * 5, resolve))
            for (const item of items) inFlight.delete(item)
            for (const item of items) {
              const one = natures[item]
              const times = thrown.get(item) ?? 0
              if (one?.kind === 'poison' && times < one.times) {
                thrown.set(item, times + 1)
                throw new Error(`poison ${item}`)
              }
            }
            return items.map(item => (natures[item]?.kind === 'error' ? new Error(`error ${item}`) : item * 2))
          },
          { ...options, clock },
        )
        const { status, results, failed, stats, errors } = await finished(run, clock)
        expect(widest).toBeLessThanOrEqual(options.batchSize * options.concurrency)
        expect([results.length, errors.length, clock.timers]).toEqual([natures.length, 0, 0])
        natures.forEach((one, index) => {
          const result = results[index]
          if (one.kind === 'good') expect(result).toEqual({ status: 'fulfilled', value: index * 2 })
          else if (one.kind === 'error') expect(result).toMatchObject({ status: 'rejected', reason: { message: `error ${index}` } })
          else if (one.times === Number.POSITIVE_INFINITY)
            expect(result).toMatchObject({
              status: 'rejected',
              reason: { code: 'ERR_HANDLER', message: `the handler threw: poison ${index}` },
            })
          // One that is poison for a while fails only if that outlasts its tries.
          else if (result?.status === 'rejected') expect(options.maxRetries).toBeLessThan(one.times)
        })
        expect(failed.map(({ index }) => index)).toEqual(results.flatMap((result, index) => (result.status === 'rejected' ? [index] : [])))
        expect(stats.done + stats.failed).toBe(stats.total)
        expect(status).toBe(failed.length === 0 ? 'ok' : failed.length === results.length ? 'failed' : 'partial')
        const poison = natures.filter(one => one.kind === 'poison').length
        const whole = Math.ceil(natures.length / options.batchSize)
        const levels = Math.ceil(Math.log2(options.batchSize))
        expect(stats.calls).toBeLessThanOrEqual(whole + poison * (2 * levels + 2 * options.maxRetries))
      },
    ),
    { numRuns: 500 },
  )
})

it('every item of a slow source comes, whatever becomes of the size of batches meanwhile', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 300 }),
      fc.constantFrom<NonNullable<BatchOptions['batchSize']>[]>(7, 20, 'auto', { min: 3, max: 50 }, { max: 40, targetLatency: 10 }),
      fc.integer({ min: 1, max: 4 }),
      fc.infiniteStream(fc.nat({ max: 9 })),
      async (count, batchSize, concurrency, delays) => {
        const clock = new ManualClock()
        const pause = () => new Promise<void>(resolve => void clock.timer(clock.monotonic() + (delays.next().value as number), resolve))
        async function* source() {
          for (let item = 0; item < count; item += 1) {
            if ((delays.next().value as number) < 3) await pause()
            yield item
          }
        }
        const run = processBatch(
          source(),
          async items => {
            await pause()
            if (items.length > 1 && (delays.next().value as number) === 0) throw new Error('in halves')
            return items
          },
          { batchSize, concurrency, clock },
        )
        const { status, results } = await finished(run, clock)
        expect([status, results.length]).toEqual(['ok', count])
        expect(results.every((result, index) => result.status === 'fulfilled' && result.value === index)).toBe(true)
      },
    ),
    { numRuns: 200 },
  )
})

it('an abort at any moment ends the run at once and settles every item', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 60 }),
      options,
      shape,
      fc.nat({ max: 200 }),
      fc.boolean(),
      async (count, options, shape, when, heeds) => {
        const clock = new ManualClock()
        const controller = new AbortController()
        const run = processBatch(
          shaped(shape, count),
          async (items, { signal, attempt }) => {
            await new Promise<void>(resolve => {
              clock.timer(clock.monotonic() + 10, resolve)
              if (heeds) signal.addEventListener('abort', () => resolve())
            })
            if (attempt === 1 && items.length > 1 && items.includes(3)) throw new Error('first')
            return items
          },
          { ...options, clock, signal: controller.signal },
        )
        await clock.advanceAsync(when)
        controller.abort('enough')
        await nextTask()
        await nextTask()
        const { status, results, failed, stats } = await run
        if (status !== 'aborted') expect(stats.done).toBe(count)
        for (const result of results) if (result.status === 'rejected') expect((result.reason as ShelflifeError).code).toBe('ERR_ABORTED')
        expect(stats.done + stats.aborted).toBe(results.length)
        expect(failed.length).toBe(stats.aborted)
        expect(failed.every(({ index, item }) => index === item)).toBe(true)
        if (shape === 'array') expect(results.length).toBe(count)
      },
    ),
    { numRuns: 500 },
  )
})
