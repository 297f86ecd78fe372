// The dashboard in Chromium: what a visitor sees on a first visit, after a reload, and while the origin fails.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { buildWww } from '../../scripts/build-www.mjs'
import { createOrigin } from '../../www/origin/server.mjs'
import { violations } from './axe.mjs'
import { launchChromium, skip } from './chromium.mjs'

/** @type {Awaited<ReturnType<typeof createOrigin>>} */
let origin
/** @type {import('playwright-core').Browser} */
let browser

before(async () => {
  if (skip) return
  await buildWww()
  origin = await createOrigin({ pages: fileURLToPath(new URL('../../www/dist', import.meta.url)) })
  browser = await launchChromium()
})
after(async () => {
  await browser?.close()
  await origin?.close()
})

test('a first visit fetches, a reload is served from IndexedDB, and nothing is complained about', { skip }, async t => {
  const { page, complaints, close } = await visit()
  await ready(page)
  const first = await start(page)
  assert.ok(first.keys > 400, `${first.keys} keys`)
  assert.equal(first.indexeddb, 0)
  assert.equal(first.origin, first.keys)
  assert.match(await text(page, 'status'), /^Started cold/)

  const before = origin.state().counts.requests
  await page.reload()
  await ready(page)
  const second = await start(page)
  const share = second.indexeddb / second.keys
  t.diagnostic(`first visit: ${first.origin} of ${first.keys} keys from the origin in ${first.ms.toFixed(0)} ms`)
  t.diagnostic(
    `reload: ${second.indexeddb} of ${second.keys} keys from IndexedDB in ${second.ms.toFixed(0)} ms, ${second.origin} from the origin`,
  )
  assert.equal(second.keys, first.keys)
  assert.ok(share >= 0.95, `${share} from IndexedDB`)
  assert.match(await text(page, 'status'), /^Started warm/)
  // The page's own figures, checked from outside.
  const asked = origin.state().counts.requests - before
  const sent = await figure(page, 'sent')
  assert.ok(asked >= second.origin && sent >= second.origin, `the origin counted ${asked} requests, the page ${sent}`)
  assert.deepEqual(complaints, [])
  await close()
})

test('the figures add up and move', { skip }, async () => {
  const { page, complaints, close } = await visit()
  await ready(page)
  const reads = await figure(page, 'reads')
  await page.waitForFunction(before => Number(document.querySelector('[data-figure="reads"]')?.getAttribute('data-value')) > before, reads)
  await page.click('button[data-action="traffic"]')
  await page.waitForFunction(() => document.querySelector('[data-figure="in-flight"]')?.getAttribute('data-value') === '0')
  // One more tick, so that all figures are of the same moment.
  await page.waitForTimeout(1300)
  const rows = await page.$$eval('[data-place="sources"] tbody tr', all =>
    all.map(row => Number(/** @type {HTMLElement} */ (row).dataset.reads)),
  )
  assert.equal(
    rows.reduce((sum, count) => sum + count, 0),
    await figure(page, 'reads'),
  )
  assert.ok((await figure(page, 'hit-rate')) > 0.5)
  assert.ok((await entries(page, 'memory')) > 400)
  assert.ok((await entries(page, '1')) > 400)
  assert.equal(await figure(page, 'failed'), 0)
  const rates = await page.$$eval('[data-panel="curve"] tbody tr', all =>
    all.map(row => Number.parseFloat(row.lastElementChild?.textContent ?? '')),
  )
  assert.equal(rates.length, 8)
  assert.ok(
    rates.every((rate, at) => rate > 10 && rate >= (rates[at - 1] ?? 0)),
    `hit rates ${rates}`,
  )
  const misses = page.locator('figure', { hasText: 'Misses by reason' })
  await misses.locator('summary').click()
  assert.deepEqual(await misses.locator('thead th').allTextContents(), ['Time', 'cold', 'evicted', 'expired', 'invalidated', 'deleted'])
  assert.match((await misses.locator('tbody tr').first().textContent()) ?? '', /^\d\d:\d\d:\d\d(\d.* \/s){5}$/)

  await page.click('button[data-action="clear-memory"]')
  await page.waitForFunction(() => document.querySelector('tr[data-tier="memory"] [data-value]')?.getAttribute('data-value') === '0')
  assert.ok((await entries(page, '1')) > 400, 'IndexedDB keeps what memory forgets')
  await page.click('button[data-action="clear-all"]')
  await page.waitForFunction(() => document.querySelector('tr[data-tier="1"] [data-value]')?.getAttribute('data-value') === '0')
  assert.deepEqual(complaints, [])
  await close()
})

