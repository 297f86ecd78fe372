import { describe, expect, test } from 'vitest'
import { createFetch } from '../../../js/http/fetch.ts'
import type { FetchOptions } from '../../../js/http/types.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'
import { heldTransport, mapCache, outcome, scripted, settle } from './transport.ts'

const URL = 'http://origin.test/a'
const status =
  (code: number, headers: Record<string, string> = {}) =>
  () =>
    new Response(`status ${code}`, { status: code, headers })
const refused = () => new TypeError('fetch failed', { cause: new Error('ECONNREFUSED') })

function client(options: FetchOptions) {
  const clock = new ManualClock()
  return { clock, fetch: createFetch({ clock, seed: 1, ...options }) }
}

describe('limits', () => {
  test('keeps to the global and the per-host concurrency and hands slots over at once', async () => {
    const { transport, calls } = heldTransport()
    const { fetch } = client({ fetch: transport, concurrency: 3, perHost: 2, dedupe: false })
    const all = Promise.all(['a', 'a', 'a', 'b', 'b', 'c'].map((host, index) => fetch(`http://${host}.test/${index}`)))
    const started = () => calls.map(call => call.url.slice(7, 8)).join('')
    expect(started()).toBe('aab')
    expect(fetch.stats()).toMatchObject({ inflight: 3, queued: 3 })
    calls[2]?.answer()
    await settle()
    expect(started()).toBe('aabb')
    calls[0]?.answer()
    await settle()
    expect(started()).toBe('aabbc')
    for (let index = 0; index < 6; index += 1) {
      calls[index]?.answer()
      await settle()
    }
    await all
    expect(started()).toBe('aabbca')
    expect(fetch.stats()).toMatchObject({ inflight: 0, queued: 0, sent: 6, misses: 6 })
    await fetch.close()
  })

  test('takes turns between hosts and keeps the order within one', async () => {
    const { transport, calls } = heldTransport()
    const { fetch } = client({ fetch: transport, concurrency: 1 })
    const paths = ['a/1', 'a/2', 'a/3', 'b/1', 'b/2', 'c/1']
    const all = paths.map(path => fetch(`http://${path.replace('/', '.test/')}`))
    for (let index = 0; index < 6; index += 1) {
      calls[index]?.answer()
      await settle()
    }
    await Promise.all(all)
    expect(calls.map(call => call.url.slice(7).replace('.test', ''))).toEqual(['a/1', 'a/2', 'b/1', 'c/1', 'a/3', 'b/2'])
    await fetch.close()
  })

  test('refuses what does not fit the queue, and takes it when there is room', async () => {
    const { transport, calls } = heldTransport()
    const { fetch } = client({ fetch: transport, concurrency: 1, maxQueue: 1, dedupe: false })
    const first = fetch(URL)
    const second = fetch(URL)
    await expect(fetch(URL)).rejects.toMatchObject({ code: 'ERR_QUEUE_FULL', maxQueue: 1, retryable: true })
    calls[0]?.answer()
    await first
    const third = fetch(URL)
    calls[1]?.answer()
    await second
    calls[2]?.answer()
    expect((await third).status).toBe(200)
    expect(fetch.stats().failures).toEqual({ ERR_QUEUE_FULL: 1 })
    await fetch.close()
  })
})

