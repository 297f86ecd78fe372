import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { engines } from './engines.mjs'

/** An origin of its own, which counts what browsers send besides what they were asked to. */
async function openOrigin() {
  const seen = { preflights: 0, conditional: 0, requests: 0, mostAtOnce: 0 }
  let atOnce = 0
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    const open = { 'access-control-allow-origin': '*' }
    if (pathname === '/seen') return void response.writeHead(200, open).end(JSON.stringify(seen))
    if (request.method === 'OPTIONS') seen.preflights += 1
    else seen.requests += 1
    if (pathname === '/away') return void response.writeHead(302, { ...open, location: '/lines' }).end()
    if (pathname === '/none') return void response.writeHead(200, open).end('{}')
    if (pathname === '/lines') return void response.writeHead(200, open).end('{"n":1}\n{"n":"ü"}\n')
    if (pathname === '/tagged') {
      const isSame = request.headers['if-none-match'] === '"1"'
      if (isSame) seen.conditional += 1
      const headers = { ...open, etag: '"1"', 'cache-control': 'max-age=60', 'content-type': 'application/json' }
      return void response.writeHead(isSame ? 304 : 200, headers).end(isSame ? undefined : '{"n":1}')
    }
    atOnce += 1
    seen.mostAtOnce = Math.max(seen.mostAtOnce, atOnce)
    setTimeout(() => {
      atOnce -= 1
      response.writeHead(200, open).end(JSON.stringify({ path: request.url }))
    }, 2)
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return {
    url: `http://127.0.0.1:${port}`,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

for (const [engine, { skip, run }] of Object.entries(engines)) {
  describe(`createFetch, in ${engine}`, { skip }, () => {
    /** @type {Awaited<ReturnType<typeof openOrigin>>} */
    let origin
    /** @type {any} */
    let outcome
    before(async () => {
      origin = await openOrigin()
      outcome = await run(new URL('http.page.ts', import.meta.url), { origin: origin.url })
    })
    after(() => origin.close())

    test('keeps answers, and lets the platform ask about them: without preflight, and parsed once', () => {
      assert.deepEqual(outcome.sources, ['hit', 'miss', 'hit', 'hit', 'hit'])
      assert.equal(outcome.isParsedOnce, true)
      assert.equal(outcome.nowhere, 504)
      assert.equal(outcome.before.preflights, 0)
      // A session that is driven has no cache of the platform's in WebKit: it asks for all of it.
      assert.equal(outcome.before.conditional, engine === 'webkit' ? 0 : 2)
    })

    test('leaves redirects to the platform, reads items from a stream, and fails where the platform does', () => {
      assert.deepEqual(outcome.led, [`${origin.url}/lines`, true, '{"n":1}\n{"n":"ü"}\n'])
      assert.deepEqual(outcome.items, [{ n: 1 }, { n: 'ü' }])
      assert.equal(outcome.refused, 'ERR_NETWORK')
    })

    test('sends 1 000 requests at once within its limits, and no task of the page takes long', t => {
      assert.equal(outcome.after.requests - outcome.before.requests, 4000)
      assert.ok(outcome.after.mostAtOnce <= 5, `${outcome.after.mostAtOnce} at once`)
      assert.deepEqual(outcome.stats, { inflight: 0, queued: 0, sleeping: 0, failures: { ERR_NETWORK: 1 } })
      t.diagnostic(`longest tasks ${outcome.longest} ms; 1 000 calls took ${outcome.callsMs.map(Math.round)} ms`)
      assert.ok(Math.min(...outcome.longest) <= 50, `tasks of ${outcome.longest} ms`)
    })
  })
}
