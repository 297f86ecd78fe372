// The dashboard that an admin handler serves, in Chromium: what it shows, to whom, and what names of strangers can do to it.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, afterEach, before, describe, test } from 'node:test'
import { violations } from './axe.mjs'
import { launchChromium, skip } from './chromium.mjs'

const built = (/** @type {string} */ name) => import(String(new URL(`../../dist/${name}.js`, import.meta.url)))
/** @type {typeof import('../../js/index.ts')} */
const { bulkhead, circuitBreaker, createCache, createFetch, createMonitor, createQueue, createRegistry } = await built('index')
/** @type {typeof import('../../js/admin.ts')} */
const { createAdminHandler, toNodeListener } = await built('admin')

const TOKEN = 'a-token-for-tests-only'

/** @type {import('playwright-core').Browser} */
let browser
before(async () => {
  if (skip) return
  // A stranger's name leads to this machine.
  browser = await launchChromium({ args: ['--no-sandbox', '--disable-gpu', '--host-resolver-rules=MAP evil.example 127.0.0.1'] })
})
after(() => browser?.close())

/** What a test has opened. A server that is left open by one that fails would keep this process. @type {(() => unknown)[]} */
const opened = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

/**
 * A handler over what `watch` has a monitor watch, on loopback.
 *
 * @param {(monitor: import('../../js/index.ts').Monitor) => void} watch
 * @param {import('../../js/admin.ts').AdminOptions} [options]
 */
