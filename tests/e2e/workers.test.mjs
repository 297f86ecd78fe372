// Batches in threads of Node: what comes back, what crashes, and what is left running.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { describe, test } from 'node:test'
import { MessageChannel } from 'node:worker_threads'

const dist = new URL('../../dist/', import.meta.url)
const { processBatch } = /** @type {typeof import('../../js/index.ts')} */ (await import(new URL('index.js', dist).href))
const { createWorkers } = /** @type {typeof import('../../js/workers.ts')} */ (await import(new URL('workers.js', dist).href))
const module = new URL('workers/handler.mjs', import.meta.url)

/** @param {string} deed @param {number} count */
const items = (deed, count, from = 0) => Array.from({ length: count }, (_, at) => ({ do: deed, n: from + at }))
/** @param {any} result */
const values = result => result.results.map((/** @type {any} */ one) => one.value)
/** @param {any} result */
const codes = result => result.failed.map((/** @type {any} */ { error }) => error.code)

describe('batches in threads', () => {
  test('come back in order, with what a handler is told', async () => {
    const result = await processBatch(items('double', 100), { module, workers: 2, batchSize: 7 })
    assert.deepEqual(
      values(result),
      items('double', 100).map(({ n }) => n * 2),
    )
    assert.equal(result.status, 'ok')
    assert.deepEqual(result.stats.workers, { workers: 2, busy: 0, waiting: 0, started: 2, crashed: 0, ended: 0, answered: 15 })
    const told = await processBatch(items('context', 4), { module: module.href, workers: 1, batchSize: 2 })
    assert.deepEqual(values(told)[3], { n: 3, index: 3, attempt: 1, batches: 2 })
    const resume = { .../** @type {any} */ (told.token), settled: [1, 2, 3, 4] }
    const rest = await processBatch(items('context', 6), { module, workers: 1, batchSize: 3, resume })
    assert.deepEqual(
      values(rest).map((/** @type {any} */ { n, index }) => [n, index]),
      [0, 2, 4, 5].map(n => [n, n]),
    )
  })

  test('bring errors back: class, name, message, code, stack, fields, causes', async () => {
    const mixed = [...items('double', 2), ...items('fail', 1, 2), ...items('throw', 1, 3), ...items('clone', 1, 4)]
    const result = await processBatch(mixed, { module, workers: 1, batchSize: 5 })
    const [failed, thrown, stuck] = result.failed.map((/** @type {any} */ { error }) => error)
    assert.deepEqual(
      result.failed.map(({ index }) => index),
      [2, 3, 4],
    )
    assert.ok(failed instanceof RangeError)
    const { message, code, n, stack } = /** @type {any} */ (failed)
    assert.deepEqual([message, code, n], ['no 2', 'E_RANGE', 2])
    assert.match(stack, /handler\.mjs/)
    assert.deepEqual([thrown.code, thrown.cause instanceof TypeError, thrown.cause.code], ['ERR_HANDLER', true, 'E_BROKEN'])
    assert.ok(thrown.cause.cause.errors[0] instanceof SyntaxError)
    assert.equal(stuck.name, 'DataCloneError')
    assert.equal(result.stats.done, 2)
  })

  test('that cannot leave this thread fail their own item only', async () => {
    const odd = [...items('double', 3), { do: 'double', n: () => 1 }, ...items('double', 4)]
    const result = await processBatch(odd, { module, workers: 2, batchSize: 8 })
    assert.deepEqual([result.failed.map(({ index }) => index), codes(result), result.stats.done], [[3], ['ERR_HANDLER'], 7])
  })
})

describe('a worker that ends', () => {
  for (const deed of ['exit', 'uncaught']) {
    test(`costs only the items that end it (${deed})`, async () => {
      const all = items('double', 40)
      for (const at of [5, 23]) Object.assign(/** @type {any} */ (all[at]), { do: deed })
      const result = await processBatch(all, { module, workers: 2, batchSize: 10 })
      assert.deepEqual(
        result.failed.map(({ index }) => index),
        [5, 23],
      )
      assert.deepEqual(codes(result), ['ERR_WORKER_CRASHED', 'ERR_WORKER_CRASHED'])
      const { exitCode, cause } = /** @type {any} */ (result.failed[0]).error
      assert.deepEqual([exitCode, cause?.name], deed === 'exit' ? [7, undefined] : [undefined, 'RangeError'])
      assert.equal(result.stats.done, 38)
      const { crashed, started } = /** @type {any} */ (result.stats.workers)
      assert.ok(crashed >= 2 && crashed <= 12 && started <= crashed + 2, `${crashed} crashed, ${started} started`)
    })
  }

  test('has its batch tried again in a new one', async () => {
    const result = await processBatch(items('once', 1, 8), { module, workers: 1, maxRetries: 1, initialDelay: 0 })
    assert.deepEqual([result.status, values(result), result.stats.retries], ['ok', [8], 1])
  })

  test('for lack of memory is replaced', async () => {
    const all = [...items('double', 3), ...items('full', 1), ...items('double', 3)]
    const resourceLimits = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 8 }
    const result = await processBatch(all, { module, workers: 1, batchSize: 1, resourceLimits })
    assert.deepEqual([result.stats.done, codes(result)], [6, ['ERR_WORKER_CRASHED']])
    assert.equal(/** @type {any} */ (result.failed[0]).error.cause.code, 'ERR_WORKER_OUT_OF_MEMORY')
  })

  test('again and again ends the run', async () => {
    const result = await processBatch(items('exit', 1000), { module, workers: 2, batchSize: 1, maxRestarts: 5, results: 'none' })
    assert.deepEqual([result.status, result.errors.map(({ code }) => code)], ['failed', ['ERR_WORKER_UNAVAILABLE']])
    assert.deepEqual([result.stats.done, result.stats.failed, result.stats.workers?.crashed], [0, 1000, 6])
  })
})

