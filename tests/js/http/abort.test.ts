import { describe, expect, test } from 'vitest'
import { plantTrap } from '../../../js/core/door.ts'
import { createFetch } from '../../../js/http/fetch.ts'
import type { Transport } from '../../../js/http/types.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'
import { countListeners, heldTransport, mapCache, outcome, settle } from './transport.ts'

const URL = 'http://origin.test/a'

describe('abort', () => {
  test('rejects with the reason of the signal, in every phase, at once', async () => {
    const { transport, calls } = heldTransport()
    const clock = new ManualClock()
    const fetch = createFetch({ clock, fetch: transport, concurrency: 1, dedupe: false, retry: { initialDelay: 1000 } })
    const why = { because: 'the user left' }
    for (const phase of ['before', 'queue', 'attempt', 'backoff']) {
      const controller = new AbortController()
      const listeners = countListeners(controller.signal)
      if (phase === 'before') controller.abort(why)
      const blocker = phase === 'queue' ? fetch(URL) : undefined
      const aborted = outcome(fetch(URL, { signal: controller.signal }))
      if (phase === 'backoff') {
        calls.at(-1)?.fail(new TypeError('reset'))
        await settle()
        expect(fetch.stats().sleeping).toBe(1)
      }
      controller.abort(why)
      expect(await aborted).toBe(why)
      expect(listeners()).toBe(0)
      if (phase === 'attempt') expect(calls.at(-1)?.signal.aborted).toBe(true)
      if (blocker !== undefined) {
        calls.at(-1)?.answer()
        await blocker
      }
      expect(fetch.stats()).toMatchObject({ inflight: 0, queued: 0, sleeping: 0 })
    }
    expect(fetch.stats().failures).toEqual({ ERR_ABORTED: 4 })
    expect(clock.timers).toBe(0)
    await fetch.close()
  })

  test('one caller who leaves does not hurt another; the last one takes the request along', async () => {
    const { transport, calls } = heldTransport()
    const fetch = createFetch({ clock: new ManualClock(), fetch: transport })
    const controllers = [new AbortController(), new AbortController(), new AbortController()]
    const results = controllers.map(({ signal }) => outcome(fetch(URL, { signal })))
    expect(calls).toHaveLength(1)
    controllers[0]?.abort('first')
    expect(await results[0]).toBe('first')
    expect(calls[0]?.signal.aborted).toBe(false)
    controllers[1]?.abort('second')
    controllers[2]?.abort('third')
    expect(calls[0]?.signal.aborted).toBe(true)
    expect(await Promise.all(results)).toEqual(['first', 'second', 'third'])
    const again = fetch(URL)
    expect(calls).toHaveLength(2)
    calls[1]?.answer()
    expect((await again).status).toBe(200)
    await fetch.close()
  })

  test('10 000 random aborts leave no slot, no listener, no timer and no unsettled caller', async () => {
    let seed = 12_345
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
      return seed % below
    }
    const clock = new ManualClock()
    const transport: Transport = (_url, { signal }) =>
      new Promise((resolve, reject) => {
        const timer = clock.timer(clock.monotonic() + random(60), () => {
          if (random(3) === 0) reject(new TypeError('reset'))
          else resolve(new Response('x', { status: random(4) === 0 ? 503 : 200 }))
        })
        signal?.addEventListener('abort', () => {
          timer.cancel()
          reject(signal.reason)
        })
      })
    const fetch = createFetch({
      clock,
      fetch: transport,
      concurrency: 16,
      perHost: 4,
      maxQueue: 500,
      timeout: 40,
      totalTimeout: 400,
      retry: { maxRetries: 2, initialDelay: 5, maxDelay: 30 },
      seed: 1,
    })
    let settled = 0
    const shared = new AbortController()
    const counters = [countListeners(shared.signal)]
    for (let round = 0; round < 1000; round += 1) {
      for (let index = 0; index < 10; index += 1) {
        const controller = random(10) === 0 ? shared : new AbortController()
        if (controller !== shared) counters.push(countListeners(controller.signal))
        const { signal } = controller
        void outcome(fetch(`http://host${random(8)}.test/${random(20)}`, { signal })).then(() => {
          settled += 1
        })
        if (controller !== shared) clock.timer(clock.monotonic() + random(120), () => controller.abort(new Error('left')))
      }
      clock.advance(random(6))
      if (round % 3 === 0) await settle()
    }
    await clock.advanceAsync(1000)
    expect(settled).toBe(10_000)
    expect(counters.reduce((sum, count) => sum + count(), 0)).toBe(0)
    const { inflight, queued, sleeping, requests, hits, misses, coalesced, failures } = fetch.stats()
    expect({ inflight, queued, sleeping, timers: clock.timers }).toEqual({ inflight: 0, queued: 0, sleeping: 0, timers: 0 })
    expect(hits + misses + coalesced + Object.values(failures).reduce((sum, count) => sum + count, 0)).toBe(requests)
    expect(failures.ERR_ABORTED).toBeGreaterThan(1000)
    await fetch.close()
  })
})

