// What browsers do to IndexedDB, done to it on purpose through the DevTools protocol.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { libraryInChromium, skip } from './chromium.mjs'
import { checkFilled, fill } from './quota.mjs'

/** `SHELFLIFE_CLOSES=100 node --test tests/e2e/healing.test.mjs` for more. */
const CLOSES = Number(process.env.SHELFLIFE_CLOSES ?? 20)

describe('healing of IndexedDB, in Chromium', { skip }, () => {
  const library = libraryInChromium()

  /** A page of a profile of its own, with its DevTools session. */
  async function fresh() {
    const { context, visit, close } = await library.profile()
    const page = await visit()
    return { page, devtools: await context.newCDPSession(page), close }
  }

  test(`${CLOSES} forced closes under load: one reopening each, every loss is counted, nothing throws`, async t => {
    const { page, devtools, close } = await fresh()
    await page.evaluate(async () => {
      const cache = shelflife.createCache({ store: shelflife.indexedDB({ name: 'closes' }) })
      await cache.set('a', 0, { persist: 'stored' })
      Object.assign(globalThis, { cache, wrong: [] })
    })
    for (let round = 1; round <= CLOSES; round += 1) {
      const busy = page.evaluate(async round => {
        // A thousand writes wait when the database goes.
        const writes = Array.from({ length: 1000 }, (_, at) => cache.set(`k${at}`, `${round}:${at}`, { persist: 'stored' }))
        for (const write of await Promise.allSettled(writes)) if (write.status === 'rejected') wrong.push(String(write.reason))
      }, round)
      await devtools.send('Storage.clearDataForOrigin', { origin: library.origin, storageTypes: 'indexeddb' })
      await busy
      await page.evaluate(async round => {
        // With this at the latest the loss is noticed, and what memory had is forgotten: each key has what was written last, or nothing.
        await cache.set('last', round, { persist: 'stored' })
        const values = await cache.getMany(Array.from({ length: 1000 }, (_, at) => `k${at}`))
        for (const [at, value] of values.entries())
          if (value !== undefined && value !== `${round}:${at}`) wrong.push(`k${at} is ${value} in ${round}`)
        await cache.set('k7', `${round} again`, { persist: 'stored' })
        const [last, again] = await cache.getMany(['last', 'k7'])
        if (last !== round || again !== `${round} again`) wrong.push(`${last}, ${again} in ${round}`)
      }, round)
    }
    const { errors, state, dropped, found, stored } = await page.evaluate(async () => {
      const { errors, state, dropped } = shelflife.tier(cache)
      await cache.close()
      const next = shelflife.createCache({ store: shelflife.indexedDB({ name: 'closes' }) })
      const stored = await next.getMany(['last', 'k7'])
      await next.close()
      return { errors, state, dropped, found: wrong, stored }
    })
    t.diagnostic(JSON.stringify(errors))
    assert.deepEqual(found, [])
    assert.deepEqual(stored, [CLOSES, `${CLOSES} again`])
    assert.deepEqual([state, dropped], ['on', 0])
    assert.equal(errors.reopened, CLOSES)
    assert.equal(errors.lost, CLOSES)
    await close()
  })

  test('a loss while nothing is under way is noticed with the next write: what was there before is gone from memory, too', async () => {
    const { page, devtools, close } = await fresh()
    await page.evaluate(async () => {
      globalThis.cache = shelflife.createCache({ store: shelflife.indexedDB({ name: 'idle' }) })
      for (const key of ['a', 'b']) await cache.set(key, 'before', { persist: 'stored' })
    })
    await devtools.send('Storage.clearDataForOrigin', { origin: library.origin, storageTypes: 'indexeddb' })
    const { values, errors } = await page.evaluate(async () => {
      await cache.set('b', 'after', { persist: 'stored' })
      const values = (await cache.getMany(['a', 'b'])).map(value => value ?? null)
      return { values, errors: shelflife.tier(cache).errors }
    })
    assert.deepEqual(values, [null, 'after'])
    assert.deepEqual(errors, { lost: 1, reopened: 1 })
    await close()
  })

  test('a database that the browser gave up between two visits is counted as lost', async () => {
    const { page, devtools, close } = await fresh()
    const visit = () =>
      page.evaluate(async () => {
        const cache = shelflife.createCache({ store: shelflife.indexedDB({ name: 'visits' }) })
        const found = await cache.get('a')
        await cache.set('a', 1)
        await cache.flush()
        const { errors } = shelflife.tier(cache)
        await cache.close()
        return [found, errors]
      })
    assert.deepEqual(await visit(), [undefined, {}])
    assert.deepEqual(await visit(), [1, {}])
    await devtools.send('Storage.clearDataForOrigin', { origin: library.origin, storageTypes: 'indexeddb' })
    assert.deepEqual(await visit(), [undefined, { lost: 1 }])
    assert.deepEqual(await visit(), [1, {}])
    await close()
  })

  test('a quota of 2 MiB under load: the oldest are given up, memory goes on, nothing is lost silently', async t => {
    const { page, devtools, close } = await fresh()
    await devtools.send('Storage.overrideQuotaForOrigin', { origin: library.origin, quotaSize: 2 * 1024 * 1024 })
    checkFilled(t, await page.evaluate(fill))
    await close()
  })
  test('a quota that comes and goes under load: every refusal has a code, no value is wrong, and with room again all is stored', async t => {
    const { page, devtools, close } = await fresh()
    // Before the engine asks for the first time: for half a minute it goes by what it was told then.
    await devtools.send('Storage.overrideQuotaForOrigin', { origin: library.origin, quotaSize: 4 << 20 })
    await page.evaluate(() => {
      globalThis.cache = shelflife.createCache({ max: 20, tiers: [{ store: shelflife.indexedDB({ name: 'flips' }), timeout: '1m' }] })
      globalThis.wrong = []
    })
    /** @type {Record<string, number>} */
    const codes = {}
    for (const quotaSize of [4 << 20, 1 << 16, 4 << 20, 0, 2 << 20, 1 << 16]) {
      await devtools.send('Storage.overrideQuotaForOrigin', { origin: library.origin, quotaSize })
      const refused = await page.evaluate(async round => {
        /** @type {string[]} */
        const refused = []
        const noise = () => Array.from({ length: 60_000 }, () => String.fromCharCode(33 + Math.random() * 90)).join('')
        for (let at = 0; at < 15; at += 1) {
          const value = `${round}:${at}:${noise()}`
          await cache.set(`k${at}`, value, { persist: 'stored' }).catch(error => refused.push(String(error.code)))
          if (cache.memory.get(`k${at}`) !== value) wrong.push(`memory does not have k${at} in ${round}`)
        }
        for (let at = 0; at < 15; at += 1) {
          const value = /** @type {string | undefined} */ (await cache.get(`k${at}`))
          if (value !== undefined && !value.startsWith(`${round}:${at}:`)) wrong.push(`k${at} is ${value.slice(0, 9)} in ${round}`)
        }
        return refused
      }, quotaSize)
      for (const code of refused) codes[code] = (codes[code] ?? 0) + 1
    }
    await devtools.send('Storage.overrideQuotaForOrigin', { origin: library.origin })
    const { state, stored, errors, found } = await page.evaluate(async () => {
      const isStored = () =>
        cache.set('last', 'yes', { persist: 'stored' }).then(
          () => true,
          () => false,
        )
      let stored = await isStored()
      for (const end = performance.now() + 60_000; !stored && performance.now() < end; stored = await isStored())
        await new Promise(resolve => setTimeout(resolve, 100))
      const { state, errors } = shelflife.tier(cache)
      await cache.close()
      const next = shelflife.createCache({ store: shelflife.indexedDB({ name: 'flips' }) })
      stored &&= (await next.get('last')) === 'yes'
      await next.close()
      return { state, stored, errors, found: wrong }
    })
    t.diagnostic(JSON.stringify({ codes, errors }))
    assert.deepEqual(found, [])
    assert.deepEqual([state, stored], ['on', true])
    assert.deepEqual(
      Object.keys(codes).filter(code => !/^ERR_(QUOTA|STORE)$/.test(code)),
      [],
    )
    assert.ok((errors.quota ?? 0) > 0)
    await close()
  })
})