async function served(watch, options = {}) {
  const monitor = createMonitor({ name: 'api', interval: 100 })
  watch(monitor)
  const admin = createAdminHandler(monitor, { token: TOKEN, ...options })
  /** @type {string[]} */
  const asked = []
  const handler = { now: admin }
  const listen = toNodeListener((...asked) => handler.now(...asked))
  const server = createServer((request, response) => {
    response.on('finish', () => asked.push(`${request.headers.host} ${request.url} ${response.statusCode}`))
    listen(request, response)
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  opened.push(() => {
    admin.close()
    monitor.close()
    server.closeAllConnections()
    server.close()
  })
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return { monitor, admin, handler, asked, port, url: `http://127.0.0.1:${port}/` }
}

/**
 * Opens the page in a context of its own. `complaints` are errors, warnings, dialogs and violations of the policy.
 *
 * @param {string} url
 * @param {import('playwright-core').BrowserContextOptions} [options]
 */
async function visit(url, options) {
  const context = await browser.newContext(options)
  opened.push(() => context.close())
  const page = await context.newPage()
  /** @type {string[]} */
  const complaints = []
  page.on('console', message => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', error => complaints.push(String(error)))
  page.on('dialog', dialog => {
    complaints.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('request', request => {
    if (!request.url().startsWith(new URL(url).origin)) complaints.push(`request: ${request.url()}`)
  })
  await page.exposeFunction('reportViolation', (/** @type {string} */ what) => complaints.push(`CSP: ${what}`))
  await page.addInitScript(
    "document.addEventListener('securitypolicyviolation', event => reportViolation(event.violatedDirective + ' ' + event.blockedURI))",
  )
  await page.goto(url)
  return { page, complaints }
}

/** @param {import('playwright-core').Page} page */
const isLive = page => page.waitForSelector('main[data-state="live"] .board')

/** Something of everything, so that every panel has rows. @param {import('../../js/index.ts').Monitor} monitor */
function everything(monitor) {
  const cache = createCache({ max: 100, maxSize: '1mb' })
  for (let n = 0; n < 400; n += 1) void cache.set(`user:${n % 150}`, { n })
  for (let n = 0; n < 400; n += 1) void cache.get(`user:${n % 200}`)
  const fetch = createFetch({ perHost: 2, fetch: () => new Promise(() => {}) })
  const hanging = new AbortController()
  opened.push(() => hanging.abort())
  for (let n = 0; n < 5; n += 1) void fetch(`https://api.example/${n}`, { signal: hanging.signal }).catch(() => {})
  const breaker = circuitBreaker()
  breaker.isolate('payments')
  const queue = createQueue({ concurrency: 1 })
  for (let n = 0; n < 3; n += 1) void queue.add(() => new Promise(() => {})).catch(() => {})
  monitor.watch('users', cache)
  monitor.watch('upstream', fetch)
  monitor.watch('cards', breaker)
  monitor.watch('exports', queue)
  monitor.watch('gate', bulkhead({ concurrency: 1 }))
  monitor.batch('import')({ done: 30, failed: 1, total: 100, skipped: 0, batches: 3, batchSize: 10, rate: 12, remainingMs: 5750 })
  monitor.provide('slow', () => [{ name: 'load', ms: 812, at: Date.now(), detail: 'user:7' }])
  monitor.provide('alerts', () => [
    { name: 'Slow loads', state: 'firing', severity: 'critical', summary: 'p95 is 812 ms', since: Date.now() },
  ])
  monitor.provide('recommendations', () => [
    {
      id: 'room',
      severity: 'warning',
      title: 'More room',
      option: 'max',
      from: 100,
      to: 200,
      gain: '+8 points',
      evidence: { evicted: '61 %' },
      keys: ['user:7'],
    },
  ])
}

describe('the page', { skip }, () => {
  for (const width of [360, 1440])
    for (const colorScheme of /** @type {const} */ (['light', 'dark']))
      test(`has nothing that axe-core finds, and nothing sticks out, at ${width} pixels, ${colorScheme}`, async () => {
        const { url } = await served(everything, { allowWrites: true })
        const { page, complaints } = await visit(`${url}#token=${TOKEN}`, {
          viewport: { width, height: 900 },
          colorScheme,
          bypassCSP: true,
        })
        await isLive(page)
        await page.waitForSelector('[data-panel="hosts"] tbody tr')
        for (const summary of await page.locator('summary').all()) await summary.click()
        assert.deepEqual(await violations(page), [])
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width)
        assert.deepEqual(complaints, [])
      })

  test('shows everything that is watched, live, and keeps the token to itself', async () => {
    const { url, monitor } = await served(everything)
    const { page, complaints } = await visit(`${url}#token=${TOKEN}`)
    await isLive(page)
    assert.equal(page.url(), url)
    const cells = (/** @type {string} */ panel) =>
      page.locator(`[data-panel="${panel}"] tbody tr`).first().locator('th, td').allTextContents()
    await page.waitForSelector('[data-panel="hosts"] tbody tr')
    assert.deepEqual(await cells('hosts'), ['api.example', 'upstream', 'closed', '2', '3', '0'])
    assert.deepEqual((await cells('caches')).slice(0, 5), ['users', 'memory', 'on', '100', '100'])
    assert.deepEqual((await cells('batches')).slice(0, 5), ['import', 'running', '31.0 %', '100', '1'])
    assert.deepEqual((await cells('slow')).slice(0, 3), ['load', '812 ms', '1'])
    assert.match((await cells('slow'))[4] ?? '', /^u…[0-9a-f]{8}$/)
    const limits = await page.locator('[data-panel="limits"]').textContent()
    for (const text of ['cards', 'isolated', 'exports', 'waiting', 'gate', 'room']) assert.ok(limits?.includes(text), text)
    const attention = await page.locator('.attend').textContent()
    for (const text of ['Slow loads', 'firing since', 'More room', 'max 100 → 200', '+8 points']) assert.ok(attention?.includes(text), text)
    // It changes nothing, so it offers nothing.
    assert.equal(await page.getByRole('button', { name: 'Apply: More room' }).count(), 0)
    const queue = createQueue({ concurrency: 1 })
    monitor.watch('later', queue)
    await page.waitForSelector('[data-panel="limits"] th:text-is("later")')
    assert.deepEqual(complaints, [])
  })

  test('applies a recommendation where that is allowed', async () => {
    let applied = 0
    const { url } = await served(
      monitor => {
        const all = [
          { id: 'a/b', severity: /** @type {const} */ ('info'), title: 'First', apply: () => (applied += 1) },
          {
            id: 'c',
            severity: /** @type {const} */ ('info'),
            title: 'Second',
            apply() {
              throw new Error('no')
            },
          },
        ]
        monitor.provide('recommendations', () => all)
      },
      { allowWrites: true },
    )
    const { page } = await visit(`${url}#token=${TOKEN}`)
    await isLive(page)
    await page.getByRole('button', { name: 'Apply: First' }).click()
    await page.getByText('Applied: First').waitFor()
    assert.equal(applied, 1)
    await page.getByRole('button', { name: 'Apply: Second' }).click()
    await page.getByText('Not applied: it failed').waitFor()
  })

  test('can be used by key alone, paused, and in either theme', async () => {
    const { url } = await served(everything)
    const { page, complaints } = await visit(`${url}#token=${TOKEN}`, { colorScheme: 'light' })
    await isLive(page)
    /** @type {string[]} */
    const stops = []
    for (let at = 0; at < 30; at += 1) {
      await page.keyboard.press('Tab')
      stops.push(await page.evaluate(() => document.activeElement?.textContent?.slice(0, 20) ?? ''))
    }
    for (const stop of ['Skip to the figures', 'Pause', 'Theme: auto', 'Table of latency'])
      assert.ok(stops.includes(stop), `${stop} in ${stops.join('|')}`)
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    const light = await background()
    await page.getByRole('button', { name: 'Theme: auto' }).press('Enter')
    assert.equal(await background(), light)
    await page.getByRole('button', { name: 'Theme: light' }).press('Enter')
    assert.notEqual(await background(), light)
    await page.reload()
    await page.getByRole('button', { name: 'Theme: dark' }).waitFor()
    await isLive(page)
    const time = () => page.locator('.at').textContent()
    await page.getByRole('button', { name: 'Pause' }).press('Enter')
    const paused = await time()
    await page.waitForTimeout(1500)
    assert.equal(await time(), paused)
    assert.deepEqual(complaints, [])
  })

  test('says when it is not connected, and connects again', async () => {
    const { url, monitor, handler } = await served(everything)
    const { page } = await visit(`${url}#token=${TOKEN}`)
    await isLive(page)
    handler.now.close()
    await page.getByText('Not connected; trying again').waitFor()
    handler.now = createAdminHandler(monitor, { token: TOKEN })
    await isLive(page)
    handler.now.close()
  })

  test('asks for the token where it is missing or wrong', async () => {
    const { url } = await served(everything)
    const { page } = await visit(`${url}#token=wrong`)
    await page.waitForSelector('main[data-state="refused"]')
    assert.equal(await page.locator('main .board .value').first().textContent(), '–')
    await page.getByLabel('Token').fill(TOKEN)
    await page.getByLabel('Token').press('Enter')
    await isLive(page)
    assert.equal(page.url(), url)
  })
})

test('the files of the page are below its base, without the token; nothing else is', async () => {
  const { url } = await served(() => {}, { basePath: '/ops/admin' })
  const status = async (/** @type {string} */ path) => (await fetch(url + path, { redirect: 'manual' })).status
  const bare = await fetch(`${url}ops/admin`, { redirect: 'manual' })
  assert.deepEqual([bare.status, bare.headers.get('location')], [308, '/ops/admin/'])
  for (const file of ['', 'index.html', 'dashboard.js', 'dashboard.css', 'icon.svg']) {
    const { status, headers } = await fetch(`${url}ops/admin/${file}`)
    assert.equal(status, 200, file)
    assert.match(headers.get('content-security-policy') ?? '', /^default-src 'none'.*frame-ancestors 'none'.*trusted-types 'none'$/)
    assert.equal(headers.get('x-content-type-options'), 'nosniff')
  }
  for (const path of ['', 'dashboard.js', 'ops/dashboard.js']) assert.equal(await status(path), 404, path)
  for (const path of ['stats', 'events', 'main.ts', '..%2fstats', '__proto__']) assert.equal(await status(`ops/admin/${path}`), 401, path)
})

describe('names of strangers', { skip }, () => {
  const SCRIPTS = [
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '"><svg onload=alert(1)>',
    "'-alert(1)-'",
    'javascript:alert(1)',
    '<iframe srcdoc="<script>alert(1)</script>">',
    '<link rel=stylesheet href=//evil.example/x.css>',
    '{{constructor.constructor("alert(1)")()}}',
    '$' + '{alert(1)}',
    '</td></table><script>alert(1)</script>',
    '<style>@import "//evil.example/x"</style>',
    '<base href="//evil.example/">',
    '<form action="//evil.example"><input name=x autofocus onfocus=alert(1)>',
    '\u202Egnp.exe',
    '\u0000\u0007\u001b[31m',
    '__proto__',
    'constructor',
    '\ud800',
    'a'.repeat(100_000),
    '',
    '%3Cscript%3Ealert(1)%3C/script%3E',
    '&lt;script&gt;alert(1)&lt;/script&gt;',
    '\u2028data: {"x":1}\n\nevent: hello\ndata: {}\n\n',
    '<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>',
    '<a href="javascript:alert(1)" style="position:fixed;inset:0">x</a>',
  ]
  const NAMES = Array.from({ length: 1000 }, (_, n) => `${n % 4 === 0 ? n : ''}${SCRIPTS[n % SCRIPTS.length]}${n % 3 === 0 ? n : ''}`)

  test('1 000 of them, wherever names are shown: no dialog, no violation, no request, and the page goes on', async () => {
    const registry = createRegistry()
    let from = 0
    const some = (/** @type {number} */ count) => Array.from({ length: count }, (_, at) => NAMES[(from + at) % NAMES.length] ?? '')
    const { url, monitor, admin } = await served(
      monitor => {
        const cache = createCache({ max: 20 })
        // As they come, so that each is among the hottest for a while.
        const keys = { next: 0 }
        setInterval(() => {
          for (let n = 0; n < 20; n += 1) {
            const key = NAMES[keys.next % NAMES.length] ?? ''
            keys.next += 1
            void cache.set(key, key).then(() => cache.get(key))
          }
          from += 20
        }, 90).unref()
        monitor.watch('users', cache)
        const breaker = circuitBreaker()
        for (const name of NAMES.slice(0, 30)) breaker.isolate(name)
        monitor.watch('cards', breaker)
        for (const name of NAMES.slice(0, 20)) {
          if (name !== '' && name.length < 200) monitor.watch(name, createCache({ max: 1 }))
          monitor.batch(name)
          registry
            .timer({ name: 'load_seconds', labelNames: ['kind'] })
            .with({ kind: name })
            .observe(1)
        }
        monitor.provide('slow', () => some(20).map(name => ({ name, ms: 1, at: Date.now(), detail: name })))
        monitor.provide('alerts', () => some(20).map(name => ({ name, state: 'firing', summary: name })))
        monitor.provide('recommendations', () =>
          some(20).map(name => ({
            id: name,
            severity: 'info',
            title: name,
            detail: name,
            gain: name,
            option: name,
            from: name,
            to: name,
            keys: [name],
            evidence: { [name]: name },
          })),
        )
      },
      { showKeys: true, allowWrites: true, registry },
    )
    const { page, complaints } = await visit(`${url}#token=${TOKEN}`)
    await isLive(page)
    let told = 0
    monitor.on('point', () => (told += 1))
    const shown = new Set()
    // A busy machine looks less often.
    while (told < 70 || (shown.size <= 100 && told < 700)) {
      await page.waitForTimeout(300)
      for (const key of await page.locator('.keys li').allTextContents()) shown.add(key)
    }
    assert.deepEqual(complaints, [])
    assert.ok(shown.size > 100, `${shown.size} keys were seen`)
    assert.ok(
      [...shown].some(key => key.includes('<script>alert(1)</script>')),
      'as they are',
    )
    assert.ok(
      [...shown].some(key => key.includes('\\u{202e}')),
      'what cannot be seen is spelt out',
    )
    const made = await page.evaluate(
      () =>
        document.querySelectorAll('main script, main img, main iframe, main link, main style, main form, main base, main math, main a')
          .length,
    )
    assert.equal(made, 0)
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 1280)
    assert.equal(await page.getAttribute('main', 'data-state'), 'live')
    assert.equal(admin.readers, 1)
    assert.deepEqual(complaints, [])
  })
})

describe('pages of strangers', { skip }, () => {
  test('learn nothing, by any name of this machine and with the token', async () => {
    const { port, asked } = await served(everything, { allowWrites: true, caches: { users: createCache({ max: 1 }) } })
    const stranger = createServer((_, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>x</title>'),
    )
    await new Promise(resolve => stranger.listen(0, '127.0.0.1', () => resolve(undefined)))
    const { port: strange } = /** @type {import('node:net').AddressInfo} */ (stranger.address())
    const context = await browser.newContext()
    const page = await context.newPage()
    for (const from of [`http://evil.example:${strange}`, `http://127.0.0.1:${strange}`, `http://evil.example:${port}/nowhere`]) {
      await page.goto(from)
      const learned = await page.evaluate(
        async ([port, token]) => {
          /** @type {string[]} */
          const learned = []
          for (const host of ['127.0.0.1', 'localhost', 'evil.example'])
            for (const path of ['stats', 'events', 'metrics', 'history'])
              for (const mode of /** @type {RequestMode[]} */ (['cors', 'no-cors', 'same-origin']))
                for (const authorization of [undefined, `Bearer ${token}`]) {
                  const headers = authorization === undefined ? {} : { authorization }
                  try {
                    const response = await fetch(`http://${host}:${port}/${path}`, { mode, headers: /** @type {HeadersInit} */ (headers) })
                    if (response.ok) learned.push(`${host} ${path} ${mode} ${await response.text()}`)
                  } catch {
                    // As it should be.
                  }
                }
          await fetch(`http://127.0.0.1:${port}/cache/clear`, { method: 'POST', mode: 'no-cors', body: '{"cache":"users"}' }).catch(
            () => {},
          )
          return learned
        },
        /** @type {[number, string]} */ ([port, TOKEN]),
      )
      assert.deepEqual(learned, [], from)
    }
    const answered = asked.filter(line => / 2\d\d$/.test(line))
    assert.deepEqual(answered, [])
    assert.ok(
      asked.some(line => line.startsWith('evil.example') && line.endsWith('421')),
      'names that lead here were tried',
    )
    await context.close()
    stranger.close()
  })
})