describe('a worker that takes too long', () => {
  test('is ended and replaced, and its item fails', async () => {
    const all = [...items('double', 4), ...items('hang', 1), ...items('double', 4)]
    const result = await processBatch(all, { module, workers: 1, batchSize: 1, timeout: 2500, abortGrace: 20 })
    assert.deepEqual([result.stats.done, codes(result)], [8, ['ERR_TIMEOUT']])
    const { ended, started } = /** @type {any} */ (result.stats.workers)
    assert.deepEqual([ended, started], [1, 2])
  })

  test('but hears its signal is kept', async () => {
    const result = await processBatch(items('patient', 1), {
      module,
      workers: 1,
      timeout: 300,
      abortGrace: '10s',
      maxRetries: 1,
      initialDelay: 0,
    })
    assert.deepEqual([codes(result), result.stats.workers?.started], [['ERR_TIMEOUT'], 1])
  })

  test('holds no abort up', async () => {
    const took = []
    for (let attempt = 0; attempt < 4; attempt += 1) {
      const controller = new AbortController()
      let abortedAt = 0
      setTimeout(() => {
        abortedAt = performance.now()
        controller.abort('enough')
      }, 300)
      const result = await processBatch(items('hang', 4), { module, workers: 2, batchSize: 1, signal: controller.signal })
      took.push(performance.now() - abortedAt)
      assert.deepEqual([result.status, result.stats.aborted], ['aborted', 4])
    }
    // The shortest, for the hanging workers have the cores of a busy machine until then.
    assert.ok(Math.min(...took) < 5, `${took} ms`)
  })
})

describe('what can be transferred', () => {
  test('is copied, unless it is to move, and comes back', async () => {
    const make = () => [{ do: 'invert', n: 0, pixels: new Uint8Array([0, 1, 255]) }]
    const [copied, moved, chosen] = [make(), make(), make()]
    const first = await processBatch(copied, { module, workers: 1 })
    const second = await processBatch(moved, { module, workers: 1, transfer: true })
    const third = await processBatch(chosen, {
      module,
      workers: 1,
      transfer: batch => batch.map(item => /** @type {any} */ (item).pixels.buffer),
    })
    for (const result of [first, second, third]) assert.deepEqual(values(result), [new Uint8Array([255, 254, 0])])
    assert.deepEqual(
      [copied, moved, chosen].map(([item]) => item?.pixels.length),
      [3, 0, 0],
    )
    assert.deepEqual(values(await processBatch(items('moved', 1, 5), { module, workers: 1 })), [new Uint8Array(5).fill(5)])
  })

  test('may be a port', async () => {
    const { port1, port2 } = new MessageChannel()
    const said = new Promise(resolve => port1.once('message', resolve))
    const result = await processBatch([{ do: 'port', port: port2 }], { module, workers: 1, transfer: true })
    assert.deepEqual([values(result), await said], [['said'], 'here'])
    port1.close()
  })

  test('is gone with the worker: such a batch is not tried again', async () => {
    const pixels = () => new Uint8Array(4)
    const all = [
      { do: 'exit', n: 0, pixels: pixels() },
      { do: 'invert', n: 1, pixels: pixels() },
    ]
    const options = { module, workers: 1, batchSize: 2, transfer: true, maxRetries: 3, initialDelay: 0 }
    const result = await processBatch(all, options)
    assert.deepEqual([codes(result), result.stats.calls], [['ERR_WORKER_CRASHED', 'ERR_WORKER_CRASHED'], 1])
    const slow = await processBatch([{ do: 'hang', n: 0, pixels: pixels() }], { ...options, timeout: 2500, abortGrace: 0 })
    assert.deepEqual([codes(slow), slow.stats.calls], [['ERR_WORKER_CRASHED'], 2])
  })
})

