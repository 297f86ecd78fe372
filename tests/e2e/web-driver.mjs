// The W3C WebDriver protocol, as much of it as running a module in a page takes: for the engines that playwright-core does not drive
// as the system has them.

import { spawn } from 'node:child_process'
import { request } from 'node:http'
import { createServer } from 'node:net'

/** How long a driver may take to listen. */
const START_MS = 20_000

/**
 * A session of a browser; `close` it.
 * @param {{ program: string, args: (port: number) => string[], env?: Record<string, string>, capabilities: Record<string, unknown> }} driver
 */
export async function openSession({ program, args, env, capabilities }) {
  const port = await freePort()
  // A group of its own, so that a wrapper such as xvfb-run leaves nothing behind.
  const process_ = spawn(program, args(port), { stdio: 'ignore', detached: true, env: { ...process.env, ...env } })
  const origin = `http://127.0.0.1:${port}`
  const end = () => {
    try {
      process.kill(-(/** @type {number} */ (process_.pid)), 'SIGTERM')
    } catch {
      // It has ended by itself.
    }
  }
  try {
    await listening(origin, process_)
    const { sessionId } = await send(`${origin}/session`, { capabilities: { alwaysMatch: capabilities } })
    const session = `${origin}/session/${sessionId}`
    return {
      /** @param {string} url */
      visit: url => send(`${session}/url`, { url }),
      /**
       * Runs the body of a function, with `args` and a last one to call with the result.
       * @param {string} script
       * @param {unknown[]} args
       * @param {number} timeoutMs
       */
      async run(script, args, timeoutMs) {
        await send(`${session}/timeouts`, { script: timeoutMs })
        return send(`${session}/execute/async`, { script, args })
      },
      async close() {
        await fetch(session, { method: 'DELETE' }).catch(() => {})
        end()
      },
    }
  } catch (error) {
    end()
    throw error
  }
}

/**
 * Not by `fetch`, which waits for an answer for five minutes at most.
 * @param {string} url
 * @param {unknown} body
 * @returns {Promise<any>}
 */
async function send(url, body) {
  const { status, text } = await new Promise((resolve, reject) => {
    const sending = request(url, { method: 'POST', headers: { 'content-type': 'application/json' } }, response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', part => {
        text += part
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
      response.on('error', reject)
    })
    sending.on('error', reject)
    sending.end(JSON.stringify(body))
  })
  const { value } = JSON.parse(text)
  if (status !== 200) throw new Error(`${value?.error}: ${value?.message}`)
  return value
}

/**
 * @param {string} origin
 * @param {import('node:child_process').ChildProcess} driver
 */
async function listening(origin, driver) {
  for (const start = Date.now(); Date.now() - start < START_MS; ) {
    if (driver.exitCode !== null) throw new Error(`${driver.spawnfile} ended with ${driver.exitCode}`)
    const isThere = await fetch(`${origin}/status`).then(
      response => response.ok,
      () => false,
    )
    if (isThere) return
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  throw new Error(`${driver.spawnfile} does not listen`)
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
      server.close(() => resolve(port))
    })
  })
}
