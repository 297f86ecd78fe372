// The same in Web Workers, in Chromium, as a page without a bundler loads it.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { launchChromium, serve, skip } from './chromium.mjs'

const dist = new URL('../../dist/', import.meta.url)
const page = '<!doctype html><title>workers</title>'
const serving = `import { serve, transfer } from '/shelflife/worker.js'
serve(items => items.map(({ n }) => { const bytes = new Uint8Array(n).fill(n); return transfer(bytes, [bytes.buffer]) }))`

/** @type {Record<string, string | Uint8Array>} */
const files = {
  '/': page,
  '/handler.mjs': readFileSync(new URL('workers/handler.mjs', import.meta.url)),
  '/serving.mjs': serving,
  '/broken.mjs': 'this is no script',
}
for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' }))
  if (/\.js$/.test(file)) files[`/shelflife/${file}`] = readFileSync(new URL(file, dist))

describe('batches in Web Workers, in Chromium', { skip }, () => {
  /** @type {import('playwright-core').Browser} */
  let browser
  /** @type {Awaited<ReturnType<typeof serve>>[]} */
  const servers = []
  /** @type {Error[]} */
  const unhandled = []
  before(async () => {
    browser = await launchChromium()
  })
  after(async () => {
    await browser?.close()
    for (const server of servers) await server.close()
  })

  /**
   * Runs the body of an async function in a page that is served with `headers`: it has `processBatch`, `createWorkers`, `module`, `items` and `input`.
   * @param {string} body
   * @param {Record<string, string>} headers
   */
  async function inPage(body, headers = {}) {
    const server = await serve(files, headers)
    servers.push(server)
    const context = await browser.newContext()
    const tab = await context.newPage()
    tab.on('pageerror', error => unhandled.push(error))
    await tab.goto(server.origin)
    const text = `(async () => {
      const { processBatch } = await import('/shelflife/index.js')
      const { createWorkers } = await import('/shelflife/workers.js')
      const module = new URL('/handler.mjs', location.href)
      const items = (deed, count) => Array.from({ length: count }, (_, n) => ({ do: deed, n }))
      const codes = ({ failed }) => failed.map(({ index, error }) => [index, error.code])
      ${body}
    })()`
    try {
      return /** @type {any} */ (await tab.evaluate(text))
    } finally {
      await context.close()
    }
  }

  test('come back in order, and bring their errors', async () => {
    const { sum, stats, error } = await inPage(`
      const mixed = [...items('double', 99), { do: 'fail', n: 99 }]
      const result = await processBatch(mixed, { module, workers: 2, batchSize: 7 })
      const [{ error }] = result.failed
      const sum = result.results.reduce((sum, { value = 0 }) => sum + value, 0)
      return { sum, stats: result.stats.workers, error: [error instanceof RangeError, error.message, error.code, error.n] }`)
    assert.equal(sum, 99 * 98)
    assert.deepEqual(stats, { workers: 2, busy: 0, waiting: 0, started: 2, crashed: 0, ended: 0, answered: 15 })
    assert.deepEqual(error, [true, 'no 99', 'E_RANGE', 99])
  })

  test('cost only the items that crash a worker, or hang in it', async () => {
    const { codes, done, stats } = await inPage(`
      const all = items('double', 20)
      all[3].do = 'uncaught'
      all[11].do = 'hang'
      const result = await processBatch(all, { module, workers: 2, batchSize: 5, timeout: 2500, abortGrace: 20 })
      return { codes: codes(result), done: result.stats.done, stats: result.stats.workers }`)
    assert.deepEqual(codes, [
      [3, 'ERR_WORKER_CRASHED'],
      [11, 'ERR_TIMEOUT'],
    ])
    assert.equal(done, 18)
    assert.ok(stats.crashed >= 1 && stats.ended >= 1, JSON.stringify(stats))
  })

  test('take and give what can be transferred, also in workers of the page’s own', async () => {
    const outcome = await inPage(`
      const pixels = new Uint8Array([0, 1, 255])
      const { port1, port2 } = new MessageChannel()
      const said = new Promise(resolve => { port1.onmessage = ({ data }) => resolve(data) })
      const moved = await processBatch([{ do: 'invert', pixels }, { do: 'port', port: port2 }], { module, workers: 1, transfer: true })
      const own = await processBatch(items('', 4), { module: () => new Worker('/serving.mjs', { type: 'module' }), workers: 2, batchSize: 1 })
      return { pixels: [...moved.results[0].value], left: pixels.length, said: await said, own: own.results.map(({ value }) => [...value]) }`)
    assert.deepEqual(outcome, { pixels: [255, 254, 0], left: 0, said: 'here', own: [[], [1], [2, 2], [3, 3, 3]] })
  })

  test('end at once with an abort', async () => {
    const { status, aborted, took } = await inPage(`
      const took = []
      let result
      for (let attempt = 0; attempt < 4; attempt += 1) {
        const controller = new AbortController()
        let begun
        setTimeout(() => { begun = performance.now(); controller.abort() }, 300)
        result = await processBatch(items('hang', 4), { module, workers: 2, batchSize: 1, signal: controller.signal })
        took.push(performance.now() - begun)
      }
      return { status: result.status, aborted: result.stats.aborted, took }`)
    assert.deepEqual([status, aborted], ['aborted', 4])
    assert.ok(Math.min(...took) < 5, `${took} ms`)
  })

  test('that cannot be say why: no such module, one that is none, a page that forbids workers', async () => {
    const attempt = (/** @type {string} */ path) => `
      const result = await processBatch(items('double', 3), { module: new URL('${path}', location.href), workers: 1 })
      return [result.status, ...result.errors.map(({ code }) => code), result.stats.failed]`
    for (const path of ['/none.mjs', '/broken.mjs']) assert.deepEqual(await inPage(attempt(path)), ['failed', 'ERR_WORKER_UNAVAILABLE', 3])
    const policy = "script-src 'self' 'unsafe-eval' 'wasm-unsafe-eval'; worker-src 'none'"
    assert.deepEqual(await inPage(attempt('/handler.mjs'), { 'content-security-policy': policy }), ['failed', 'ERR_WORKER_UNAVAILABLE', 3])
  })

  test('leave the page alone while they work', async t => {
    const { longest, one, two } = await inPage(`
      const all = Array.from({ length: 32 }, () => ({ do: 'spin', n: 2_000_000 }))
      const timed = async count => {
        await using workers = createWorkers({ module, workers: count })
        await processBatch(items('double', 4), workers.handler, { batchSize: 1, concurrency: count })
        const begun = performance.now()
        await processBatch(all, workers.handler, { batchSize: 2, concurrency: count })
        return performance.now() - begun
      }
      let longest = 0
      const observer = new PerformanceObserver(list => { for (const { duration } of list.getEntries()) longest = Math.max(longest, duration) })
      observer.observe({ entryTypes: ['longtask'] })
      const rounds = []
      for (let round = 0; round < 3; round += 1) rounds.push([await timed(1), await timed(2)])
      await new Promise(resolve => setTimeout(resolve, 50))
      return { longest, one: Math.min(...rounds.map(([one]) => one)), two: Math.min(...rounds.map(([, two]) => two)) }`)
    t.diagnostic(
      `one worker ${one.toFixed(0)} ms, two ${two.toFixed(0)} ms: ${(one / two).toFixed(2)}x; longest task of the page ${longest} ms`,
    )
    assert.ok(longest <= 50, `a task of ${longest} ms`)
  })

  test('leave nothing unhandled in the page', () => assert.deepEqual(unhandled, []))
})
