// Kills the browser, or the page, while that writes, and looks in the next one what is there.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { serveLibrary, skip, visitLibrary } from './chromium.mjs'
import { BACK_ENDS, launchProfile } from './profiles.mjs'

/** `SHELFLIFE_KILLS=100 node --test tests/e2e/kill.test.mjs` for more. */
const CYCLES = Number(process.env.SHELFLIFE_KILLS ?? 3)
const KEYS = 60
const BATCH = 40

/**
 * The operation of a number, which the page and this process know alike.
 * @param {number} serial
 */
function operationOf(serial) {
  const dice = Math.imul(serial + 1, 0x9e3779b1) >>> 0
  return { key: `k${dice % KEYS}`, isDelete: (dice >>> 8) % 10 === 0, text: `${serial};`.repeat(1 + ((dice >>> 12) % 300)) }
}

/** @typedef {'browser' | 'renderer' | 'page'} Death Who dies: the browser with all it has, the process of a page, the page by its own fault. */
/** @type {readonly (readonly [death: Death, backEnd: keyof typeof BACK_ENDS])[]} */
const KILLS = [
  ['browser', 'LevelDB'],
  ['browser', 'SQLite'],
  ['renderer', 'LevelDB'],
  ['renderer', 'SQLite'],
  ['page', 'LevelDB'],
]

for (const [death, backEnd] of KILLS) {
  test(`${CYCLES} times a ${death} dies while a page writes, to ${backEnd}: all that was acknowledged is there, and nothing that was not written`, {
    skip,
  }, async t => {
    const folder = mkdtempSync(join(tmpdir(), 'shelflife-kill-'))
    const server = await serveLibrary()
    /** @type {Map<string, number>} By key: the newest operation that is certain. */
    const certain = new Map()
    /** The number after the last operation that may have begun. */
    let granted = 1
    let acknowledged = 0
    /** @type {number[]} */
    const opening = []
    /** @type {import('./profiles.mjs').ProfileBrowser | undefined} */
    let browser
    try {
      for (let cycle = 0; cycle <= CYCLES; cycle += 1) {
        browser ??= await launchProfile(folder, BACK_ENDS[backEnd])
        const living = browser
        // The process that lay ready for the next page may have died as well.
        const page = await visit(living, server.origin).catch(() => visit(living, server.origin))
        opening.push(await verify(page, certain, granted))
        if (cycle === CYCLES) break
        page.on('console', message => {
          const [what, number] = message.text().split(' ')
          if (what !== 'ack') return
          acknowledged += 1
          const serial = Number(number)
          const { key } = operationOf(serial)
          if (serial > (certain.get(key) ?? 0)) certain.set(key, serial)
        })
        const devtools = await page.context().newCDPSession(page)
        const end = setTimeout(() => void kill(death, living, devtools), 50 + Math.random() ** 2 * 600)
        try {
          for (;;) {
            const from = granted
            granted += BATCH
            await page.evaluate(write, {
              operations: Array.from({ length: BATCH }, (_, at) => ({ serial: from + at, ...operationOf(from + at) })),
            })
          }
        } catch {
          // Killed, as it should be.
        }
        clearTimeout(end)
        if (death === 'browser') {
          await living.kill()
          browser = undefined
        } else await page.close().catch(() => {})
      }
    } finally {
      await browser?.kill()
      await server.close()
      rmSync(folder, { recursive: true, maxRetries: 5, retryDelay: 200 })
    }
    opening.sort((a, b) => a - b)
    t.diagnostic(
      `${acknowledged} acknowledged writes, ${CYCLES} deaths, 0 lost; 95 % bound ${((3 / CYCLES) * 100).toFixed(1)} % each; opened and read in ` +
        `${Math.round(opening[opening.length >> 1] ?? 0)} ms, at most ${Math.round(opening.at(-1) ?? 0)} ms`,
    )
    assert.ok(acknowledged > CYCLES * BATCH)
  })
}

/**
 * @param {import('./profiles.mjs').ProfileBrowser} browser
 * @param {string} origin
 */
async function visit(browser, origin) {
  const page = await browser.page()
  await visitLibrary(page, origin)
  return page
}

/**
 * @param {Death} death
 * @param {import('./profiles.mjs').ProfileBrowser} browser
 * @param {import('playwright-core').CDPSession} devtools of the page
 */
async function kill(death, browser, devtools) {
  if (death === 'browser') return browser.kill()
  // Neither is answered by who is dead.
  if (death === 'page') return void devtools.send('Page.crash').catch(() => {})
  const { processInfo } = await (await browser.devtools()).send('SystemInfo.getProcessInfo')
  for (const { type, id } of processInfo) if (type === 'renderer') process.kill(id, 'SIGKILL')
}

/**
 * In the page: all at once, each acknowledged on its own.
 * @param {{ operations: (ReturnType<typeof operationOf> & { serial: number })[] }} work
 */
function write({ operations }) {
  return Promise.all(
    operations.map(async ({ serial, key, isDelete, text }) => {
      if (isDelete) await cache.delete(key, { persist: 'stored' })
      else await cache.set(key, { serial, text }, { persist: 'stored' })
      console.log(`ack ${serial}`)
    }),
  ).then(() => {})
}

/**
 * How long it took to open and to read all, which is what was acknowledged or a later write.
 * @param {import('playwright-core').Page} page
 * @param {Map<string, number>} certain
 * @param {number} granted
 */
async function verify(page, certain, granted) {
  const { found, state, reason, errors, ms } = await page.evaluate(async keys => {
    const began = performance.now()
    // Not what is there in time is asked, but what is there.
    globalThis.cache = shelflife.createCache({ tiers: [{ store: shelflife.indexedDB({ name: 'kill' }), timeout: '1m' }] })
    const values = await cache.getMany(Array.from({ length: keys }, (_, at) => `k${at}`))
    const found = values.map(value => /** @type {{ serial: number, text: string } | null} */ (value ?? null))
    return { found, ...shelflife.tier(cache), ms: performance.now() - began }
  }, KEYS)
  assert.equal(state, 'on', reason)
  assert.deepEqual(errors, {})
  for (const [at, value] of found.entries()) {
    const key = `k${at}`
    const least = certain.get(key) ?? 0
    if (value === null) {
      let isPossible = least === 0
      for (let serial = Math.max(least, 1); serial < granted && !isPossible; serial += 1) {
        const operation = operationOf(serial)
        isPossible = operation.key === key && operation.isDelete
      }
      assert.ok(isPossible, `${key} is gone, its last acknowledged write is ${least}`)
      continue
    }
    const { key: itsKey, isDelete, text } = operationOf(value.serial)
    assert.deepEqual([itsKey, isDelete, value.text], [key, false, text], `${key} has what was never written`)
    assert.ok(value.serial >= least, `${key} has ${value.serial}, acknowledged was ${least}`)
    assert.ok(value.serial < granted)
    // It is there now, so it must be there next time.
    certain.set(key, value.serial)
  }
  return ms
}
