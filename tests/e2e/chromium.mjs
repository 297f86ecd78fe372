// Chromium for tests: the system's own, pages served over http on loopback, since IndexedDB and workers need a real origin.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before } from 'node:test'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { chromium } from 'playwright-core'
import { chromium as installed } from '../../scripts/browsers.mjs'

export const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
]

/** Why tests in Chromium cannot run here, or `false`: for the `skip` of node:test. */
export const skip = installed().browser === undefined && 'Chromium is not installed'

/**
 * A headless Chromium under playwright-core. Close it.
 * @param {import('playwright-core').LaunchOptions} options
 */
export function launchChromium(options = {}) {
  const { browser } = installed()
  if (browser === undefined) throw new Error('Chromium is not installed')
  return chromium.launch({ executablePath: browser, args: ARGS, headless: true, ...options })
}

/**
 * Serves `files`, contents by path, on loopback: `{ origin, close() }`. Every answer has `headers` too.
 * @param {Record<string, string | Uint8Array>} files
 * @param {Record<string, string>} headers
 */
export async function serve(files, headers = {}) {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    const body = files[path]
    const type = /\.m?js$/.test(path) ? 'text/javascript' : path.endsWith('.wasm') ? 'application/wasm' : 'text/html'
    response.writeHead(body === undefined ? 404 : 200, { 'content-type': type, ...headers })
    response.end(body)
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  const address = /** @type {import('node:net').AddressInfo} */ (server.address())
  return {
    origin: `http://127.0.0.1:${address.port}`,
    close: () => new Promise(resolve => server.close(resolve)),
  }
}

/**
 * Bundles a module as a browser gets it.
 * @param {URL | string} entry
 */
export async function bundle(entry) {
  const file = entry instanceof URL ? fileURLToPath(entry) : entry
  const made = await build({ entryPoints: [file], bundle: true, format: 'esm', target: 'es2022', write: false, logLevel: 'error' })
  return made.outputFiles[0]?.text ?? ''
}

/**
 * Serves `library.page.ts` at `/`, besides what is in `files`.
 * @param {Record<string, string>} files
 * @param {Record<string, string>} headers
 */
export async function serveLibrary(files = {}, headers = {}) {
  const page = '<!doctype html><title>test</title><script type="module" src="/entry.js"></script>'
  return serve({ '/': page, '/entry.js': await bundle(new URL('library.page.ts', import.meta.url)), ...files }, headers)
}

/**
 * Opens what {@link serveLibrary} serves: afterwards the page has `shelflife`.
 * @param {import('playwright-core').Page} page
 * @param {string} origin
 */
export async function visitLibrary(page, origin) {
  await page.goto(origin)
  await page.waitForFunction('globalThis.shelflife')
}

/**
 * For a `describe`: the library served, and a Chromium to visit it, both as long as its tests run.
 * @param {Record<string, string>} files
 * @param {Record<string, string>} headers
 */
export function libraryInChromium(files = {}, headers = {}) {
  /** @type {Awaited<ReturnType<typeof serve>>} */
  let server
  /** @type {import('playwright-core').Browser} */
  let browser
  before(async () => {
    server = await serveLibrary(files, headers)
    browser = await launchChromium()
  })
  after(async () => {
    await browser?.close()
    await server?.close()
  })
  return {
    get origin() {
      return server.origin
    },
    /** A profile of its own, whose pages share stores. Close it: what its pages left unhandled fails the test. */
    async profile() {
      const context = await browser.newContext()
      /** @type {Error[]} */
      const unhandled = []
      context.on('weberror', event => unhandled.push(event.error()))
      return {
        context,
        async visit() {
          const page = await context.newPage()
          await visitLibrary(page, server.origin)
          return page
        },
        async close() {
          await context.close()
          assert.deepEqual(unhandled, [])
        },
      }
    },
  }
}

/**
 * Runs the default export of a module inside Chromium, with `input`, and gives what it returns. Both have to be JSON.
 * Rejects with what the page threw, or when it throws anything unhandled meanwhile.
 * @param {URL | string} entry
 * @param {unknown} input
 * @param {Record<string, string>} headers what the page is served with
 */
export async function runInChromium(entry, input = null, headers = {}) {
  const server = await serve({ '/': '<!doctype html><title>test</title>', '/entry.js': await bundle(entry) }, headers)
  const browser = await launchChromium()
  try {
    const page = await browser.newPage()
    /** @type {Error[]} */
    const unhandled = []
    page.on('pageerror', error => unhandled.push(error))
    await page.goto(server.origin)
    const script = '/entry.js'
    const json = await page.evaluate(async ({ script, input }) => JSON.stringify(await (await import(script)).default(input)), {
      script,
      input,
    })
    if (unhandled.length > 0) throw unhandled[0]
    return json === undefined ? undefined : JSON.parse(json)
  } finally {
    await browser.close()
    await server.close()
  }
}