describe('a transport that ignores its signal', () => {
  test('is not waited for, not read on, and cannot answer twice', async () => {
    let cancelled = 0
    let pulled = 0
    const endless = () =>
      new ReadableStream({
        pull: controller => {
          pulled += 1
          controller.enqueue(new Uint8Array(100))
        },
        cancel: () => {
          cancelled += 1
        },
      })
    const answers: ((response: Response) => void)[] = []
    const transport = () => new Promise<Response>(resolve => answers.push(resolve))
    const { fetch, clock } = client({
      fetch: transport,
      timeout: 10,
      maxResponseSize: 1000,
      retry: { initialDelay: 0, maxDelay: 0, maxRetries: 1 },
    })
    const response = fetch(URL)
    await clock.advanceAsync(10)
    answers[0]?.(new Response(endless()))
    await settle()
    expect([cancelled, pulled < 5]).toEqual([1, true])
    answers[1]?.(new Response('second'))
    expect(await (await response).text()).toBe('second')
    const large = outcome(fetch(URL))
    answers[2]?.(new Response(endless(), { headers: { 'content-length': '2000' } }))
    expect(await large).toMatchObject({ code: 'ERR_RESPONSE_TOO_LARGE', received: 2000 })
    const endlessly = outcome(fetch(URL))
    answers[3]?.(new Response(endless()))
    expect(await endlessly).toMatchObject({ code: 'ERR_RESPONSE_TOO_LARGE', received: 1100 })
    expect(cancelled).toBe(3)
    expect(fetch.stats()).toMatchObject({ sent: 4, inflight: 0 })
    await fetch.close()
  })
})

