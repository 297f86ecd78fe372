// Chromium as users have it, driven by the bare DevTools protocol: under playwright-core pages neither freeze nor go into the back/forward cache.

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium as installed } from '../../scripts/browsers.mjs'
import { ARGS } from './chromium.mjs'

/** @typedef {Awaited<ReturnType<typeof openChromium>>} RawChromium */
/** @typedef {Awaited<ReturnType<RawChromium['tab']>>} RawTab */

/** A headless Chromium with a profile of its own. `close` it: it rejects with what pages left unhandled. */
export async function openChromium() {
  const { browser } = installed()
  if (browser === undefined) throw new Error('Chromium is not installed')
  const folder = mkdtempSync(join(tmpdir(), 'shelflife-raw-'))
  const args = ['--headless', ...ARGS, `--user-data-dir=${folder}`, '--remote-debugging-pipe', 'about:blank']
  // Messages end with a zero byte: to the browser through the fourth pipe, from it through the fifth.
  const child = spawn(browser, args, { detached: true, stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] })
  const ended = new Promise(resolve => child.on('exit', resolve))
  const [, , , input, output] = /** @type {[null, null, null, import('node:stream').Writable, import('node:stream').Readable]} */ (
    /** @type {unknown} */ (child.stdio)
  )
  /** @type {Map<number, { resolve: (value: any) => void, reject: (error: Error) => void }>} */
  const waiting = new Map()
  /** @type {Map<string, (method: string, params: any) => void>} */
  const listeners = new Map()
  /** @type {string[]} */
  const unhandled = []
  /** @type {string[]} */
  const notKept = []
  let serial = 0
  let said = ''
  output.setEncoding('utf8')
  output.on('data', text => {
    said += text
    const messages = said.split('\0')
    said = messages.pop() ?? ''
    for (const message of messages) {
      const { id, result, error, method, params, sessionId } = JSON.parse(message)
      if (id === undefined) listeners.get(sessionId)?.(method, params)
      else if (error !== undefined) waiting.get(id)?.reject(new Error(error.message))
      else waiting.get(id)?.resolve(result)
      waiting.delete(id)
    }
  })
  input.on('error', () => {})

  /**
   * @param {string} method
   * @param {object} params
   * @param {string} [sessionId]
   * @returns {Promise<any>}
   */
  function send(method, params = {}, sessionId = undefined) {
    serial += 1
    const id = serial
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject })
      input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`)
    })
  }

  return {
    /** Why pages were not in the back/forward cache when they came back. */
    notKept,
    /**
     * A tab on a page, in front of the others.
     * @param {string} url
     */
    async tab(url) {
      const { targetId } = await send('Target.createTarget', { url: 'about:blank' })
      const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true })
      /** @type {Set<() => void>} */
      const arriving = new Set()
      listeners.set(sessionId, (method, params) => {
        if (method === 'Runtime.exceptionThrown')
          unhandled.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text)
        if (method === 'Page.backForwardCacheNotUsed')
          notKept.push(...params.notRestoredExplanations.map((/** @type {{ reason: string }} */ { reason }) => reason))
        // A page that comes out of the back/forward cache is not loaded again.
        if (method === 'Page.loadEventFired' || (method === 'Page.frameNavigated' && params.type === 'BackForwardCacheRestore'))
          for (const resolve of arriving) resolve()
      })
      /**
       * @param {string} method
       * @param {object} params
       */
      const ask = (method, params = {}) => send(method, params, sessionId)
      /** @param {() => Promise<unknown>} act */
      const arrived = async act => {
        const there = new Promise(resolve => {
          const go = () => {
            arriving.delete(go)
            resolve(undefined)
          }
          arriving.add(go)
        })
        await act()
        await there
      }
      await ask('Page.enable')
      await ask('Runtime.enable')
      await arrived(() => ask('Page.navigate', { url }))
      return {
        /**
         * Calls a function in the page, with an argument that JSON keeps.
         * @template A, T
         * @param {(argument: A) => T | Promise<T>} body
         * @param {A} [argument]
         * @returns {Promise<T>}
         */
        async evaluate(body, argument) {
          const expression = `(${body})(${argument === undefined ? '' : JSON.stringify(argument)})`
          const { result, exceptionDetails } = await ask('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true })
          if (exceptionDetails !== undefined) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
          return result.value
        },
        /** In front of the others, which are hidden then. */
        show: () => send('Target.activateTarget', { targetId }),
        /** Only where another tab is in front. */
        freeze: () => ask('Page.setWebLifecycleState', { state: 'frozen' }),
        thaw: () => ask('Page.setWebLifecycleState', { state: 'active' }),
        /** @param {string} url */
        visit: url => arrived(() => ask('Page.navigate', { url })),
        async back() {
          const { currentIndex, entries } = await ask('Page.getNavigationHistory')
          await arrived(() => ask('Page.navigateToHistoryEntry', { entryId: entries[currentIndex - 1].id }))
        },
        close: () => send('Target.closeTarget', { targetId }),
      }
    },
    async close() {
      await Promise.race([send('Browser.close').catch(() => {}), ended])
      await ended
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
      if (unhandled.length > 0) throw new Error(`unhandled in a page: ${unhandled.join('; ')}`)
    },
  }
}
