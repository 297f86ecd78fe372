import { describe, expect, test, vi } from 'vitest'
import { createCache } from '../../../js/cache/cache.ts'
import { createFetch } from '../../../js/http/fetch.ts'
import type { FetchHooks, FetchOptions } from '../../../js/http/types.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'
import { countListeners, outcome, settle } from './transport.ts'

const URL = 'http://origin.test/a'

/** An origin that answers by what it is asked with. */
function client(hooks: FetchHooks, answer: (headers: Headers, n: number) => Response | Promise<Response>, options: FetchOptions = {}) {
  const clock = new ManualClock()
  const sent: { url: string; headers: Record<string, string>; init: RequestInit }[] = []
  const transport = async (url: string, init: RequestInit) => {
    const headers = new Headers(init.headers)
    sent.push({ url, headers: Object.fromEntries(headers), init })
    return answer(headers, sent.length)
  }
  const fetch = createFetch({ clock, fetch: transport, hooks, retry: false, ...options })
  return { clock, fetch, sent }
}

describe('afterResponse', () => {
  test('a token that is refused is refreshed, and the request is sent once more', async () => {
    let token = 'old'
    const refresh = vi.fn(async () => {
      token = 'new'
    })
    const { fetch, sent } = client(
      {
        beforeRequest: [({ request }) => request.headers.set('authorization', token)],
        afterResponse: [
          async ({ request, response, resent }) => {
            if (response.status !== 401 || resent) return
            await refresh()
            request.headers.set('authorization', token)
            return request
          },
        ],
      },
      headers => new Response(headers.get('authorization'), { status: headers.get('authorization') === 'new' ? 200 : 401 }),
      { concurrency: 1 },
    )
    const all = await Promise.all([fetch(URL), fetch(URL)])
    expect(await Promise.all(all.map(response => response.text()))).toEqual(['new', 'new'])
    expect(sent.map(({ headers }) => headers.authorization)).toEqual(['old', 'new'])
    expect(refresh).toHaveBeenCalledTimes(1)
    expect(fetch.stats()).toMatchObject({ requests: 2, sent: 2, misses: 1, coalesced: 1, inflight: 0, failures: {} })
    await fetch.close()
  })

  test('once: who is refused again gets the refusal', async () => {
    const { fetch, sent } = client(
      { afterResponse: [({ request, response }) => (response.status === 401 ? request : undefined)] },
      () => new Response('no', { status: 401 }),
    )
    expect((await fetch(URL)).status).toBe(401)
    expect(sent).toHaveLength(2)
    await fetch.close()
  })

  test('the body of the request goes with it, and the errors of the second time tell of both', async () => {
    const { fetch, sent } = client(
      { afterResponse: [({ request, response }) => (response.status === 401 ? request : undefined)] },
      (_headers, n) => {
        if (n === 2) throw new TypeError('reset')
        return new Response('no', { status: 401 })
      },
    )
    expect(await outcome(fetch(URL, { method: 'POST', body: 'text' }))).toMatchObject({ code: 'ERR_NETWORK', attempts: 2 })
    expect(sent.map(({ init }) => init.body)).toEqual(['text', 'text'])
    await fetch.close()
  })

  test('a Response takes the place of what came, is kept, and is seen by the hooks behind', async () => {
    const cache = createCache()
    const seen: string[] = []
    const { fetch } = client(
      {
        afterResponse: [
          async ({ response }) => new Response((await response.text()).toUpperCase(), { headers: response.headers }),
          async ({ response }) => void seen.push(await response.clone().text()),
        ],
      },
      () => new Response('text', { headers: { 'cache-control': 'max-age=60' } }),
      { cache },
    )
    expect(await (await fetch(URL)).text()).toBe('TEXT')
    const again = await fetch(URL)
    expect([again.headers.get('x-cache'), await again.text(), seen]).toEqual(['hit', 'TEXT', ['TEXT']])
    await fetch.close()
    await cache.close()
  })

  test('what it throws, the callers are rejected with; nothing is kept', async () => {
    const cache = createCache()
    const wrong = new Error('wrong')
    const { fetch } = client(
      {
        afterResponse: [
          () => {
            throw wrong
          },
        ],
      },
      () => new Response('text', { headers: { 'cache-control': 'max-age=60' } }),
      { cache },
    )
    expect(await outcome(fetch(URL))).toBe(wrong)
    await settle()
    expect([cache.memory.size, fetch.stats().inflight, cache.pending().loads]).toEqual([0, 0, 0])
    await fetch.close()
    await cache.close()
  })

  test('one that takes too long ends with the total deadline, and an abort does not wait for it', async () => {
    const hangs = new Promise<undefined>(() => undefined)
    const { fetch, clock } = client({ afterResponse: [() => hangs] }, () => new Response('text'), { totalTimeout: 500 })
    const late = outcome(fetch(URL))
    const controller = new AbortController()
    const left = outcome(fetch(`${URL}2`, { signal: controller.signal }))
    await settle()
    controller.abort('left')
    expect(await left).toBe('left')
    await clock.advanceAsync(500)
    expect(await late).toMatchObject({ code: 'ERR_TIMEOUT', phase: 'total' })
    expect(clock.timers).toBe(0)
    await fetch.close()
  })

  test('an answer to a request that was changed on the way is not kept for those who ask without', async () => {
    const cache = createCache()
    const { fetch } = client(
      {
        afterResponse: [
          ({ request, response, resent }) => {
            if (response.status !== 401 || resent) return
            request.headers.set('authorization', 'me')
            return request
          },
        ],
      },
      headers =>
        new Response(headers.get('authorization'), {
          status: headers.has('authorization') ? 200 : 401,
          headers: { 'cache-control': 'max-age=60' },
        }),
      { cache },
    )
    expect(await (await fetch(URL)).text()).toBe('me')
    expect(cache.memory.size).toBe(0)
    expect(await (await fetch(URL, { partition: 'me' })).text()).toBe('me')
    expect((await fetch(URL, { partition: 'me' })).headers.get('x-cache')).toBe('hit')
    await fetch.close()
    await cache.close()
  })
})