describe('retries', () => {
  test.each([408, 425, 429, 500, 502, 503, 504])('tries again after %i and answers with what came in the end', async code => {
    const { transport, calls } = scripted(status(code), status(code), status(200))
    const { fetch, clock } = client({ fetch: transport })
    const response = fetch(URL)
    await clock.advanceAsync(20_000)
    expect((await response).status).toBe(200)
    expect(calls).toHaveLength(3)
    expect(fetch.stats()).toMatchObject({ requests: 1, sent: 3, retries: 2, failures: {} })
    await fetch.close()
  })

  test('resolves with the last status, like fetch, when retries are used up', async () => {
    const { transport, calls } = scripted(status(503))
    const { fetch, clock } = client({ fetch: transport, retry: { maxRetries: 2 } })
    const response = fetch(URL)
    await clock.advanceAsync(20_000)
    expect((await response).status).toBe(503)
    expect(calls).toHaveLength(3)
    await fetch.close()
  })

  test.each([400, 401, 404, 501, 505])('does not repeat a %i', async code => {
    const { transport, calls } = scripted(status(code))
    const { fetch } = client({ fetch: transport })
    expect((await fetch(URL)).status).toBe(code)
    expect(calls).toHaveLength(1)
    await fetch.close()
  })

  test.each(['opaque', 'opaqueredirect'] as const)(
    'an answer of type %s is an answer: it is handed over and not tried again',
    async type => {
      const opaque = () => Object.defineProperties(new Response(null), { type: { value: type }, status: { value: 0 } })
      const { transport, calls } = scripted(opaque)
      const cache = mapCache()
      const { fetch } = client({ fetch: transport, cache })
      const response = await fetch(URL, { mode: 'no-cors' })
      for (const one of [response, response.clone()])
        expect([one.type, one.status, one.ok, one.body, await one.text()]).toEqual([type, 0, false, null, ''])
      await expect(fetch.json(URL)).rejects.toMatchObject({ code: 'ERR_HTTP_STATUS', status: 0, retryable: false })
      expect(calls).toHaveLength(2)
      expect(cache.map.size).toBe(0)
    },
  )

  test('an answer of type error is none', async () => {
    const { fetch } = client({ fetch: async () => Response.error(), retry: false })
    await expect(fetch(URL)).rejects.toMatchObject({ code: 'ERR_NETWORK' })
  })

  test('an answer that json refuses says where the time went', async () => {
    const { transport } = scripted(status(503), status(404))
    const { fetch, clock } = client({ fetch: transport, retry: { maxRetries: 1, initialDelay: 50, maxDelay: 50 } })
    const failed = outcome(fetch.json(URL))
    await clock.advanceAsync(50)
    expect(await failed).toMatchObject({
      code: 'ERR_HTTP_STATUS',
      status: 404,
      attempts: 2,
      phases: { queue: 0, rate: 0, attempts: 0, connect: 0, firstByte: 0, body: 0, backoff: 50 },
    })
    await fetch.close()
  })

  test('says after how many attempts and where the time went when the network fails', async () => {
    const { transport } = scripted(refused)
    const { fetch, clock } = client({ fetch: transport, retry: { maxRetries: 2, initialDelay: 50, maxDelay: 50 } })
    const failed = outcome(fetch(URL))
    await clock.advanceAsync(1000)
    expect(await failed).toMatchObject({
      name: 'NetworkError',
      code: 'ERR_NETWORK',
      attempts: 3,
      gaveUp: 'exhausted',
      phases: { queue: 0, rate: 0, attempts: 0, backoff: 100 },
      message: `GET ${URL} failed after 3 attempts: fetch failed (ECONNREFUSED)`,
      cause: expect.any(TypeError),
    })
    await fetch.close()
  })

  test.each([
    ['POST', 'body', 1],
    ['PATCH', 'body', 1],
    ['PUT', 'body', 3],
    ['DELETE', undefined, 3],
    ['PUT', new ReadableStream(), 1],
  ])('a failing %s with %o is sent %i times', async (method, body, times) => {
    const { transport, calls } = scripted(refused)
    const { fetch, clock } = client({ fetch: transport, retry: { maxRetries: 2 } })
    const failed = outcome(fetch(URL, { method, ...(body === undefined ? {} : { body }) }))
    await clock.advanceAsync(30_000)
    expect(await failed).toMatchObject({ code: 'ERR_NETWORK', attempts: times })
    expect(calls).toHaveLength(times)
    await fetch.close()
  })

  test('waits as long as Retry-After says, in seconds or as a date', async () => {
    for (const value of ['7', new Date(Date.UTC(2026, 0, 1, 0, 0, 7)).toUTCString()]) {
      const { transport, calls } = scripted(status(429, { 'retry-after': value }), status(200))
      const { fetch, clock } = client({ fetch: transport, retry: { maxDelay: 1 } })
      const response = fetch(URL)
      await clock.advanceAsync(6_999)
      expect(calls).toHaveLength(1)
      expect(fetch.stats()).toMatchObject({ sleeping: 1, inflight: 0 })
      await clock.advanceAsync(1)
      expect(calls).toHaveLength(2)
      expect((await response).status).toBe(200)
      await fetch.close()
    }
  })

  test.each(['31', '1000000000000', new Date(Date.UTC(2027, 0, 1)).toUTCString()])(
    'does not sleep past the total deadline for Retry-After: %s',
    async value => {
      const { transport, calls } = scripted(status(503, { 'retry-after': value }))
      const { fetch } = client({ fetch: transport })
      expect((await fetch(URL)).status).toBe(503)
      expect(calls).toHaveLength(1)
      const gaveUp = Number(value) === 31 ? 'no-time-left' : 'pause-too-long'
      await expect(fetch.json(URL)).rejects.toMatchObject({ code: 'ERR_HTTP_STATUS', gaveUp, retryable: true })
      await fetch.close()
    },
  )

  test.each(['-1', 'soon', '', '1.5'])('takes Retry-After: %s for none', async value => {
    const { transport } = scripted(status(503, { 'retry-after': value }), status(200))
    const { fetch, clock } = client({ fetch: transport })
    const response = fetch(URL)
    await clock.advanceAsync(1_000)
    expect((await response).status).toBe(200)
    await fetch.close()
  })

  test('gives the same delays for the same seed', async () => {
    const delays = async (seed: number) => {
      const at: number[] = []
      const clock = new ManualClock()
      const transport = async () => {
        at.push(clock.monotonic())
        throw refused()
      }
      const fetch = createFetch({ clock, seed, fetch: transport, retry: { maxRetries: 5 }, totalTimeout: '1h' })
      const failed = outcome(fetch(URL))
      await clock.advanceAsync(200_000)
      await failed
      await fetch.close()
      return at
    }
    expect(await delays(7)).toEqual(await delays(7))
    expect(await delays(7)).not.toEqual(await delays(8))
    expect(await delays(7)).toHaveLength(6)
  })
})