test('under pressure the governor takes memory back, and the dashboard shows it', { skip }, async () => {
  const { page, complaints, close } = await visit()
  await ready(page)
  assert.ok((await entries(page, 'memory')) > 400)
  await page.click('button[data-action="pressure"]')
  await page.waitForSelector('[data-panel="limits"] tbody th:text-is("governor")')
  await page.waitForFunction(() => Number(document.querySelector('tr[data-tier="memory"] [data-value]')?.getAttribute('data-value')) < 300)
  await page.click('button[data-action="pressure"]')
  await page.waitForSelector('[data-panel="limits"] tbody th:text-is("governor")', { state: 'detached' })
  assert.deepEqual(complaints, [])
  await close()
})

test('two tabs show each other', { skip }, async () => {
  const { page, complaints, close } = await visit()
  await ready(page)
  const other = await page.context().newPage()
  await other.goto(origin.url)
  const choice = page.getByLabel('Client')
  await choice.locator('option').nth(1).waitFor({ state: 'attached' })
  assert.equal(await choice.locator('option').count(), 2)
  await choice.selectOption({ index: 1 })
  await page.waitForFunction(() => Number(document.querySelector('tr[data-tier="memory"] [data-value]')?.getAttribute('data-value')) > 0)
  await other.close()
  await choice.waitFor({ state: 'hidden' })
  assert.deepEqual(complaints, [])
  await close()
})

test('when the origin fails, the page says how, by code, and goes on', { skip }, async () => {
  const { page, unhandled, close } = await visit()
  await ready(page)
  await page.click('button[data-action="faults"]')
  await page.waitForFunction(() => Number(document.querySelector('[data-figure="failed"]')?.getAttribute('data-value')) >= 10)
  const codes = await page.$$eval('[data-panel="failures"] tbody th', all => all.map(cell => cell.textContent))
  assert.ok(codes.length > 0 && codes.every(code => /^ERR_[A-Z_]+$/.test(String(code))), codes.join(', '))
  const memory = await page.$eval('[data-source="memory"]', row => Number(/** @type {HTMLElement} */ (row).dataset.reads))
  await page.waitForFunction(
    before => Number(/** @type {HTMLElement} */ (document.querySelector('[data-source="memory"]')).dataset.reads) > before,
    memory,
  )
  await page.click('button[data-action="faults"]')
  await page.waitForSelector('button[data-action="faults"][aria-pressed="false"]')
  assert.deepEqual(origin.state().conditions.faults, {})
  assert.deepEqual(unhandled, [])
  await close()
})

for (const width of [360, 1440])
  for (const colorScheme of /** @type {const} */ (['light', 'dark']))
    test(`nothing sticks out, and axe-core finds nothing, at ${width} pixels, ${colorScheme}`, { skip }, async () => {
      const { page, close } = await visit({ viewport: { width, height: 900 }, colorScheme, bypassCSP: true })
      await ready(page)
      await page.waitForSelector('[data-panel="caches"] tbody tr')
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width)
      assert.deepEqual(await violations(page), [])
      await close()
    })

/**
 * Opens the page in a context of its own. `complaints` are errors of any kind, `unhandled` only those nobody caught.
 *
 * @param {import('playwright-core').BrowserContextOptions} [options]
 */
async function visit(options) {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  /** @type {string[]} */
  const complaints = []
  /** @type {string[]} */
  const unhandled = []
  page.on('console', message => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', error => {
    unhandled.push(String(error))
    complaints.push(String(error))
  })
  await page.exposeFunction('reportViolation', (/** @type {string} */ what) => complaints.push(`CSP: ${what}`))
  await page.addInitScript(
    "document.addEventListener('securitypolicyviolation', event => reportViolation(event.violatedDirective + ' ' + event.blockedURI))",
  )
  await page.goto(origin.url)
  return { page, complaints, unhandled, close: () => context.close() }
}

/** @param {import('playwright-core').Page} page */
async function ready(page) {
  await page.waitForSelector('main[data-state="ready"]')
}

/**
 * @param {import('playwright-core').Page} page
 * @param {string} name
 */
async function figure(page, name) {
  return Number(await page.getAttribute(`[data-figure="${name}"]`, 'data-value'))
}

/**
 * The entries of a tier, as the table of caches says.
 *
 * @param {import('playwright-core').Page} page
 * @param {string} tier `'memory'`, or the place of one below
 */
async function entries(page, tier) {
  return Number(await page.getAttribute(`tr[data-tier="${tier}"] [data-value]`, 'data-value'))
}

/**
 * @param {import('playwright-core').Page} page
 * @param {string} name
 */
async function text(page, name) {
  return (await page.textContent(`[data-text="${name}"]`)) ?? ''
}

/** @param {import('playwright-core').Page} page */
async function start(page) {
  const [keys, indexeddb, fromOrigin, ms] = await Promise.all(
    ['keys', 'indexeddb', 'origin', 'ms'].map(name => figure(page, `start-${name}`)),
  )
  return { keys: Number(keys), indexeddb: Number(indexeddb), origin: Number(fromOrigin), ms: Number(ms) }
}
