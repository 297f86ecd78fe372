// The three engines of browsers, as far as they are installed: one way to run a module in a page of each.

import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { firefox, webkit } from '../../scripts/browsers.mjs'
import { bundle, libraryInChromium, skip as noChromium, runInChromium, serve, serveLibrary } from './chromium.mjs'
import { openSession } from './web-driver.mjs'

/** Longest run of a page. */
const TIMEOUT_MS = 3_600_000

// Has the page work out an expression, and leave what it gave or threw as JSON. In a script of the page, since a driver's own script may
// live in a world of its own, where `instanceof` fails.
const CALL = `
const [expression, done] = arguments
const call = document.createElement('script')
call.type = 'module'
call.textContent = \`
Promise.resolve().then(() => \${expression})
  .then(value => ({ value }), error => ({ error: error + '\\\\n' + error?.stack }))
  .then(outcome => {
    document.documentElement.dataset.outcome = JSON.stringify(outcome)
    document.dispatchEvent(new Event('outcome'))
  })\`
document.addEventListener('outcome', () => done(document.documentElement.dataset.outcome), { once: true })
document.head.append(call)`

/** @typedef {(...more: { args?: string[], prefs?: Record<string, unknown> }[]) => Parameters<typeof openSession>[0]} Driver */

/** @type {Driver} */
const firefoxDriver = ({ args = [], prefs = {} } = {}) => ({
  program: /** @type {string} */ (firefox().driver),
  args: port => ['--port', `${port}`, '--log', 'fatal'],
  capabilities: { browserName: 'firefox', 'moz:firefoxOptions': { binary: firefox().browser, args: ['-headless', ...args], prefs } },
})

/** @type {Driver} */
const webkitDriver = () => ({
  program: /** @type {string} */ (webkit().display),
  args: port => ['-a', /** @type {string} */ (webkit().driver), `--port=${port}`],
  env: { WEBKIT_DISABLE_COMPOSITING_MODE: '1', LIBGL_ALWAYS_SOFTWARE: '1' },
  capabilities: { 'webkitgtk:browserOptions': { binary: webkit().browser, args: ['--automation'] } },
})

/**
 * A page with `shelflife`. `close` fails the test for what it left unhandled.
 * @typedef {{ page: { evaluate: import('playwright-core').Page['evaluate'] }, close(): Promise<void> }} Visit
 */

/**
 * By name: why tests in the engine cannot run here, or `false`; `run`, as {@link runInChromium}; and for a `describe` the library in a
 * page of the engine, where each visit finds what the one before has stored, but in Chromium.
 * @type {Record<'chromium' | 'firefox' | 'webkit', { skip: string | false, run: typeof runInChromium, library: (...more: Parameters<Driver>) => { visit(): Promise<Visit> } }>}
 */
export const engines = {
  chromium: {
    skip: noChromium,
    run: runInChromium,
    library() {
      const library = libraryInChromium({}, { 'access-control-allow-origin': '*' })
      return {
        async visit() {
          const { visit, close } = await library.profile()
          return { page: await visit(), close }
        },
      }
    },
  },
  firefox: {
    skip: (firefox().browser === undefined || firefox().driver === undefined) && 'Firefox or geckodriver is not installed',
    run: through(firefoxDriver),
    library: more => libraryThrough(() => firefoxDriver(more ?? {})),
  },
  webkit: {
    skip: (webkit().browser === undefined || webkit().driver === undefined) && 'WebKitWebDriver is not installed',
    run: through(webkitDriver),
    library: () => libraryThrough(webkitDriver),
  },
}

/**
 * @param {Driver} driver
 * @returns {typeof runInChromium}
 */
function through(driver) {
  return async (entry, input = null, headers = {}) => {
    const server = await serve({ '/': '<!doctype html><title>test</title>', '/entry.js': await bundle(entry) }, headers)
    try {
      const session = await openSession(driver())
      try {
        await session.visit(server.origin)
        const module = JSON.stringify(`${server.origin}/entry.js`)
        return await evaluate(session, `import(${module}).then(module => module.default(${JSON.stringify(input)}))`)
      } finally {
        await session.close()
      }
    } finally {
      await server.close()
    }
  }
}

/** @param {Driver} driver */
function libraryThrough(driver) {
  /** @type {Awaited<ReturnType<typeof serveLibrary>>} */
  let server
  /** @type {Awaited<ReturnType<typeof openSession>>} */
  let session
  before(async () => {
    server = await serveLibrary({}, { 'access-control-allow-origin': '*' })
    session = await openSession(driver())
  })
  after(async () => {
    await session?.close()
    await server?.close()
  })
  return {
    async visit() {
      await session.visit(server.origin)
      /** @type {import('playwright-core').Page['evaluate']} */
      const call = async (/** @type {unknown} */ body, /** @type {unknown} */ argument = undefined) =>
        evaluate(session, `(${body})(${JSON.stringify(argument)})`)
      await call(async () => {
        globalThis.wrong = []
        addEventListener('error', ({ message }) => wrong.push(message))
        addEventListener('unhandledrejection', ({ reason }) => wrong.push(String(reason)))
        while (globalThis.shelflife === undefined) await new Promise(resolve => setTimeout(resolve, 5))
      })
      return {
        page: { evaluate: call },
        async close() {
          assert.deepEqual(await call(() => wrong), [])
        },
      }
    },
  }
}

/**
 * What an expression comes to in the page of a session.
 * @param {Awaited<ReturnType<typeof openSession>>} session
 * @param {string} expression
 */
async function evaluate(session, expression) {
  const { value, error } = JSON.parse(await session.run(CALL, [expression], TIMEOUT_MS))
  if (error !== undefined) throw new Error(error)
  return value
}
