// Files of the browser's own that are damaged while it is not there: what a page finds then, with both back ends of Chromium's IndexedDB.

import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { bundle, serve, skip, visitLibrary } from './chromium.mjs'
import { BACK_ENDS, launchProfile } from './profiles.mjs'

/** Origins of which one file is damaged, by back end. `SHELFLIFE_CORRUPTIONS=200 node --test tests/e2e/corruption.test.mjs` for more. */
const CORRUPTIONS = Number(process.env.SHELFLIFE_CORRUPTIONS ?? 20)
/** From the opening of a page's store until it works, or says that it does not. */
const SOON_MS = 5000
/** What is done to a file of so many bytes. */
const DAMAGES = /** @type {Record<string, (file: string, bytes: Buffer) => void>} */ ({
  'random head': (file, bytes) => writeFileSync(file, randomIn(bytes, 0, 4096)),
  'random middle': (file, bytes) => writeFileSync(file, randomIn(bytes, bytes.length >> 1, 4096)),
  'random end': (file, bytes) => writeFileSync(file, randomIn(bytes, Math.max(0, bytes.length - 512), 512)),
  'one bit': (file, bytes) => {
    const at = Math.floor(Math.random() * bytes.length)
    bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << Math.floor(Math.random() * 8)), at)
    writeFileSync(file, bytes)
  },
  zeros: (file, bytes) => writeFileSync(file, bytes.fill(0, 0, Math.ceil(bytes.length / 2))),
  random: (file, bytes) => writeFileSync(file, randomIn(bytes, 0, bytes.length)),
  'cut in half': (file, bytes) => truncateSync(file, bytes.length >> 1),
  empty: file => truncateSync(file, 0),
  gone: file => rmSync(file),
})

/**
 * @param {Buffer} bytes
 * @param {number} from
 * @param {number} length
 */
function randomIn(bytes, from, length) {
  for (let at = from; at < Math.min(bytes.length, from + length); at += 1) bytes.writeUInt8(Math.floor(Math.random() * 256), at)
  return bytes
}

for (const [backEnd, args] of Object.entries(BACK_ENDS)) {
  describe(`damaged files of Chromium's IndexedDB, ${backEnd}`, { skip }, () => {
    test(`${CORRUPTIONS} origins: no wrong value, no loss without a word, and a store that works within ${SOON_MS} ms`, async t => {
      const folder = mkdtempSync(join(tmpdir(), 'shelflife-corrupt-'))
      const library = await bundle(new URL('library.page.ts', import.meta.url))
      const pages = { '/': '<!doctype html><title>test</title><script type="module" src="/entry.js"></script>', '/entry.js': library }
      const servers = await Promise.all(Array.from({ length: CORRUPTIONS }, () => serve(pages)))
      /**
       * In a browser of its own, one origin after another.
       * @template T
       * @param {() => Promise<T>} act in the page
       */
      const each = async act => {
        const browser = await launchProfile(folder, args)
        /** @type {T[]} */
        const results = []
        try {
          const page = await browser.page()
          /** @type {string[]} */
          const unhandled = []
          page.on('pageerror', error => unhandled.push(String(error)))
          for (const { origin } of servers) {
            await visitLibrary(page, origin)
            results.push(await page.evaluate(act))
          }
          assert.deepEqual(unhandled, [])
        } finally {
          await browser.close()
        }
        return results
      }
      try {
        await each(write)
        const done = servers.map(({ origin }, at) => damage(folder, new URL(origin).port, at))
        const found = await each(look)
        const again = await each(lookAgain)
        /** @type {Record<string, number>} */
        const totals = {}
        for (const [at, { wrong, missing, ms, state, reason, errors, code, works }] of found.entries()) {
          const what = `${done[at]}: ${JSON.stringify({ missing, ms: Math.round(ms), state, reason, errors, code, again: again[at] })}`
          t.diagnostic(what)
          assert.deepEqual(wrong, [], what)
          assert.ok(ms < SOON_MS, what)
          if (state === 'off') {
            // The engine opens no database at all any more: a page cannot do more than say so, and go on from memory.
            assert.match(reason ?? '', /Internal error opening backing store/)
            assert.equal(code, 'ERR_STORE', what)
            continue
          }
          assert.deepEqual([state, code, works], ['on', 'none', true], what)
          // For the engine a log that is cut is one that was not written further: it says nothing, and forgets what comes next, too.
          if (/^cut in half of .*\.log$/.test(done[at] ?? '')) continue
          if (missing > 0) assert.ok(Object.keys(errors).length > 0, `lost without a word: ${what}`)
          // Some damage is found by the engine at the visit after this only.
          const then = again[at]
          const isLost = then?.errors.lost !== undefined || then?.errors.deleted !== undefined
          assert.equal(then?.state, 'on', what)
          // Where the engine cannot read in one place it may forget, later and without a word, in another.
          if (errors.read === undefined) assert.equal(then?.works, !isLost, what)
          for (const [kind, count] of Object.entries(errors)) totals[kind] = (totals[kind] ?? 0) + count
        }
        t.diagnostic(JSON.stringify(totals))
        assert.ok(found.some(({ missing }) => missing > 0))
      } finally {
        await Promise.all(servers.map(server => server.close()))
        rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
      }
    })
  })
}

