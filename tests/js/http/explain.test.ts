import { expect, test } from 'vitest'
import { createCache } from '../../../js/cache/cache.ts'
import { createFetch } from '../../../js/http/fetch.ts'
import type { FetchOptions, RequestOutlook } from '../../../js/http/types.ts'
import { ManualClock } from '../../../js/testing.ts'
import { heldTransport, scripted } from './transport.ts'

const URL_A = 'https://a.example/1'
const KIND = ({ outcome, reasons }: RequestOutlook) => [outcome, ...reasons.map(({ reason }) => reason)]
const settled = async () => {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve()
}

function client(options: FetchOptions = {}) {
  const clock = new ManualClock()
  const { transport, calls } = heldTransport()
  const fetch = createFetch({ fetch: transport, clock, retry: false, dedupe: false, ...options })
  const ask = (url: string) => {
    const call = fetch(url)
    call.catch(() => undefined)
    return call
  }
  return { clock, calls, fetch, ask }
}

test('with nothing in the way it is sent', () => {
  const { fetch } = client()
  expect(fetch.explain(URL_A)).toEqual({
    method: 'GET',
    url: URL_A,
    host: 'a.example',
    outcome: 'sent',
    reasons: [],
    cache: { state: 'unused', isServed: false },
    circuit: 'closed',
    queue: { length: 0, ofHost: 0, sleeping: 0, max: 100_000 },
    slots: { free: 64, max: 64, freeOfHost: 8, perHost: 8 },
    rateWait: 0,
    retriesLeft: Number.POSITIVE_INFINITY,
  })
})

test('slots and queue, in all and of the host', async () => {
  const { fetch, ask } = client({ concurrency: 3, perHost: 2, maxQueue: 2 })
  for (let at = 0; at < 3; at += 1) void ask(URL_A)
  await settled()
  expect(KIND(fetch.explain(URL_A))).toEqual(['waits', 'slots-of-host'])
  expect(KIND(fetch.explain('https://b.example/'))).toEqual(['sent'])
  void ask('https://b.example/')
  expect(KIND(fetch.explain('https://c.example/'))).toEqual(['waits', 'slots'])
  void ask('https://c.example/')
  const outlook = fetch.explain(URL_A)
  expect(KIND(outlook)).toEqual(['refused', 'queue-full', 'slots', 'slots-of-host'])
  expect(outlook).toMatchObject({ queue: { length: 2, ofHost: 1, max: 2 }, slots: { free: 0, freeOfHost: 0 } })
  await expect(fetch(URL_A)).rejects.toMatchObject({ code: 'ERR_QUEUE_FULL' })
})

test('the rate limit: how long, and whether that is too long', () => {
  const { fetch, ask } = client({ rateLimit: { tokensPerInterval: 10, interval: '1s', burst: 1, maxWait: 250 } })
  void ask(URL_A)
  const outlook = fetch.explain(URL_A)
  expect(KIND(outlook)).toEqual(['waits', 'rate-limit'])
  expect(outlook.rateWait).toBeCloseTo(100)
  void ask(URL_A)
  void ask(URL_A)
  expect(KIND(fetch.explain(URL_A))).toEqual(['refused', 'rate-limit'])
})

test('a circuit that is open or isolated, and when it lets somebody through', async () => {
  const { fetch, calls, ask, clock } = client({ circuitBreaker: { window: { type: 'consecutive', failures: 2 }, openDuration: '5s' } })
  for (let at = 0; at < 2; at += 1) {
    const call = ask(URL_A)
    calls.at(-1)?.answer('', { status: 500 })
    await call
  }
  const outlook = fetch.explain(URL_A)
  expect(outlook).toMatchObject({ outcome: 'refused', circuit: 'open', reasons: [{ reason: 'circuit-open', until: clock.wall() + 5000 }] })
  await expect(ask(URL_A)).rejects.toMatchObject({ code: 'ERR_CIRCUIT_OPEN' })
  fetch.circuit('b.example').isolate()
  expect(fetch.explain('https://b.example/')).toMatchObject({ outcome: 'refused', circuit: 'isolated', reasons: [{ reason: 'isolated' }] })
  clock.advance(5000)
  expect(fetch.explain(URL_A)).toMatchObject({ outcome: 'sent', circuit: 'half-open' })
})