describe('beforeRequest', () => {
  test('what it sets counts for the cache as if the caller had', async () => {
    const cache = createCache()
    let who = 'ann'
    const { fetch, sent } = client(
      { beforeRequest: [({ request }) => request.headers.set('authorization', who)] },
      headers => new Response(headers.get('authorization'), { headers: { 'cache-control': 'max-age=60' } }),
      { cache },
    )
    expect(await (await fetch(URL)).text()).toBe('ann')
    who = 'bob'
    expect(await (await fetch(URL)).text()).toBe('bob')
    expect([sent.length, cache.memory.size]).toEqual([2, 0])
    await fetch.close()
    await cache.close()
  })

  test('each sees what those before it did; a Request takes the place of the call', async () => {
    const { fetch, sent } = client(
      {
        beforeRequest: [
          ({ request }) => request.headers.delete('x-default'),
          ({ request }) =>
            new Request('http://origin.test/b', { method: 'PUT', body: 'new', headers: { 'x-seen': `${[...request.headers]}` } }),
        ],
      },
      () => new Response('ok'),
      { headers: { 'x-default': '1' } },
    )
    await fetch(URL, { method: 'POST', body: 'old', headers: { 'x-own': '2' } })
    expect(sent[0]).toMatchObject({ url: 'http://origin.test/b', headers: { 'x-seen': 'x-own,2' } })
    expect(await new Response(sent[0]?.init.body).text()).toBe('new')
    expect(sent[0]?.headers).not.toHaveProperty('x-default')
    await fetch(URL, { method: 'POST', body: 'old' })
    await fetch.close()
  })

  test('leaves the body as it is', async () => {
    const { fetch, sent } = client({ beforeRequest: [({ request }) => request.headers.set('x-a', '1')] }, () => new Response('ok'))
    await fetch(URL, { method: 'POST', body: 'text' })
    await fetch(new Request(URL, { method: 'POST', body: 'more' }))
    expect(sent[0]?.init.body).toBe('text')
    expect(await new Response(sent[1]?.init.body).text()).toBe('more')
    expect(sent.map(({ headers }) => headers['x-a'])).toEqual(['1', '1'])
    await fetch.close()
  })

  test('a Response answers without sending anything', async () => {
    const { fetch, sent } = client({ beforeRequest: [() => Response.json({ n: 1 })] }, () => new Response('no'))
    expect(await (await fetch(URL)).json()).toEqual({ n: 1 })
    expect(await fetch.json(URL)).toEqual({ n: 1 })
    expect(sent).toHaveLength(0)
    expect(fetch.stats()).toMatchObject({ requests: 2, answered: 2 })
    await fetch.close()
  })

  test('what it throws, and an abort while it takes its time, reject the call and leave nothing behind', async () => {
    const hangs = new Promise<undefined>(() => undefined)
    let hook = (): Promise<undefined> => Promise.reject(new Error('no token'))
    const { fetch, sent } = client({ beforeRequest: [() => hook()] }, () => new Response('no'))
    expect(await outcome(fetch(URL))).toMatchObject({ message: 'no token' })
    hook = () => hangs
    const controller = new AbortController()
    const listeners = countListeners(controller.signal)
    const left = outcome(fetch(URL, { signal: controller.signal }))
    controller.abort('left')
    expect(await left).toBe('left')
    await settle()
    expect([sent.length, listeners()]).toEqual([0, 0])
    expect(fetch.stats()).toMatchObject({ requests: 2, failures: { ERR_ABORTED: 2 } })
    await fetch.close()
  })
})

describe('beforeRetry', () => {
  const retry = { maxRetries: 2, initialDelay: 0, maxDelay: 0 }

  test('is told why, and changes the attempts that follow', async () => {
    const seen: unknown[] = []
    const { fetch, sent } = client(
      {
        beforeRetry: [
          ({ request, attempt, error, status }) => {
            seen.push([attempt, status ?? (error as Error).message])
            request.headers.set('x-attempt', `${attempt}`)
          },
        ],
      },
      (_headers, n) => {
        if (n === 2) throw new TypeError('reset')
        return new Response('ok', { status: n === 1 ? 503 : 200 })
      },
      { retry },
    )
    expect((await fetch(URL)).status).toBe(200)
    expect(seen).toEqual([
      [2, 503],
      [3, 'reset'],
    ])
    expect(sent.map(({ headers }) => headers['x-attempt'])).toEqual([undefined, '2', '3'])
    await fetch.close()
  })

  test('a Response is the answer of the attempt; what is thrown ends the call', async () => {
    const answers = client({ beforeRetry: [() => new Response('instead')] }, () => new Response('no', { status: 503 }), { retry })
    expect(await (await answers.fetch(URL)).text()).toBe('instead')
    expect(answers.sent).toHaveLength(1)
    await answers.fetch.close()
    const stop = new Error('stop')
    const throws = client({ beforeRetry: [() => Promise.reject(stop)] }, () => new Response('no', { status: 503 }), { retry })
    expect(await outcome(throws.fetch(URL))).toBe(stop)
    expect(throws.fetch.stats()).toMatchObject({ inflight: 0, sleeping: 0, queued: 0 })
    await throws.fetch.close()
  })
})

test.each([{ hooks: { beforeRequest: 'x' } }, { hooks: { afterResponse: [1] } }, { hooks: 5 }])('refuses %o', options => {
  expect(() => createFetch(options as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
})
