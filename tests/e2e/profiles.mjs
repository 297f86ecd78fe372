// Chromium with a profile in a folder, which outlives it: to be killed, or closed, and launched again.

import { spawn } from 'node:child_process'
import { chromium } from 'playwright-core'
import { chromium as installed } from '../../scripts/browsers.mjs'
import { ARGS } from './chromium.mjs'

/** @typedef {Awaited<ReturnType<typeof launchProfile>>} ProfileBrowser */

/** What Chromium keeps an IndexedDB in, with the arguments that make it so. */
export const BACK_ENDS = { LevelDB: [], SQLite: ['--enable-features=IdbSqliteOnDiskRollout:stage/UseSqliteForNewStores'] }

/**
 * A Chromium with a profile in `folder`, in a process group of its own.
 * @param {string} folder
 * @param {readonly string[]} [more] arguments
 */
export async function launchProfile(folder, more = []) {
  const { browser } = installed()
  if (browser === undefined) throw new Error('Chromium is not installed')
  const args = ['--headless', ...ARGS, ...more, `--user-data-dir=${folder}`, '--remote-debugging-port=0', 'about:blank']
  const child = spawn(browser, args, { detached: true, stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = new Promise(resolve => child.on('exit', resolve))
  const kill = () => {
    try {
      // Without a process there is nothing to kill.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It is dead already.
    }
    return ended
  }
  const endpoint = await new Promise((resolve, reject) => {
    let said = ''
    child.on('error', reject)
    void ended.then(() => reject(new Error(`Chromium ended:\n${said}`)))
    child.stderr.setEncoding('utf8')
    child.stderr.on('data', text => {
      said += text
      const [, endpoint] = /DevTools listening on (\S+)/.exec(said) ?? []
      if (endpoint !== undefined) resolve(endpoint)
    })
  })
  const connected = await chromium.connectOverCDP(endpoint)
  const [context = await connected.newContext()] = connected.contexts()
  return {
    /** A new page. */
    page: () => context.newPage(),
    /** Its session with the browser itself. */
    devtools: () => connected.newBrowserCDPSession(),
    /** All of its processes, at once. */
    kill,
    /** As a user does: what it has to write is written. */
    async close() {
      const session = await connected.newBrowserCDPSession().catch(() => undefined)
      await session?.send('Browser.close').catch(() => {})
      const late = setTimeout(kill, 10_000)
      await ended
      clearTimeout(late)
    },
  }
}
