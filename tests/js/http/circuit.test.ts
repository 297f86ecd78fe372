import { describe, expect, test } from 'vitest'
import { createCache, createFetch } from '../../../js/index.ts'
import { ManualClock } from '../../../js/testing.ts'
import { heldTransport } from './transport.ts'

const body = (status: number) => new Response('{}', { status, headers: { 'cache-control': 'max-age=1, stale-if-error=600' } })
const rules = { window: { type: 'consecutive', failures: 2 }, openDuration: 1000 } as const

describe('circuitBreaker of createFetch', () => {
  test('a host that fails is left alone: refused at once, those in the queue too, then one request decides', async () => {
    const clock = new ManualClock()
    let status = 503
    const sent: string[] = []
    const fetch = createFetch({
      ...{ clock, retry: false, perHost: 2, circuitBreaker: rules },
      fetch: async url => {
        sent.push(new URL(url).host)
        await Promise.resolve()
        return body(status)
      },
    })
    const calls = Array.from({ length: 6 }, (_, n) => fetch(`https://down.example/${n}`).catch(error => error))
    const outcomes = await Promise.all(calls)
    expect(outcomes.slice(0, 3).map(one => one.status ?? one.code)).toEqual([503, 503, expect.anything()])
    expect(outcomes.at(-1)).toMatchObject({ code: 'ERR_CIRCUIT_OPEN', key: 'down.example', retryAt: clock.wall() + 1000 })
    expect(sent.length).toBeLessThanOrEqual(3)
    expect((await fetch('https://up.example/').catch(error => error)).status).toBe(503)
    const before = sent.length
    await expect(fetch('https://down.example/7')).rejects.toMatchObject({ code: 'ERR_CIRCUIT_OPEN' })
    expect(sent).toHaveLength(before)
    clock.advance(1000)
    status = 200
    expect((await fetch('https://down.example/8')).status).toBe(200)
    expect((await fetch('https://down.example/9')).status).toBe(200)
    await fetch.close()
    expect(clock.timers).toBe(0)
  })

  test('a request is not tried again while its host is left alone, and 429 is no failure', async () => {
    const clock = new ManualClock()
    let sent = 0
    const fetch = createFetch({
      clock,
      retry: { maxRetries: 9, initialDelay: 1, maxDelay: 1 },
      circuitBreaker: rules,
      fetch: async () => {
        sent += 1
        return body(500)
      },
    })
    const call = fetch('https://a.example/')
    await clock.advanceAsync(100)
    expect([(await call).status, sent]).toEqual([500, 2])
    const busy = createFetch({ clock, retry: false, circuitBreaker: rules, fetch: async () => body(429) })
    for (let n = 0; n < 5; n += 1) expect((await busy(`https://b.example/${n}`)).status).toBe(429)
    await Promise.all([fetch.close(), busy.close()])
  })

  test('what the cache has stands in', async () => {
    const clock = new ManualClock()
    let status = 200
    const fetch = createFetch({
      clock,
      cache: createCache({ max: 10, clock }),
      retry: false,
      circuitBreaker: rules,
      fetch: async () => body(status),
    })
    await fetch('https://a.example/x')
    status = 500
    clock.advance(2000)
    for (let n = 0; n < 2; n += 1) await fetch(`https://a.example/${n}`)
    await expect(fetch('https://a.example/9')).rejects.toMatchObject({ code: 'ERR_CIRCUIT_OPEN' })
    expect((await fetch('https://a.example/x')).headers.get('x-cache')).toBe('stale')
    await fetch.close()
  })

  test('retries stay within their budget', async () => {
    const clock = new ManualClock()
    let sent = 0
    const fetch = createFetch({
      ...{ clock, perHost: 100 },
      retry: { maxRetries: 3, initialDelay: 1, maxDelay: 1, budget: { ratio: 0.1, minPerSecond: 0 } },
      fetch: async () => {
        sent += 1
        return body(503)
      },
    })
    const calls = Array.from({ length: 100 }, (_, n) => fetch(`https://a.example/${n}`))
    await clock.advanceAsync(50)
    for (const call of calls) expect((await call).status).toBe(503)
    expect(sent).toBeLessThanOrEqual(110)
    await fetch.close()
  })

  test('bad options are refused by name', () => {
    expect(() => createFetch({ circuitBreaker: { failureRatio: 2 } })).toThrow('circuitBreaker.failureRatio')
    expect(() => createFetch({ retry: { budget: { ratio: -1 } } })).toThrow('retry.budget.ratio')
  })

  test('says by host what is under way, waits, sleeps, and who is left alone until when', async () => {
    const clock = new ManualClock()
    const { transport, calls } = heldTransport()
    const fetch = createFetch({
      ...{ clock, perHost: 2, circuitBreaker: rules, fetch: transport },
      ...{ seed: 1, retry: { maxRetries: 1, initialDelay: 500, maxDelay: 500 } },
    })
    expect(fetch.hosts()).toEqual([])
    const urls = [...Array.from({ length: 5 }, (_, n) => `https://busy.example:81/${n}`), 'https://slow.example/', 'https://down.example/1']
    const all = [...urls, 'https://down.example/2'].map(url =>
      fetch(url, url.includes('down') ? { retry: false } : {}).catch(error => error),
    )
    await clock.advanceAsync(0)
    for (const call of calls) if (!call.url.includes('busy')) call.answer('', { status: 503 })
    await clock.advanceAsync(0)
    const none = { inflight: 0, queued: 0, sleeping: 0, circuit: 'closed' }
    const hosts = new Map(fetch.hosts().map(({ host, ...rest }) => [host, rest]))
    expect(hosts.get('busy.example:81')).toEqual({ ...none, inflight: 2, queued: 3 })
    expect(hosts.get('slow.example')).toEqual({ ...none, sleeping: 1 })
    expect(hosts.get('down.example')).toEqual({ ...none, circuit: 'open', retryAt: clock.wall() + 1000 })
    const { inflight, queued, sleeping } = fetch.stats()
    expect([inflight, queued, sleeping]).toEqual([2, 3, 1])
    await fetch.close()
    await Promise.all(all)
    expect(fetch.hosts()).toEqual([])
  })
})
