import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { processBatch } from '../../../js/batch/process.ts'
import { transfer, transferablesIn, untransferred } from '../../../js/batch/workers/transfer.ts'
import { decodeError, encodeError } from '../../../js/batch/workers/wire-error.ts'
import { ShelflifeError, TimeoutError } from '../../../js/errors.ts'
import { nextTask } from '../../../js/next-task.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'
import { createWorkers } from '../../../js/workers.ts'

interface Message {
  kind: 'hello' | 'batch' | 'abort'
  id: number
  items: number[]
  attempt: number
}

/** A worker whose thread is the test: it hears, and says what it is told to. */
class Thread {
  readonly heard: Message[] = []
  readonly #listeners = new Map<string, ((value: unknown) => void)[]>()
  isHeld = true
  isEnded = false
  #act: (message: Message, thread: Thread) => void

  constructor(act: (message: Message, thread: Thread) => void = () => undefined) {
    this.#act = act
  }

  on(event: string, listener: (value: unknown) => void) {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener])
  }

  postMessage(data: unknown) {
    const message = structuredClone(data as { shelflife: Message }).shelflife
    this.heard.push(message)
    this.#act(message, this)
  }

  emit(event: string, value: unknown) {
    for (const listener of this.#listeners.get(event) ?? []) listener(value)
  }

  say(message: object) {
    if (!this.isEnded) this.emit('message', { shelflife: message })
  }

  answer({ id, items }: Message) {
    this.say({ kind: 'answer', id, results: items.map(item => item * 2), errors: [] })
  }

  terminate() {
    this.isEnded = true
    this.emit('exit', 1)
  }

  ref() {
    this.isHeld = true
  }

  unref() {
    this.isHeld = false
  }
}

/** Makers of threads, which are kept. */
function threads(act?: (message: Message, thread: Thread) => void) {
  const made: Thread[] = []
  const module = () => {
    const thread = new Thread(act)
    made.push(thread)
    return thread
  }
  return { made, module }
}

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at)
const batchesOf = (thread: Thread | undefined) => (thread?.heard ?? []).filter(({ kind }) => kind === 'batch')

