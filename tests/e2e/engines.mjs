// The three engines of browsers, as far as they are installed: one way to run a module in a page of each.

import { firefox, webkit } from '../../scripts/browsers.mjs'
import { bundle, skip as noChromium, runInChromium, serve } from './chromium.mjs'
import { openSession } from './web-driver.mjs'

/** Longest run of a page. */
const TIMEOUT_MS = 3_600_000

// Has the page import a module, call it, and leave what it returned or threw as JSON. In a script of the page, since a driver's own
// script may live in a world of its own, where `instanceof` fails.
const CALL = `
const [script, input, done] = arguments
const call = document.createElement('script')
call.type = 'module'
call.textContent = \`
import(\${JSON.stringify(script)})
  .then(module => module.default(\${input}))
  .then(value => ({ value }), error => ({ error: error + '\\\\n' + error?.stack }))
  .then(outcome => {
    document.documentElement.dataset.outcome = JSON.stringify(outcome)
    document.dispatchEvent(new Event('outcome'))
  })\`
document.addEventListener('outcome', () => done(document.documentElement.dataset.outcome), { once: true })
document.head.append(call)`

/**
 * By name: why tests in the engine cannot run here, or `false`; and `run`, as {@link runInChromium}.
 * @type {Record<'chromium' | 'firefox' | 'webkit', { skip: string | false, run: typeof runInChromium }>}
 */
export const engines = {
  chromium: { skip: noChromium, run: runInChromium },
  firefox: {
    skip: (firefox().browser === undefined || firefox().driver === undefined) && 'Firefox or geckodriver is not installed',
    run: through(() => ({
      program: /** @type {string} */ (firefox().driver),
      args: port => ['--port', `${port}`, '--log', 'fatal'],
      capabilities: { browserName: 'firefox', 'moz:firefoxOptions': { binary: firefox().browser, args: ['-headless'] } },
    })),
  },
  webkit: {
    skip: (webkit().browser === undefined || webkit().driver === undefined) && 'WebKitWebDriver is not installed',
    run: through(() => ({
      program: /** @type {string} */ (webkit().display),
      args: port => ['-a', /** @type {string} */ (webkit().driver), `--port=${port}`],
      env: { WEBKIT_DISABLE_COMPOSITING_MODE: '1', LIBGL_ALWAYS_SOFTWARE: '1' },
      capabilities: { 'webkitgtk:browserOptions': { binary: webkit().browser, args: ['--automation'] } },
    })),
  },
}

/**
 * @param {() => Parameters<typeof openSession>[0]} driver
 * @returns {typeof runInChromium}
 */
function through(driver) {
  return async (entry, input = null, headers = {}) => {
    const server = await serve({ '/': '<!doctype html><title>test</title>', '/entry.js': await bundle(entry) }, headers)
    try {
      const session = await openSession(driver())
      try {
        await session.visit(server.origin)
        const { value, error } = JSON.parse(await session.run(CALL, [`${server.origin}/entry.js`, JSON.stringify(input)], TIMEOUT_MS))
        if (error !== undefined) throw new Error(error)
        return value
      } finally {
        await session.close()
      }
    } finally {
      await server.close()
    }
  }
}