/**
 * Damages one file of an origin. Says which, and how.
 * @param {string} folder
 * @param {string} port
 * @param {number} at
 */
function damage(folder, port, at) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .filter(file => file.includes('IndexedDB') && file.includes(`_${port}`) && !/\/LO(CK|G)/.test(file) && statSync(file).size > 0)
    .sort()
  assert.ok(files.length > 0, `no files of ${port}`)
  const file = files[at % files.length] ?? ''
  const [name, act] = Object.entries(DAMAGES)[Math.floor(at / files.length) % Object.keys(DAMAGES).length] ?? ['', () => {}]
  act(file, readFileSync(file))
  return `${name} of ${file.slice(folder.length)}`
}

/** In the page. */
async function write() {
  const cache = shelflife.createCache({ store: shelflife.indexedDB({ name: 'corrupt' }) })
  const text = (/** @type {number} */ at, /** @type {number} */ version) => `${at};${version};`.repeat(at % 40 === 0 ? 20_000 : 100)
  for (const version of [0, 1]) {
    for (let at = 0; at < 120; at += version + 1) cache.set(`k${at}`, { at, version, text: text(at, version) })
    await cache.flush()
  }
  await cache.close()
}

/** In the page: what is there, and whether it works. */
async function look() {
  const began = performance.now()
  const cache = shelflife.createCache({ max: 10, tiers: [{ store: shelflife.indexedDB({ name: 'corrupt' }), timeout: '1m' }] })
  const text = (/** @type {number} */ at, /** @type {number} */ version) => `${at};${version};`.repeat(at % 40 === 0 ? 20_000 : 100)
  /** @type {string[]} */
  const wrong = []
  let missing = 0
  let ms = 0
  for (let at = 0; at < 120; at += 1) {
    const value = /** @type {any} */ (await cache.get(`k${at}`))
    if (at === 0) ms = performance.now() - began
    if (value === undefined) missing += 1
    else if (value.at !== at || value.text !== text(at, value.version)) wrong.push(`k${at} is ${JSON.stringify(value).slice(0, 99)}`)
  }
  const code = await cache.set('works', 'yes', { persist: 'stored' }).then(
    () => 'none',
    error => String(error.code),
  )
  cache.trim(1)
  const works = (await cache.get('works')) === 'yes'
  const { state, reason, errors } = shelflife.tier(cache)
  await cache.close()
  return { wrong, missing, ms, code, works, state, reason, errors }
}

/** In the page, at the next visit. */
async function lookAgain() {
  const cache = shelflife.createCache({ tiers: [{ store: shelflife.indexedDB({ name: 'corrupt' }), timeout: '1m' }] })
  const works = (await cache.get('works')) === 'yes'
  const { state, errors } = shelflife.tier(cache)
  await cache.close()
  return { state, works, errors }
}