test('a host that has asked for a pause', async () => {
  const { fetch, calls, ask, clock } = client({ rateLimitHeaders: true, totalTimeout: '20s' })
  void ask(URL_A)
  calls[0]?.answer('', { status: 429, headers: { 'retry-after': '5' } })
  await settled()
  const { outcome, reasons } = fetch.explain(URL_A)
  expect([outcome, reasons]).toEqual(['waits', [{ reason: 'held', until: clock.wall() + 5000 }]])
  expect(fetch.explain(URL_A, { totalTimeout: '4s' }).outcome).toBe('refused')
  await expect(fetch(URL_A, { totalTimeout: '4s' })).rejects.toMatchObject({ code: 'ERR_RATE_LIMITED' })
})

test('the retry budget that is left', () => {
  const { fetch } = client({ retry: { budget: { ratio: 0.5, minPerSecond: 2 } } })
  expect(fetch.explain(URL_A).retriesLeft).toBe(20)
})

test('one under way with the same answer would be shared', () => {
  const { fetch, ask } = client({ dedupe: true })
  void ask(URL_A)
  expect(fetch.explain(URL_A).outcome).toBe('shared')
  expect(fetch.explain(URL_A, { headers: { accept: 'x/y' } }).outcome).toBe('sent')
  expect(fetch.explain(URL_A, { method: 'POST', body: 'x' }).outcome).toBe('sent')
})

test('what memory has: fresh, stale and given, stale and not given, none', async () => {
  const clock = new ManualClock()
  const { transport } = scripted(
    () => new Response('x', { headers: { 'cache-control': 'max-age=10, stale-while-revalidate=5', etag: '"1"' } }),
  )
  const cache = createCache({ max: 10, clock })
  const fetch = createFetch({ fetch: transport, clock, cache })
  expect(fetch.explain(URL_A)).toMatchObject({ outcome: 'sent', cache: { state: 'none' } })
  expect(KIND(fetch.explain(URL_A, { cache: 'only-if-cached' }))).toEqual(['refused', 'not-cached'])
  await fetch(URL_A)
  const before = [fetch.stats(), cache.memory.stats()]
  expect(fetch.explain(URL_A)).toMatchObject({ outcome: 'from-cache', cache: { state: 'fresh', isServed: true, age: 0 } })
  expect(fetch.explain(URL_A, { cache: 'no-cache' })).toMatchObject({ outcome: 'sent', cache: { state: 'stale', isServed: false } })
  expect(fetch.explain(URL_A, { cache: 'no-store' })).toMatchObject({ outcome: 'sent', cache: { state: 'unused' } })
  clock.advance(12_000)
  expect(fetch.explain(URL_A)).toMatchObject({ outcome: 'from-cache', cache: { state: 'stale', isServed: true, age: 12_000 } })
  clock.advance(12_000)
  expect(fetch.explain(URL_A)).toMatchObject({ outcome: 'sent', cache: { state: 'stale', isServed: false } })
  expect([fetch.stats(), cache.memory.stats()]).toEqual(before)
})

test('it changes nothing: a body is not touched, and a closed client says so', async () => {
  const { fetch } = client({ maxRequestSize: 10 })
  const before = fetch.stats()
  const body = new ReadableStream()
  fetch.explain(URL_A, { method: 'POST', body })
  expect(body.locked).toBe(false)
  expect(fetch.stats()).toEqual(before)
  expect(() => fetch.explain('nonsense')).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  await fetch.close()
  expect(() => fetch.explain(URL_A)).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
})