describe('close', () => {
  test('rejects whatever is under way and refuses what comes later', async () => {
    const { transport, calls } = heldTransport()
    const clock = new ManualClock()
    const cache = { ...mapCache(), getOrSet: () => new Promise<undefined>(() => undefined) }
    const fetch = createFetch({ clock, fetch: transport, concurrency: 1, cache })
    const waiting = [fetch(URL, { cache: 'no-store' }), fetch(`${URL}2`, { cache: 'no-store' }), fetch(`${URL}3`)].map(outcome)
    await fetch.close()
    await fetch.close()
    for (const result of await Promise.all(waiting)) expect(result).toMatchObject({ code: 'ERR_CLOSED' })
    expect(calls[0]?.signal.aborted).toBe(true)
    expect(clock.timers).toBe(0)
    await expect(fetch(URL)).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    expect(fetch.stats()).toMatchObject({ inflight: 0, queued: 0, failures: { ERR_CLOSED: 4 } })
  })
})

describe('a trap in the core', () => {
  test('rejects every caller who waits, and later requests work', async () => {
    const { transport, calls } = heldTransport()
    const clock = new ManualClock()
    const fetch = createFetch({ clock, fetch: transport, concurrency: 2, dedupe: false })
    const waiting = Array.from({ length: 5 }, () => outcome(fetch(URL)))
    expect(() => plantTrap()).toThrow()
    const later = fetch(URL)
    for (const result of await Promise.all(waiting)) expect(result).toMatchObject({ code: 'ERR_CORE_TRAPPED', retryable: true })
    expect(calls.slice(0, 2).every(call => call.signal.aborted)).toBe(true)
    calls[2]?.answer('well again')
    expect(await (await later).text()).toBe('well again')
    expect(fetch.stats()).toMatchObject({ inflight: 0, queued: 0, failures: { ERR_CORE_TRAPPED: 5 } })
    expect(clock.timers).toBe(0)
    await fetch.close()
  })

  test('is noticed by whatever happens next: an answer, an abort, an alarm', async () => {
    for (const event of ['answer', 'abort', 'alarm']) {
      const { transport, calls } = heldTransport()
      const clock = new ManualClock()
      const fetch = createFetch({ clock, fetch: transport, concurrency: 1, dedupe: false })
      const controller = new AbortController()
      const first = outcome(fetch(URL, { signal: controller.signal }))
      const second = outcome(fetch(URL))
      expect(() => plantTrap()).toThrow()
      if (event === 'answer') calls[0]?.answer()
      else if (event === 'abort') controller.abort('left')
      else await clock.advanceAsync(60_000)
      expect(await second).toMatchObject({ code: 'ERR_CORE_TRAPPED' })
      if (event === 'abort') expect(await first).toBe('left')
      else expect(await first).toMatchObject({ code: 'ERR_CORE_TRAPPED' })
      await fetch.close()
    }
  })
})
