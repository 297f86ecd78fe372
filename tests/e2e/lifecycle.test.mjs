// Pages that freeze, thaw, go into the back/forward cache and come back, as Chromium does it.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { serveLibrary, skip } from './chromium.mjs'
import { openChromium } from './raw-chromium.mjs'
import { KEYS, observe, operate, operationsFrom, randomFrom } from './tab-work.mjs'

/** `SHELFLIFE_TAB_ROUNDS=500 node --test tests/e2e/lifecycle.test.mjs` for more. */
const ROUNDS = Number(process.env.SHELFLIFE_TAB_ROUNDS ?? 40)
/** How long a page that is awake may take to see what others have done. */
const SOON_MS = 3000

describe('pages that stand still, in Chromium', { skip }, () => {
  /** @type {Awaited<ReturnType<typeof serveLibrary>>} */
  let server
  /** @type {import('./raw-chromium.mjs').RawChromium} */
  let browser
  before(async () => {
    server = await serveLibrary({ '/elsewhere': '<!doctype html><title>elsewhere</title>' })
  })
  after(() => server?.close())

  /** Runs in a browser of its own. */
  const scene = (/** @type {string} */ name, /** @type {(t: import('node:test').TestContext) => Promise<void>} */ act) =>
    test(name, async t => {
      browser = await openChromium()
      try {
        await act(t)
      } finally {
        await browser.close()
      }
    })

  async function tab() {
    const tab = await browser.tab(server.origin)
    await tab.evaluate(begin)
    return tab
  }
  /** @typedef {Awaited<ReturnType<typeof tab>>} Tab */

  /** Waits until a page sees what it should. Gives how long that took, in milliseconds. */
  async function until(/** @type {Tab} */ tab, /** @type {string[]} */ keys, /** @type {unknown[]} */ expected) {
    for (const began = performance.now(); ; ) {
      const found = await tab.evaluate(keys => Promise.all(keys.map(async key => (await cache.get(key)) ?? null)), keys)
      const ms = performance.now() - began
      if (JSON.stringify(found) === JSON.stringify(expected)) return ms
      if (ms > SOON_MS) assert.deepEqual(found, expected)
    }
  }

  /** What others do meanwhile. */
  const change = (/** @type {Tab} */ tab) =>
    tab.evaluate(async () => {
      await cache.set('set', 2, { persist: 'stored' })
      await cache.delete('deleted', { persist: 'stored' })
      await cache.invalidateTags(['t'], { persist: 'stored' })
    })
  const KEYS_OF_CHANGE = ['set', 'deleted', 'tagged', 'queued']

  /** Two tabs that know the same; the second is in front, and the first has something queued. */
  async function pair() {
    const [one, two] = [await tab(), await tab()]
    await one.evaluate(async () => {
      await cache.set('set', 1)
      await cache.set('deleted', 1)
      await cache.set('tagged', 1, { tags: ['t'] })
      await cache.flush()
    })
    for (const each of [one, two]) await until(each, KEYS_OF_CHANGE, [1, 1, 1, null])
    await two.show()
    await one.evaluate(() => void cache.set('queued', 1))
    return { one, two }
  }

  scene('a page that freezes has written what was queued, and when it thaws it sees what others did', async t => {
    const { one, two } = await pair()
    await one.freeze()
    const written = await until(two, KEYS_OF_CHANGE, [1, 1, 1, 1])
    await change(two)
    await new Promise(resolve => setTimeout(resolve, 200))
    await one.thaw()
    const seen = await until(one, KEYS_OF_CHANGE, [2, null, null, 1])
    t.diagnostic(`what was queued was there after ${Math.round(written)} ms, what was missed ${Math.round(seen)} ms after thawing`)
    assert.deepEqual(await one.evaluate(() => lived), ['freeze', 'resume'])
    for (const each of [one, two]) assert.deepEqual(await each.evaluate(() => shelflife.tier(cache).errors), {})
  })

  scene('a page in the back/forward cache has written what was queued; it comes back as it was, and sees what others did', async t => {
    const { one, two } = await pair()
    await one.visit(`${server.origin}/elsewhere`)
    const written = await until(two, KEYS_OF_CHANGE, [1, 1, 1, 1])
    await change(two)
    await new Promise(resolve => setTimeout(resolve, 200))
    await one.back()
    const seen = await until(one, KEYS_OF_CHANGE, [2, null, null, 1])
    t.diagnostic(`what was queued was there after ${Math.round(written)} ms, what was missed ${Math.round(seen)} ms after coming back`)
    const lived = await one.evaluate(() => globalThis.lived)
    assert.deepEqual(
      lived.filter(what => what.startsWith('page')),
      ['pagehide true', 'pageshow true'],
    )
    await one.evaluate(() => cache.set('set', 3, { persist: 'stored' }))
    await until(two, ['set'], [3])
    await two.evaluate(() => cache.set('set', 4, { persist: 'stored' }))
    await until(one, ['set'], [4])
  })

  scene('a page that freezes while it loads does not keep the others from loading', async t => {
    const { one, two } = await pair()
    await one.evaluate(() => void cache.getOrSet('loaded', () => new Promise(() => {})).catch(() => {}))
    await new Promise(resolve => setTimeout(resolve, 100))
    await one.freeze()
    const began = performance.now()
    assert.equal(await two.evaluate(() => cache.getOrSet('loaded', async () => 'two')), 'two')
    const ms = performance.now() - began
    t.diagnostic(`the other has loaded it after ${Math.round(ms)} ms`)
    assert.ok(ms < 12_000)
    assert.equal((await two.evaluate(() => shelflife.tier(cache).errors)).unlocked, 1)
    await one.thaw()
    await until(one, ['queued'], [1])
  })

  scene(`four tabs, ${ROUNDS} rounds of random operations, freezing, leaving, coming back, closing: all converge`, async t => {
    const seed = Number(process.env.SHELFLIFE_SEED ?? Date.now() % 1e6)
    t.diagnostic(`seed ${seed}`)
    const random = randomFrom(seed)
    const nextOperations = operationsFrom(random)
    /** @typedef {{ tab: Tab, state: 'awake' | 'frozen' | 'away', busy: Promise<void> }} Actor */
    const opened = async () => /** @type {Actor} */ ({ tab: await tab(), state: 'awake', busy: Promise.resolve() })
    const actors = [await opened(), await opened(), await opened(), await opened()]
    const counts = { operations: 0, freezes: 0, leaves: 0, kept: 0, anew: 0, closes: 0, checks: 0 }
    const wake = async (/** @type {Actor} */ actor) => {
      if (actor.state === 'frozen') await actor.tab.thaw()
      else if (actor.state === 'away') {
        await actor.tab.back()
        // It may have been too much for the browser to keep.
        const isKept = await actor.tab.evaluate(() => 'cache' in globalThis)
        counts[isKept ? 'kept' : 'anew'] += 1
        if (!isKept) await actor.tab.evaluate(begin)
      }
      actor.state = 'awake'
    }
    for (let round = 1; round <= ROUNDS; round += 1) {
      for (const actor of actors) {
        if (actor.state !== 'awake') continue
        const operations = nextOperations()
        counts.operations += operations.length
        // Not awaited: tabs work at the same time.
        actor.busy = actor.tab.evaluate(operate, operations)
      }
      await Promise.all(actors.map(({ busy }) => busy))
      const actor = actors[random(actors.length)]
      const other = actors.find(one => one !== actor && one.state === 'awake')
      const dice = random(10)
      assert.ok(actor)
      if (actor.state !== 'awake') {
        if (dice < 4) await wake(actor)
      } else if (other !== undefined && dice < 7) {
        await other.tab.show()
        // Something is queued when it happens.
        if (random(2) === 0) await actor.tab.evaluate(round => void cache.set('k0', `last of ${round}`), round)
        if (dice < 3) {
          counts.freezes += 1
          await actor.tab.freeze()
          actor.state = 'frozen'
        } else if (dice < 6) {
          counts.leaves += 1
          await actor.tab.visit(`${server.origin}/elsewhere`)
          actor.state = 'away'
        } else {
          counts.closes += 1
          await actor.tab.close()
          actors[actors.indexOf(actor)] = await opened()
        }
      }
      if (round % 5 > 0 && round < ROUNDS) continue
      for (const each of actors) await wake(each)
      await Promise.all(actors.map(each => each.tab.evaluate(() => cache.flush())))
      counts.checks += 1
      for (const began = performance.now(); ; ) {
        const seen = await Promise.all(actors.map(each => each.tab.evaluate(observe, KEYS)))
        if (new Set(seen).size === 1) break
        if (performance.now() - began > SOON_MS) assert.fail(`in round ${round}:\n${seen.join('\n')}`)
      }
    }
    t.diagnostic(JSON.stringify(counts))
    if (browser.notKept.length > 0) t.diagnostic(`not kept: ${[...new Set(browser.notKept)].join(', ')}`)
    assert.ok(counts.kept > 0)
    const tiers = await Promise.all(actors.map(({ tab }) => tab.evaluate(() => shelflife.tier(cache))))
    t.diagnostic(JSON.stringify(tiers.map(({ errors }) => errors)))
    for (const { state, dropped } of tiers) assert.deepEqual([state, dropped], ['on', 0])
  })
})

/** In the page. */
async function begin() {
  while (globalThis.shelflife === undefined) await new Promise(resolve => setTimeout(resolve, 5))
  globalThis.cache = shelflife.createCache({ max: 1000, store: shelflife.indexedDB({ name: 'still' }) })
  globalThis.lived = []
  for (const type of ['freeze', 'resume']) document.addEventListener(type, () => lived.push(type))
  for (const type of ['pagehide', 'pageshow'])
    addEventListener(type, event => lived.push(`${type} ${/** @type {PageTransitionEvent} */ (event).persisted}`))
  await cache.get('none')
}