describe('a pool of workers', () => {
  it('starts them when they are needed, gives each one batch at a time, and holds those at work', async () => {
    const { made, module } = threads()
    await using pool = createWorkers<number, number>({ module, workers: 3 })
    expect(made.length).toBe(0)
    const run = processBatch(numbers(8), pool.handler, { batchSize: 2, concurrency: 2, clock: new ManualClock() })
    await nextTask()
    expect(made.length).toBe(2)
    // Ready is said by the worker itself, and again when it is asked.
    for (const thread of made) thread.say({ kind: 'ready' })
    for (const thread of made) thread.say({ kind: 'ready' })
    expect(made.map(thread => [batchesOf(thread).length, thread.isHeld])).toEqual([
      [1, true],
      [1, true],
    ])
    for (let turn = 0; turn < 2; turn += 1) {
      for (const thread of made) thread.answer(batchesOf(thread)[turn] as Message)
      await nextTask()
    }
    const { results } = await run
    expect(results.map(result => 'value' in result && result.value)).toEqual(numbers(8).map(n => n * 2))
    expect(made.map(({ isHeld, isEnded }) => [isHeld, isEnded])).toEqual([
      [false, false],
      [false, false],
    ])
    await pool.close()
    expect(made.every(({ isEnded }) => isEnded)).toBe(true)
  })

  it('ignores what is none of its business: other messages, old answers, a second end', async () => {
    const { made, module } = threads()
    await using pool = createWorkers<number, number>({ module, workers: 1 })
    const run = processBatch([1], pool.handler, { clock: new ManualClock() })
    await nextTask()
    const [thread] = made as [Thread]
    thread.emit('message', 'log')
    thread.emit('message', { shelflife: { kind: 5 } })
    thread.say({ kind: 'ready' })
    thread.say({ kind: 'answer', id: 99, results: [7], errors: [] })
    thread.answer(batchesOf(thread)[0] as Message)
    thread.answer(batchesOf(thread)[0] as Message)
    expect((await run).results).toEqual([{ status: 'fulfilled', value: 2 }])
    thread.emit('error', new Error('late'))
    thread.emit('exit', 1)
    expect(pool.stats()).toMatchObject({ workers: 0, started: 1, crashed: 1, answered: 1 })
  })

  it('waits as long as it was told for a batch that is aborted, then ends the worker', async () => {
    const clock = new ManualClock()
    const { made, module } = threads((message, thread) => {
      if (message.kind === 'hello') thread.say({ kind: 'ready' })
    })
    await using pool = createWorkers<number, number>({ module, workers: 1, abortGrace: 200, clock })
    const run = processBatch([1], pool.handler, { timeout: 1000, maxRetries: 2, initialDelay: 0, clock })
    await nextTask()
    await clock.advanceAsync(1000)
    const [first] = made as [Thread]
    expect(first.heard.at(-1)).toMatchObject({ kind: 'abort', reason: { name: 'TimeoutError', fields: { code: 'ERR_TIMEOUT' } } })
    // Within its grace it comes back, and gets what waits.
    await clock.advanceAsync(199)
    expect(pool.stats()).toMatchObject({ busy: 1, waiting: 1 })
    first.say({ kind: 'threw', id: batchesOf(first)[0]?.id, error: { value: 'stopped' } })
    await nextTask()
    expect(batchesOf(first).map(({ attempt }) => attempt)).toEqual([1, 2])
    await clock.advanceAsync(1000)
    expect(first.isEnded).toBe(false)
    await clock.advanceAsync(200)
    expect([first.isEnded, made.length]).toEqual([true, 2])
    made[1]?.answer(batchesOf(made[1])[0] as Message)
    expect((await run).status).toBe('ok')
    expect(pool.stats()).toMatchObject({ started: 2, ended: 1, crashed: 0 })
    expect(clock.timers).toBe(0)
  })

  it('counts crashes in a row only', async () => {
    const crashing = new Set([3, 7, 11, 15])
    const { module } = threads((message, thread) => {
      if (message.kind === 'hello') thread.say({ kind: 'ready' })
      if (message.kind !== 'batch') return
      if (message.items.some(item => crashing.has(item))) thread.terminate()
      else thread.answer(message)
    })
    const run = (maxRestarts: number) => processBatch(numbers(20), { module, workers: 1, batchSize: 1, maxRestarts })
    expect(await run(1)).toMatchObject({ status: 'partial', stats: { done: 16, failed: 4 }, errors: [] })
    const none = await run(0)
    expect(none).toMatchObject({ status: 'partial', stats: { done: 3, failed: 17 }, errors: [{ code: 'ERR_WORKER_UNAVAILABLE' }] })
    expect(none.token.settled).toEqual([0, 4])
  })

  it('gives up workers that do not say that they are ready', async () => {
    const clock = new ManualClock()
    const { made, module } = threads()
    const run = processBatch([1, 2], { module, workers: 2, batchSize: 1, clock })
    await nextTask()
    await clock.advanceAsync(29_999)
    expect(made.map(({ isEnded }) => isEnded)).toEqual([false, false])
    await clock.advanceAsync(1)
    expect(await run).toMatchObject({ status: 'failed', errors: [{ code: 'ERR_WORKER_UNAVAILABLE' }] })
    expect([made.length, made.every(({ isEnded }) => isEnded), clock.timers]).toEqual([2, true, 0])
  })

  it('that cannot be made fails the run, and says why', async () => {
    const module = () => {
      throw new TypeError('no threads today')
    }
    expect(await processBatch([1, 2], { module, workers: 2 })).toMatchObject({
      status: 'failed',
      errors: [{ name: 'WorkerUnavailableError', code: 'ERR_WORKER_UNAVAILABLE', cause: { message: 'no threads today' } }],
    })
  })

  it('settles every item once and as it should be, whatever its workers do', async () => {
    const deed = fc.constantFrom('answer', 'answer', 'answer', 'throw', 'crash', 'stall', 'late')
    await fc.assert(
      fc.asyncProperty(
        fc.array(deed, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 3 }),
        fc.record({ batchSize: fc.integer({ min: 1, max: 5 }), concurrency: fc.integer({ min: 1, max: 6 }), maxRetries: fc.nat(2) }),
        fc.nat(80),
        async (deeds, workers, options, abortAt) => {
          const clock = new ManualClock()
          const controller = new AbortController()
          let next = 0
          let open = 0
          let widest = 0
          const { made, module } = threads((message, thread) => {
            if (message.kind === 'hello') void Promise.resolve().then(() => thread.say({ kind: 'ready' }))
            if (message.kind !== 'batch') return
            open = made.filter(({ isEnded }) => !isEnded).length
            widest = Math.max(widest, open)
            const deed = deeds[next++ % deeds.length]
            if (deed === 'answer') void Promise.resolve().then(() => thread.answer(message))
            else if (deed === 'throw')
              void Promise.resolve().then(() => thread.say({ kind: 'threw', id: message.id, error: { value: 'no' } }))
            else if (deed === 'crash') void Promise.resolve().then(() => thread.terminate())
            else if (deed === 'late') clock.timer(clock.monotonic() + 60, () => thread.answer(message))
          })
          const aborts = abortAt > 60
          if (aborts) clock.timer(abortAt - 50, () => controller.abort())
          let isOver = false
          const run = processBatch(numbers(30), {
            ...options,
            module,
            workers,
            clock,
            timeout: 50,
            abortGrace: 20,
            initialDelay: 1,
            signal: controller.signal,
          }).finally(() => {
            isOver = true
          })
          for (let turn = 0; !isOver && turn < 2000; turn += 1) await clock.advanceAsync(10)
          const { status, results, failed, stats } = await run
          expect(results.length).toBe(30)
          results.forEach((result, at) => {
            if (result.status === 'fulfilled') expect(result.value).toBe(at * 2)
          })
          expect(stats.done + stats.failed + stats.aborted).toBe(30)
          expect(failed.length).toBe(stats.failed + stats.aborted)
          if (!aborts) expect(status).not.toBe('aborted')
          expect(widest).toBeLessThanOrEqual(workers)
          expect(made.every(({ isEnded }) => isEnded)).toBe(true)
          expect(clock.heldTimers).toBe(0)
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('errors between threads', () => {
  it('keep class, code, fields and causes, as far as there is an end to them', () => {
    const endless = new Error('endless')
    endless.cause = endless
    const thrown: unknown[] = [
      new TypeError('type'),
      Object.assign(new Error('named', { cause: 5 }), { name: 'OwnError', code: 'E_OWN', status: 404, hidden: {} }),
      new AggregateError([new RangeError('a'), 'b'], 'many'),
      new TimeoutError('attempt', 50, { cause: new SyntaxError('c') }),
      endless,
      'text',
      { an: 'object' },
      null,
    ]
    const [type, named, many, timeout, deep, text, object, none] = thrown.map(one =>
      decodeError(structuredClone(encodeError(one))),
    ) as Error[]
    expect([type instanceof TypeError, type?.message, type?.stack]).toEqual([true, 'type', (thrown[0] as Error).stack])
    expect(named).toMatchObject({ name: 'OwnError', message: 'named', code: 'E_OWN', status: 404, cause: 5 })
    expect(named).not.toHaveProperty('hidden')
    expect(many).toBeInstanceOf(AggregateError)
    expect((many as AggregateError).errors).toEqual([new RangeError('a'), 'b'])
    expect(timeout).toBeInstanceOf(ShelflifeError)
    expect(timeout).toMatchObject({ name: 'TimeoutError', code: 'ERR_TIMEOUT', retryable: true, phase: 'attempt', timeoutMs: 50 })
    expect(timeout?.cause).toBeInstanceOf(SyntaxError)
    let depth = 0
    for (let error: unknown = deep; error instanceof Error; error = error.cause) depth += 1
    expect(depth).toBe(9)
    expect([text, object, none]).toEqual(['text', '{"an":"object"}', null])
  })
})

describe('what moves', () => {
  it('is found in plain things, a view only where it fills its buffer', () => {
    const [whole, shared, inMap] = [new Uint8Array(4), new Uint8Array(8), new Uint16Array(2)]
    const { port1, port2 } = new MessageChannel()
    const cyclic: Record<string, unknown> = {
      whole,
      part: shared.subarray(2),
      list: [new Set([port1]), new Map([['x', inMap]])],
      text: 'x',
    }
    cyclic.self = cyclic
    expect(new Set(transferablesIn([cyclic, whole]))).toEqual(new Set([whole.buffer, port1, inMap.buffer]))
    port1.close()
    port2.close()
  })

  it('is named by a handler, around one result or all', () => {
    const bytes = new Uint8Array(2)
    const list: object[] = []
    expect(untransferred(transfer(bytes, [bytes.buffer]), list)).toBe(bytes)
    expect(list).toEqual([bytes.buffer])
    expect([untransferred(5, list), untransferred(null, list), list.length]).toEqual([5, null, 1])
  })
})