describe('workers that cannot be', () => {
  test('say why: no such module, no handler in it, one that throws, one that exits', async () => {
    const data = (/** @type {string} */ text) => new URL(`data:text/javascript,${encodeURIComponent(text)}`)
    const modules = [
      new URL('workers/none.mjs', import.meta.url),
      data('export const x = 1'),
      data('throw new Error("at once")'),
      data('process.exit(3)'),
    ]
    const causes = []
    for (const module of modules) {
      const result = await processBatch(items('double', 30), { module, workers: 2, batchSize: 2 })
      assert.deepEqual([result.status, result.errors.map(({ code }) => code)], ['failed', ['ERR_WORKER_UNAVAILABLE']])
      assert.equal(result.failed.length, 30)
      assert.equal(result.token.settled.length, 0)
      causes.push(result.errors[0]?.message)
    }
    for (const [at, part] of ['none.mjs', 'exports no function', 'at once', 'exited with 3'].entries())
      assert.ok(causes[at]?.includes(part), causes[at])
  })

  test('are refused at the door: options that cannot be meant', async () => {
    const bad = [
      { module: './handler.mjs' },
      { module: 5 },
      { module, workers: 0 },
      { module, transfer: 'all' },
      { module, abortGrace: -1 },
      {},
    ]
    for (const options of bad) {
      await assert.rejects(processBatch([], /** @type {any} */ (options)), { code: 'ERR_INVALID_ARGUMENT' })
    }
  })
})

describe('workers for several runs', () => {
  test('are started once, and closed', async () => {
    const workers = createWorkers({ module, workers: 2 })
    for (let run = 0; run < 3; run += 1) {
      const result = await processBatch(items('double', 50), workers.handler, { concurrency: workers.size, batchSize: 5 })
      assert.equal(result.status, 'ok')
    }
    assert.deepEqual(workers.stats(), { workers: 2, busy: 0, waiting: 0, started: 2, crashed: 0, ended: 0, answered: 30 })
    const late = processBatch(items('hang', 2), workers.handler, { batchSize: 1 })
    await new Promise(resolve => setTimeout(resolve, 50))
    await workers.close()
    assert.deepEqual(
      (await late).errors.map(({ code }) => code),
      ['ERR_CLOSED'],
    )
    const after = await processBatch(items('double', 2), workers.handler)
    assert.deepEqual([codes(after), workers.stats().workers], [['ERR_CLOSED', 'ERR_CLOSED'], 0])
  })

  test('hold the process only while they work', () => {
    const script = `
      import { processBatch } from ${JSON.stringify(new URL('index.js', dist).href)}
      import { createWorkers } from ${JSON.stringify(new URL('workers.js', dist).href)}
      const workers = createWorkers({ module: new URL(${JSON.stringify(module.href)}), workers: 2 })
      const { status } = await processBatch([{ do: 'spin', n: 1e7 }, { do: 'double', n: 1 }], workers.handler, { batchSize: 1 })
      console.log(status)`
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
      encoding: 'utf8',
      timeout: 20_000,
    })
    assert.deepEqual([status, stdout.trim(), stderr], [0, 'ok', ''])
  })
})

test('two workers do CPU-bound work at the same time', { skip: availableParallelism() < 2 && 'one core' }, async t => {
  const all = Array.from({ length: 32 }, () => ({ do: 'span', n: 2_000_000 }))
  const timed = async (/** @type {number} */ count) => {
    const workers = createWorkers({ module, workers: count })
    await processBatch(items('double', 4), workers.handler, { batchSize: 1, concurrency: count })
    const begun = performance.now()
    const result = await processBatch(all, workers.handler, { batchSize: 1, concurrency: count })
    const ms = performance.now() - begun
    await workers.close()
    const spans = values(result).sort((/** @type {number[]} */ [a = 0], /** @type {number[]} */ [b = 0]) => a - b)
    const overlaps = spans.filter(
      (/** @type {number[]} */ [begin = 0], /** @type {number} */ at) => at > 0 && begin < spans[at - 1][1],
    ).length
    return { ms, overlaps }
  }
  /** @type {Awaited<ReturnType<typeof timed>>[][]} */
  const rounds = []
  for (let round = 0; round < 3; round += 1) rounds.push([await timed(1), await timed(2)])
  const [one, two] = [0, 1].map(at => Math.min(...rounds.map(round => Number(round[at]?.ms))))
  t.diagnostic(`one worker ${one?.toFixed(0)} ms, two ${two?.toFixed(0)} ms: ${(Number(one) / Number(two)).toFixed(2)}x`)
  for (const [alone, together] of rounds) {
    assert.equal(alone?.overlaps, 0)
    assert.ok(Number(together?.overlaps) >= 16, `${together?.overlaps} of 32 at the same time as the one before`)
  }
})
