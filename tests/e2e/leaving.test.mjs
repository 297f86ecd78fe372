// What is queued is written when the page is hidden or left, and a flush does not hold the page up.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { libraryInChromium, skip } from './chromium.mjs'

describe('leaving a page, in Chromium', { skip }, () => {
  const library = libraryInChromium()

  /** Opens pages, one after the other, in a profile of their own. */
  async function profile() {
    const { context, visit, close } = await library.profile()
    await context.addInitScript(() => {
      // The only listeners that come and go with the queue.
      globalThis.listening = 0
      for (const target of [Document.prototype, Window.prototype]) {
        const { addEventListener, removeEventListener } = EventTarget.prototype
        target.addEventListener = function (/** @type {Parameters<typeof addEventListener>} */ ...listener) {
          if (listener[0] === 'freeze') globalThis.listening += 1
          return addEventListener.apply(this, listener)
        }
        target.removeEventListener = function (/** @type {Parameters<typeof removeEventListener>} */ ...listener) {
          if (listener[0] === 'freeze') globalThis.listening -= 1
          return removeEventListener.apply(this, listener)
        }
      }
    })
    const open = async () => {
      const page = await visit()
      await page.evaluate(async () => {
        globalThis.cache = shelflife.createCache({ store: shelflife.indexedDB({ name: 'leaving' }) })
        await cache.get('none')
      })
      return page
    }
    return { open, close }
  }

  for (const how of ['closed', 'navigated away', 'hidden']) {
    test(`a page that is ${how} at once after 500 sets has written them`, async () => {
      const { open, close } = await profile()
      const page = await open()
      assert.equal(await page.evaluate(() => listening), 0)
      await page.evaluate(how => {
        for (let at = 0; at < 500; at += 1) void cache.set(`k${at}`, `${how} ${at}`)
        if (how !== 'hidden') return
        Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true })
        document.dispatchEvent(new Event('visibilitychange'))
      }, how)
      if (how === 'closed') await Promise.all([page.waitForEvent('close'), page.close({ runBeforeUnload: true })])
      else if (how === 'navigated away') await page.goto('about:blank')
      else {
        // Before the queue would have been written by itself.
        await page.waitForFunction(() => shelflife.tier(cache).queued === 0, undefined, { polling: 5, timeout: 95 })
        assert.equal(await page.evaluate(() => listening), 0)
      }
      const next = await open()
      const found = await next.evaluate(() => cache.getMany(Array.from({ length: 500 }, (_, at) => `k${at}`)))
      assert.deepEqual([found.filter((value, at) => value === `${how} ${at}`).length], [500])
      await close()
    })
  }

  test('no task of a flush of 10 000 entries is long', async t => {
    const { open, close } = await profile()
    const page = await open()
    const runs = await page.evaluate(async () => {
      const runs = []
      for (let run = 0; run < 5; run += 1) {
        const text = 'Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore'
        for (let at = 0; at < 10_000; at += 1)
          void cache.set(`city:${at}`, {
            id: at,
            run,
            name: `Stratford ${at}`,
            lat: 51.5,
            lng: -0.12,
            note: text,
            tags: ['city', `n${at}`],
          })
        await new Promise(resolve => setTimeout(resolve, 0))
        const { port1, port2 } = new MessageChannel()
        /** @type {number[]} */
        const gaps = []
        let last = performance.now()
        let isOver = false
        port1.onmessage = () => {
          const now = performance.now()
          gaps.push(now - last)
          last = now
          if (!isOver) port2.postMessage(0)
        }
        port2.postMessage(0)
        const began = performance.now()
        await cache.flush()
        isOver = true
        gaps.sort((a, b) => b - a)
        runs.push({ flush: performance.now() - began, longest: gaps.slice(0, 3) })
        port1.close()
      }
      return runs
    })
    t.diagnostic(runs.map(({ flush, longest }) => `${flush.toFixed(0)} ms: ${longest.map(ms => ms.toFixed(1)).join(', ')}`).join(' | '))
    // A machine that is busy with other things stretches some; the best run tells what is ours.
    const best = Math.min(...runs.map(({ longest }) => longest[0] ?? 0))
    assert.ok(best <= 16, `${best} ms`)
    await close()
  })
})
