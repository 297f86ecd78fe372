import { describe, expect, test } from 'vitest'
import { createCache, createFetch, createRegistry, type FetchOptions } from '../../../js/index.ts'
import { ManualClock, plantTrap } from '../../../js/testing.ts'
import { countListeners, heldTransport, outcome, scripted, settle } from './transport.ts'

const BASE = 'http://origin.test/'
const fine = () => new Response('fine')

/** A client, and when each request went on the wire. */
function client(options: FetchOptions, answer: () => Response = fine) {
  const clock = new ManualClock()
  const sent: [string, number][] = []
  const transport = async (url: string) => {
    sent.push([url.slice(BASE.length), clock.monotonic()])
    return answer()
  }
  return { clock, sent, fetch: createFetch({ clock, seed: 1, fetch: transport, ...options }) }
}

describe('rateLimit', () => {
  test('sends a burst, then so many in so much time, in turn', async () => {
    const { clock, sent, fetch } = client({ rateLimit: { tokensPerInterval: 50, interval: '1s', burst: 10 } })
    const all = Promise.all(Array.from({ length: 60 }, (_, n) => fetch(`${BASE}${n}`)))
    await settle()
    expect(sent.map(([, at]) => at)).toEqual(new Array(10).fill(0))
    expect([clock.timers, clock.heldTimers]).toEqual([1, 1])
    await clock.advanceAsync(1000)
    await all
    expect(sent.map(([path]) => Number(path))).toEqual(Array.from({ length: 60 }, (_, n) => n))
    expect(sent.slice(10).map(([, at]) => at)).toEqual(Array.from({ length: 50 }, (_, n) => 20 * (n + 1)))
    await fetch.close()
    expect(clock.timers).toBe(0)
  })

  test('is kept over a minute, and in no window exceeded, also where tokens come between milliseconds', async () => {
    const { clock, sent, fetch } = client({
      rateLimit: { tokensPerInterval: 300, interval: '1s', burst: 1 },
      concurrency: 1000,
      perHost: 1000,
      totalTimeout: Number.POSITIVE_INFINITY,
    })
    const all = Promise.all(Array.from({ length: 3001 }, (_, n) => fetch(`${BASE}${n}`)))
    await clock.advanceAsync(10_010)
    await all
    const last = sent.at(-1)?.[1] as number
    expect(Math.abs(last - 10_000)).toBeLessThan(50)
    for (let width = 1; width < 50; width += 1) {
      for (let at = width; at < sent.length; at += 1) {
        const span = (sent[at]?.[1] as number) - (sent[at - width]?.[1] as number)
        if (width + 1 > 1 + (300 * (span + 1e-6)) / 1000) throw new Error(`${width + 1} requests in ${span} ms`)
      }
    }
  })

  test('counts attempts, not calls: a retry waits for a token, too', async () => {
    const { transport, calls } = scripted(() => new Response('', { status: 503 }), fine)
    const clock = new ManualClock()
    const fetch = createFetch({
      clock,
      fetch: transport,
      rateLimit: { tokensPerInterval: 1, interval: '1s' },
      retry: { initialDelay: 0, maxDelay: 0 },
    })
    const response = fetch(BASE)
    await clock.advanceAsync(999)
    expect(calls).toHaveLength(1)
    await clock.advanceAsync(1)
    expect((await response).status).toBe(200)
  })

  test('takes no token for what the cache or another request answers', async () => {
    const cache = createCache({ ttl: '1h' })
    const { clock, fetch } = client({ cache, rateLimit: { tokensPerInterval: 1, interval: '1h' } })
    await Promise.all([fetch(BASE), fetch(BASE)])
    await fetch(BASE)
    expect(fetch.stats()).toMatchObject({ sent: 1, coalesced: 1, hits: 1 })
    expect(clock.timers).toBe(0)
    await cache.close()
  })

  test('the total deadline runs on meanwhile, and the error says where the time went', async () => {
    const { transport, calls } = heldTransport()
    const clock = new ManualClock()
    const metrics = createRegistry({ clock })
    const fetch = createFetch({
      clock,
      metrics,
      fetch: transport,
      perHost: 1,
      totalTimeout: 500,
      rateLimit: { tokensPerInterval: 1, interval: '1s' },
    })
    const first = fetch(`${BASE}first`)
    const second = outcome(fetch(`${BASE}second`))
    await clock.advanceAsync(100)
    calls[0]?.answer()
    await first
    await clock.advanceAsync(400)
    expect(await second).toMatchObject({
      code: 'ERR_TIMEOUT',
      phase: 'queue',
      attempts: 0,
      phases: { queue: 100, rate: 400, attempts: 0, backoff: 0 },
    })
    expect(await metrics.metrics()).toContain('client_rate_wait_seconds_sum{client="default"} 0.4')
    expect(clock.timers).toBe(0)
  })

  test('refuses at once whoever would wait longer than maxWait', async () => {
    const { clock, fetch } = client({ name: 'api', rateLimit: { tokensPerInterval: 1, interval: '1s', maxWait: '2s' } })
    const all = ['a', 'b', 'c'].map(path => fetch(BASE + path))
    const error = await outcome(fetch(`${BASE}d`))
    expect(error).toMatchObject({ code: 'ERR_RATE_LIMITED', reason: 'wait', retryAfterMs: 3000, retryable: true })
    expect(fetch.stats().failures).toEqual({ ERR_RATE_LIMITED: 1 })
    await clock.advanceAsync(2000)
    await Promise.all(all)
  })

  test('an abort while waiting frees the place and the listener, and others move up', async () => {
    const { clock, sent, fetch } = client({ rateLimit: { tokensPerInterval: 1, interval: '1s' } })
    await fetch(`${BASE}a`)
    const controller = new AbortController()
    const listeners = countListeners(controller.signal)
    const given = outcome(fetch(`${BASE}b`, { signal: controller.signal }))
    const last = fetch(`${BASE}c`)
    controller.abort(new Error('enough'))
    expect(await given).toEqual(new Error('enough'))
    expect([listeners(), fetch.stats().queued]).toEqual([0, 1])
    await clock.advanceAsync(1000)
    await last
    expect(sent).toEqual([
      ['a', 0],
      ['c', 1000],
    ])
  })

  test('a trap of the core gives nobody a second burst', async () => {
    const { clock, sent, fetch } = client({ rateLimit: { tokensPerInterval: 10, interval: '1s' } })
    await Promise.all(Array.from({ length: 10 }, (_, n) => fetch(`${BASE}${n}`)))
    expect(() => plantTrap()).toThrow()
    const after = fetch(`${BASE}after`)
    await clock.advanceAsync(100)
    await after
    expect(sent.at(-1)).toEqual(['after', 100])
  })

  test.each([
    [null, 'rateLimit'],
    [{}, 'rateLimit.tokensPerInterval'],
    [{ tokensPerInterval: 5 }, 'rateLimit.interval'],
    [{ tokensPerInterval: 5, interval: 1, burst: 0 }, 'rateLimit.burst'],
    [{ tokensPerInterval: 5, interval: 1, maxWait: -1 }, 'rateLimit.maxWait'],
  ])('%j is refused by name', (rateLimit, name) => {
    expect(() => createFetch({ rateLimit: rateLimit as never })).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining(`${name} must be`) }),
    )
  })
})