describe('deadlines', () => {
  test('does not begin to sleep when no time would be left after it', async () => {
    const { transport, calls } = heldTransport()
    const { fetch, clock } = client({ fetch: transport, timeout: 1000, totalTimeout: 1000, retry: { initialDelay: 100 } })
    const failed = outcome(fetch(URL))
    await clock.advanceAsync(950)
    calls[0]?.fail(new TypeError('reset'))
    expect(await failed).toMatchObject({ code: 'ERR_NETWORK', gaveUp: 'no-time-left', attempts: 1, phases: { attempts: 950 } })
    expect(clock.monotonic()).toBe(950)
    await fetch.close()
  })

  test('ends an attempt in time and tries again', async () => {
    const { transport, calls } = heldTransport()
    const { fetch, clock } = client({ fetch: transport, timeout: 100, retry: { maxDelay: 0, initialDelay: 0 } })
    const response = fetch(URL)
    await clock.advanceAsync(99)
    expect(calls[0]?.signal.aborted).toBe(false)
    await clock.advanceAsync(1)
    expect(calls[0]?.signal.aborted).toBe(true)
    expect(calls).toHaveLength(2)
    calls[1]?.answer('second')
    expect(await (await response).text()).toBe('second')
    await fetch.close()
  })

  test('rejects with phase attempt when the last attempt takes too long', async () => {
    const { transport } = heldTransport()
    const { fetch, clock } = client({ fetch: transport, timeout: '100ms', retry: false })
    const failed = outcome(fetch(URL))
    await clock.advanceAsync(100)
    expect(await failed).toMatchObject({ code: 'ERR_TIMEOUT', phase: 'attempt', timeoutMs: 100, attempts: 1, phases: { attempts: 100 } })
    expect(fetch.stats()).toMatchObject({ inflight: 0, failures: { ERR_TIMEOUT: 1 } })
    await fetch.close()
  })

  test('one total deadline runs through attempts and backoff', async () => {
    const { transport, calls } = heldTransport()
    const { fetch, clock } = client({ fetch: transport, timeout: 400, totalTimeout: 1000, retry: { initialDelay: 50, maxDelay: 50 } })
    const failed = outcome(fetch(URL))
    await clock.advanceAsync(1000)
    expect(await failed).toMatchObject({ phase: 'total', timeoutMs: 1000, attempts: 3, phases: { queue: 0, attempts: 900, backoff: 100 } })
    expect(calls.every(call => call.signal.aborted)).toBe(true)
    await fetch.close()
  })

  test('a request that never got a slot says that it was queued', async () => {
    const { transport, calls } = heldTransport()
    const { fetch, clock } = client({ fetch: transport, concurrency: 1, timeout: '1h' })
    const first = fetch('http://origin.test/1', { totalTimeout: '1h' })
    const failed = outcome(fetch('http://origin.test/2', { totalTimeout: 500 }))
    await clock.advanceAsync(500)
    expect(await failed).toMatchObject({ phase: 'queue', timeoutMs: 500, attempts: 0, phases: { queue: 500, attempts: 0 } })
    calls[0]?.answer()
    await first
    expect(calls).toHaveLength(1)
    await fetch.close()
  })

  test('holds the process while somebody waits, and not longer', async () => {
    const { transport, calls } = heldTransport()
    const { fetch, clock } = client({ fetch: transport })
    const response = fetch(URL)
    expect(clock.heldTimers).toBe(1)
    calls[0]?.answer()
    await response
    expect(clock.timers).toBe(0)
    await fetch.close()
  })

  test('a call may bring its own limits', async () => {
    const { transport, calls } = scripted(refused)
    const { fetch } = client({ fetch: transport })
    await expect(fetch(URL, { retry: false })).rejects.toMatchObject({ attempts: 1 })
    await expect(fetch(URL, { timeout: -1 })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    expect(calls).toHaveLength(1)
    await fetch.close()
  })
})
