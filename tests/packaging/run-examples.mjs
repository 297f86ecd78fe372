// Runs examples in a Node of their own, one after the other: `node run-examples.mjs file…`. The network is a loopback origin and a `fetch` that answers for
// all others. Prints, as JSON, what failed by file.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { format, inspect } from 'node:util'

const LONGEST_MS = 5000
inspect.defaultOptions.breakLength = Number.POSITIVE_INFINITY
let printed = ''
console.log = (...values) => {
  printed = format(...values)
}
console.warn = console.log

const expectPrinted = (/** @type {string} */ expected) => {
  if (printed !== expected) throw new Error(`it prints ${printed}, and says that it prints ${expected}`)
}

/**
 * What an origin would answer.
 * @param {string} path
 */
function answerTo(path) {
  if (path.endsWith('.ndjson')) return '{"id":1}\n{"id":2}\n'
  const last = path.split('/').at(-1) ?? ''
  return JSON.stringify(/^\d+$/.test(last) || last === 'me' ? { id: Number(last) || 1, name: 'Ada', team: 7 } : [{ id: 1, name: 'Ada' }])
}

const headers = { 'content-type': 'application/json', 'cache-control': 'max-age=60' }
const origin = createServer((request, response) => response.writeHead(200, headers).end(answerTo(request.url ?? '/')))
await new Promise(resolve => origin.listen(0, '127.0.0.1', () => resolve(undefined)))
const { port } = /** @type {import('node:net').AddressInfo} */ (origin.address())
Object.assign(globalThis, {
  expectPrinted,
  loopback: `http://127.0.0.1:${port}/users/1`,
  fetch: async (/** @type {string | URL | Request} */ input) => {
    const { pathname } = new URL(input instanceof Request ? input.url : input)
    return new Response(answerTo(pathname), { headers })
  },
})

/** @type {Record<string, string>} */
const failures = {}
for (const file of process.argv.slice(2)) {
  const folder = mkdtempSync(join(tmpdir(), 'shelflife-example-'))
  process.chdir(folder)
  writeFileSync('package.json', '{}')
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it has not ended after ${LONGEST_MS} ms`)), LONGEST_MS)
  })
  try {
    await Promise.race([import(pathToFileURL(file).href), late])
  } catch (error) {
    failures[file] = (error instanceof Error && error.stack) || String(error)
  }
  clearTimeout(timer)
  process.chdir(dirname(file))
  rmSync(folder, { recursive: true, force: true })
}
process.stdout.write(JSON.stringify(failures), () => process.exit())
