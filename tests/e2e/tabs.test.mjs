// Several tabs of one origin on one store: what one changes the others forget, and a key is loaded by one of them.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { libraryInChromium, skip } from './chromium.mjs'
import { KEYS, observe, operate, operationsFrom, randomFrom } from './tab-work.mjs'

/** `SHELFLIFE_TAB_ROUNDS=500 node --test tests/e2e/tabs.test.mjs` for more. */
const ROUNDS = Number(process.env.SHELFLIFE_TAB_ROUNDS ?? 40)

describe('tabs, in Chromium', { skip }, () => {
  const library = libraryInChromium()

  /** Opens tabs in a profile of their own. */
  async function profile() {
    const { context, visit, close } = await library.profile()
    await context.addInitScript(deafness)
    /** @param {string} name */
    const tab = async name => {
      const page = await visit()
      await page.evaluate(name => {
        globalThis.cache = shelflife.createCache({ max: 1000, store: shelflife.indexedDB({ name }) })
      }, name)
      return { page }
    }
    return { tab, close }
  }

  test('a set, a deletion, an invalidation and a clear reach the memory of another tab', async t => {
    const { tab, close } = await profile()
    const [one, two] = [await tab('reach'), await tab('reach')]
    /** @typedef {import('playwright-core').Page} Page */
    const read = (/** @type {Page} */ page, /** @type {string[]} */ keys) =>
      page.evaluate(async keys => Promise.all(keys.map(async key => (await cache.get(key)) ?? null)), keys)
    const until = async (/** @type {Page} */ page, /** @type {string[]} */ keys, /** @type {(number | null)[]} */ expected) => {
      const began = performance.now()
      for (;;) {
        const found = await read(page, keys)
        if (JSON.stringify(found) === JSON.stringify(expected)) return performance.now() - began
        if (performance.now() - began > 3000) assert.deepEqual(found, expected)
      }
    }
    const keys = ['a', 'user:1', 'user:2', 'tagged', 'made', 'inner']
    await one.page.evaluate(async () => {
      await cache.set('a', 1)
      await cache.set('user:1', 1)
      await cache.set('user:2', 1)
      await cache.set('tagged', 1, { tags: ['t'] })
      await cache.set('made', 1, { dependsOn: ['a'] })
      await cache.namespace('inner').set('x', 1)
    })
    const ms = [await until(two.page, keys.slice(0, 5), [1, 1, 1, 1, 1])]
    await two.page.evaluate(() => cache.namespace('inner').get('x'))
    // Not awaited by the writer, so the others hear of it when it leaves the queue.
    await one.page.evaluate(() => void cache.set('a', 2))
    ms.push(await until(two.page, keys.slice(0, 5), [2, 1, 1, 1, null]))
    await two.page.evaluate(() => cache.delete('user:2'))
    ms.push(await until(one.page, keys.slice(0, 5), [2, 1, null, 1, null]))
    await one.page.evaluate(() => cache.invalidateTags(['t']))
    ms.push(await until(two.page, keys.slice(0, 5), [2, 1, null, null, null]))
    await two.page.evaluate(() => cache.invalidate('user:*'))
    ms.push(await until(one.page, keys.slice(0, 5), [2, null, null, null, null]))
    await one.page.evaluate(() => cache.namespace('inner').clear())
    for (const { page } of [one, two]) await page.waitForFunction(async () => (await cache.namespace('inner').get('x')) === undefined)
    await two.page.evaluate(() => cache.clear())
    ms.push(await until(one.page, keys.slice(0, 5), [null, null, null, null, null]))
    t.diagnostic(`seen in the other tab after ${ms.map(each => Math.round(each)).join(', ')} ms`)
    await close()
  })

  test('who has not heard that the store was emptied sees it with the next write, and who emptied it takes nothing for news', async () => {
    const { tab, close } = await profile()
    const [one, two] = [await tab('emptied'), await tab('emptied')]
    await one.page.evaluate(() => cache.set('a', 1, { persist: 'stored' }))
    await two.page.evaluate(async () => {
      while ((await cache.get('a')) !== 1) await new Promise(resolve => setTimeout(resolve, 10))
      globalThis.isDeaf = true
    })
    const own = await one.page.evaluate(async () => {
      await cache.clear()
      await cache.set('b', 2, { skipMemoryWrite: true, persist: 'stored' })
      await cache.set('c', 3, { persist: 'stored' })
      await cache.set('d', 4, { persist: 'stored' })
      return [cache.memory.peek('c') ?? null, cache.memory.peek('d') ?? null]
    })
    assert.deepEqual(own, [3, 4])
    const seen = await two.page.evaluate(async () => {
      const before = await cache.get('a')
      await cache.set('e', 5, { persist: 'stored' })
      const after = await Promise.all(['a', 'b', 'c', 'd', 'e'].map(async key => (await cache.get(key)) ?? null))
      return { before, after, errors: shelflife.tier(cache).errors }
    })
    assert.deepEqual(seen, { before: 1, after: [null, 2, 3, 4, 5], errors: {} })
    await close()
  })

  test('four tabs want the same keys at once: each is loaded once, and a failure hangs nobody', async t => {
    const { tab, close } = await profile()
    const tabs = await Promise.all(Array.from({ length: 4 }, () => tab('loads')))
    const load = (/** @type {string[]} */ keys) =>
      Promise.all(
        tabs.map(({ page }, at) =>
          page.evaluate(
            async ({ keys, at }) => {
              /** @type {string[]} */
              const loaded = []
              const wanted = keys.map(key =>
                cache.getOrSet(key, async () => {
                  loaded.push(key)
                  await new Promise(resolve => setTimeout(resolve, 20))
                  if (key === 'failing') throw new Error('planned')
                  return `${key} by ${at}`
                }),
              )
              const values = (await Promise.allSettled(wanted)).map(one => (one.status === 'fulfilled' ? one.value : String(one.reason)))
              return { loaded, values }
            },
            { keys, at },
          ),
        ),
      )
    const keys = Array.from({ length: 50 }, (_, at) => `k${at}`)
    const results = await load(keys)
    const loads = results.flatMap(({ loaded }) => loaded)
    t.diagnostic(`${loads.length} loads of ${keys.length} keys by ${tabs.length} tabs`)
    assert.equal(loads.length, keys.length)
    assert.equal(new Set(loads).size, keys.length)
    for (const { values } of results) assert.deepEqual(values, results[0]?.values)
    const failed = await load(['failing'])
    for (const { values } of failed) assert.deepEqual(values, ['Error: planned'])
    await close()
  })

  test('a tab that dies while it loads lets the others go on', async () => {
    const { tab, close } = await profile()
    const [one, two] = [await tab('dies'), await tab('dies')]
    await one.page.evaluate(() => {
      globalThis.isLoading = new Promise(resolve => {
        void cache.getOrSet('a', () => new Promise(() => resolve(true))).catch(() => {})
      })
    })
    await one.page.evaluate(() => isLoading)
    const waiting = two.page.evaluate(() => cache.getOrSet('a', () => 'two'))
    await new Promise(resolve => setTimeout(resolve, 200))
    const began = performance.now()
    await one.page.close()
    assert.equal(await waiting, 'two')
    assert.ok(performance.now() - began < 2000)
    await close()
  })

  test('without BroadcastChannel and Web Locks everything goes on, each tab for itself', async () => {
    const { context, visit, close } = await library.profile()
    await context.addInitScript(() => {
      Reflect.deleteProperty(globalThis, 'BroadcastChannel')
      Object.defineProperty(Navigator.prototype, 'locks', { value: undefined })
    })
    const page = await visit()
    const result = await page.evaluate(async () => {
      const cache = shelflife.createCache({ store: shelflife.indexedDB({ name: 'alone' }) })
      let loads = 0
      const load = () => cache.getOrSet('a', async () => ++loads)
      const values = await Promise.all([load(), load()])
      await cache.flush()
      const { state, errors } = shelflife.tier(cache)
      await cache.close()
      return { loads, values, state, errors }
    })
    assert.deepEqual(result, { loads: 1, values: [1, 1], state: 'on', errors: {} })
    await close()
  })

  test(`four tabs, ${ROUNDS} rounds of random operations, closing, and tabs that hear nothing for a while: all converge`, async t => {
    const { tab, close } = await profile()
    const opened = async () => ({ ...(await tab('converge')), isFrozen: false, busy: Promise.resolve() })
    const tabs = [await opened(), await opened(), await opened(), await opened()]
    const seed = Number(process.env.SHELFLIFE_SEED ?? Date.now() % 1e6)
    t.diagnostic(`seed ${seed}`)
    const random = randomFrom(seed)
    const nextOperations = operationsFrom(random)
    const counts = { operations: 0, freezes: 0, closes: 0, checks: 0 }
    const freeze = async (/** @type {Awaited<ReturnType<typeof opened>>} */ one, /** @type {boolean} */ isFrozen) => {
      one.isFrozen = isFrozen
      await one.page.evaluate(isFrozen => {
        globalThis.isDeaf = isFrozen
        if (!isFrozen) document.dispatchEvent(new Event('resume'))
      }, isFrozen)
    }
    for (let round = 1; round <= ROUNDS; round += 1) {
      for (const one of tabs) {
        if (one.isFrozen) continue
        const operations = nextOperations()
        counts.operations += operations.length
        // Not awaited: tabs work at the same time.
        one.busy = one.page.evaluate(operate, operations)
      }
      await Promise.all(tabs.map(one => one.busy))
      const dice = random(10)
      const one = tabs[random(tabs.length)]
      assert.ok(one)
      if (dice < 3 && !one.isFrozen) {
        counts.freezes += 1
        await freeze(one, true)
      } else if (dice < 6 && one.isFrozen) await freeze(one, false)
      else if (dice === 9 && !one.isFrozen) {
        counts.closes += 1
        await one.page.close()
        tabs[tabs.indexOf(one)] = await opened()
      }
      if (round % 5 > 0 && round < ROUNDS) continue
      for (const each of tabs) if (each.isFrozen) await freeze(each, false)
      await Promise.all(tabs.map(each => each.page.evaluate(() => cache.flush())))
      counts.checks += 1
      const began = performance.now()
      for (;;) {
        const seen = await Promise.all(tabs.map(each => each.page.evaluate(observe, KEYS)))
        if (new Set(seen).size === 1) break
        if (performance.now() - began > 3000) assert.fail(`in round ${round}:\n${seen.join('\n')}`)
      }
    }
    const unheard = await Promise.all(tabs.map(({ page }) => page.evaluate(() => globalThis.unheard)))
    t.diagnostic(JSON.stringify({ ...counts, unheard }))
    const stats = await Promise.all(tabs.map(({ page }) => page.evaluate(() => shelflife.tier(cache))))
    for (const { state, dropped } of stats) assert.deepEqual([state, dropped], ['on', 0])
    t.diagnostic(JSON.stringify(stats.map(({ errors }) => errors)))
    await close()
  })
})

/** In the page: what a frozen page does not hear. Under playwright-core pages do not freeze. */
function deafness() {
  globalThis.unheard = 0
  globalThis.BroadcastChannel = class extends BroadcastChannel {
    /**
     * @override
     * @param {(event: MessageEvent) => void} listener
     */
    set onmessage(listener) {
      super.onmessage = event => {
        if (globalThis.isDeaf) globalThis.unheard += 1
        else listener(event)
      }
    }
  }
}
