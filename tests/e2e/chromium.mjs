// Chromium for tests: the system's own, pages served over http on loopback, since IndexedDB and workers need a real origin.

import { createServer } from 'node:http'
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
