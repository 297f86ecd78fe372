import { describe, expect, test } from 'vitest'
import { createCache } from '../../../js/cache/cache.ts'
import { createMemoryCache } from '../../../js/cache/memory-cache.ts'
import { createFetch } from '../../../js/http/fetch.ts'
import type { FetchInit, FetchOptions } from '../../../js/http/types.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'
import { heldTransport, mapCache, outcome, scripted, settle } from './transport.ts'

const URL = 'http://origin.test/a'
const json =
  (headers: Record<string, string> = {}, code = 200) =>
  () =>
    new Response('{"n":1}', { status: code, headers })

describe('sharing', () => {
  test('identical requests at once are one on the wire, and each gets a body of its own', async () => {
    const { transport, calls } = heldTransport()
    const fetch = createFetch({ clock: new ManualClock(), fetch: transport })
    const all = Promise.all(Array.from({ length: 10_000 }, () => fetch(URL)))
    expect(calls).toHaveLength(1)
    calls[0]?.answer('shared')
    const responses = await all
    expect(responses.map(({ headers }) => headers.get('x-cache')).slice(0, 3)).toEqual(['miss', 'coalesced', 'coalesced'])
    expect(await Promise.all(responses.slice(0, 3).map(response => response.text()))).toEqual(['shared', 'shared', 'shared'])
    expect(fetch.stats()).toMatchObject({ requests: 10_000, sent: 1, misses: 1, coalesced: 9_999 })
    await fetch.close()
  })

  test.each<[string, FetchInit, FetchInit, number]>([
    ['the same header in another case', { headers: { Accept: 'a' } }, { headers: { accept: 'a' } }, 1],
    ['another header', { headers: { accept: 'a' } }, { headers: { accept: 'b' } }, 2],
    ['another user', { headers: { authorization: 'a' } }, { headers: { authorization: 'b' } }, 2],
    ['another cookie', { headers: { cookie: 'a' } }, {}, 2],
    ['other credentials', { credentials: 'include' }, { credentials: 'omit' }, 2],
    ['another method', { method: 'HEAD' }, {}, 2],
    ['a body', { method: 'POST', body: 'x' }, { method: 'POST', body: 'x' }, 2],
    ['another key', { headers: { 'x-api-key': 'A' } }, { headers: { 'x-api-key': 'B' } }, 2],
    ['another size limit', { maxResponseSize: 10 }, {}, 2],
    ['another deadline', { totalTimeout: 10 }, {}, 2],
  ])('%s', async (_name, one, two, sent) => {
    const { transport, calls } = heldTransport()
    const fetch = createFetch({ clock: new ManualClock(), fetch: transport })
    const all = Promise.all([fetch(URL, one), fetch(`${URL}#fragment`, two)])
    expect(calls).toHaveLength(sent)
    for (const call of calls) call.answer()
    await all
    await fetch.close()
  })

  test('a failure is everybody’s', async () => {
    const { transport, calls } = heldTransport()
    const fetch = createFetch({ clock: new ManualClock(), fetch: transport, retry: false })
    const all = [1, 2, 3].map(() => outcome(fetch(URL)))
    calls[0]?.fail(new TypeError('reset'))
    for (const result of await Promise.all(all)) expect(result).toMatchObject({ code: 'ERR_NETWORK' })
    expect(fetch.stats().failures).toEqual({ ERR_NETWORK: 3 })
    await fetch.close()
  })

  test('dedupe: false sends each', async () => {
    const { transport, calls } = heldTransport()
    const fetch = createFetch({ clock: new ManualClock(), fetch: transport, dedupe: false })
    const all = Promise.all([fetch(URL), fetch(URL)])
    expect(calls).toHaveLength(2)
    for (const call of calls) call.answer()
    await all
    await fetch.close()
  })
})

describe('the cache', () => {
  test('a memory hit is a standard Response and sends nothing', async () => {
    const { transport, calls } = scripted(json({ 'content-type': 'application/json', 'x-cache': 'HIT from a CDN' }))
    const fetch = createFetch({ fetch: transport, cache: mapCache() })
    const first = await fetch(`${URL}#top`)
    const second = await fetch(URL)
    expect([first, second].map(({ headers }) => headers.get('x-cache'))).toEqual(['miss', 'hit'])
    expect(second).toBeInstanceOf(Response)
    expect(second).toMatchObject({ url: URL, status: 200, ok: true, redirected: false })
    expect(second.headers.get('content-type')).toBe('application/json')
    const copy = second.clone()
    expect(copy.url).toBe(URL)
    expect(await second.json()).toEqual({ n: 1 })
    expect(await copy.text()).toBe('{"n":1}')
    expect(() => second.clone()).toThrow(TypeError)
    expect(calls).toHaveLength(1)
    await fetch.close()
  })

  test('whoever changes a body or a header changes only their own', async () => {
    const { transport } = scripted(json())
    const fetch = createFetch({ fetch: transport, cache: mapCache() })
    const first = await fetch(URL)
    first.headers.set('x-mine', '1')
    new Uint8Array(await first.arrayBuffer()).fill(0)
    const second = await fetch(URL)
    expect(second.headers.has('x-mine')).toBe(false)
    expect(await second.text()).toBe('{"n":1}')
    await fetch.close()
  })

  test('json is parsed once for each record', async () => {
    const { transport, calls } = scripted(json(), json())
    const cache = mapCache()
    const fetch = createFetch({ fetch: transport, cache })
    const first = await fetch.json(URL)
    expect(await fetch.json(URL)).toBe(first)
    cache.map.clear()
    expect(await fetch.json(URL)).not.toBe(first)
    expect(calls).toHaveLength(2)
    await fetch.close()
  })

  test('what a lower tier has is a hit, too', async () => {
    const { transport, calls } = scripted(json())
    const cache = mapCache()
    await createFetch({ fetch: transport, cache }).json(URL)
    const fetch = createFetch({ fetch: transport, cache: { ...cache, memory: new Map() } })
    expect((await fetch(URL)).headers.get('x-cache')).toBe('hit')
    expect(calls).toHaveLength(1)
    expect(fetch.stats()).toMatchObject({ hits: 1, sent: 0 })
    await fetch.close()
  })

  test.each<[string, Record<string, string>, number, boolean]>([
    ['plain', {}, 200, true],
    ['public', { 'cache-control': 'public, max-age=60' }, 200, true],
    ['vary on the encoding', { vary: 'Accept-Encoding' }, 200, true],
    ['no-store', { 'cache-control': 'max-age=60,No-Store' }, 200, false],
    ['no-cache', { 'cache-control': 'no-cache' }, 200, false],
    ['private', { 'cache-control': 'private, max-age=60' }, 200, true],
    ['expired at birth', { 'cache-control': 'max-age=0' }, 200, false],
    ['set-cookie', { 'set-cookie': 'a=b' }, 200, false],
    ['vary on what is in its key', { vary: 'accept-encoding, accept-language' }, 200, true],
    ['vary on all', { vary: '*' }, 200, false],
    ['partial', {}, 206, false],
    ['not found', {}, 404, false],
  ])('keeps a response that is %s: %o %i %s', async (_name, headers, code, kept) => {
    const { transport } = scripted(json(headers, code))
    const cache = mapCache()
    const fetch = createFetch({ fetch: transport, cache })
    await fetch(URL)
    expect(cache.map.size).toBe(kept ? 1 : 0)
    await fetch.close()
  })

  test('what chooses between answers is part of the key', async () => {
    const { transport, calls } = scripted(json(), json(), json())
    const fetch = createFetch({ fetch: transport, cache: mapCache() })
    for (const accept of ['text/html', 'application/json', 'text/html']) await fetch(URL, { headers: { accept } })
    expect(calls).toHaveLength(2)
    await fetch.close()
  })

  test.each<[string, FetchInit, number]>([
    ['authorization', { headers: { Authorization: 'Bearer x' } }, 0],
    ['cookie', { headers: { cookie: 'a=b' } }, 0],
    ['a key of the caller', { headers: { 'x-api-key': 'A' } }, 0],
    ['a tenant', { headers: { 'X-Tenant': 'a' } }, 0],
    ['range', { headers: { range: 'bytes=0-1' } }, 0],
    ['a condition', { headers: { 'if-none-match': '"x"' } }, 0],
    ['credentials', { credentials: 'include' }, 0],
    ['no-store', { cache: 'no-store' }, 0],
    ['POST', { method: 'POST' }, 0],
    ['HEAD', { method: 'HEAD' }, 0],
    ['reload', { cache: 'reload' }, 1],
  ])('a request with %s is not answered from the cache and leaves %o there', async (_name, init, left) => {
    const { transport, calls } = scripted(json())
    const cache = mapCache()
    const fetch = createFetch({ fetch: transport, cache })
    await fetch(URL)
    const [record] = cache.map.values()
    if (left === 0) cache.map.clear()
    await fetch(URL, init)
    expect(calls).toHaveLength(2)
    expect(cache.map.size).toBe(left)
    if (left === 1) expect([...cache.map.values()][0]).not.toBe(record)
    await fetch.close()
  })

  test('its own ttl goes before max-age, which goes before that of the cache', async () => {
    const { transport } = scripted(json({ 'cache-control': 'max-age=60' }), json({ 'cache-control': 'max-age=60' }), json())
    const cache = mapCache()
    const fetch = createFetch({ fetch: transport, cache })
    for (const [path, init] of [
      ['/1', { ttl: '5s' }],
      ['/2', {}],
      ['/3', {}],
    ] as const)
      await fetch(URL + path, init)
    expect(cache.ttls).toEqual([5000, 60_000, undefined])
    await fetch.close()
  })

  test('a cache that fails costs its help, not the answer', async () => {
    const { transport } = scripted(json())
    const broken = { memory: new Map(), getOrSet: () => Promise.reject(new Error('disk')), set: () => Promise.reject(new Error('disk')) }
    const fetch = createFetch({ fetch: transport, cache: broken })
    expect(await fetch.json(URL)).toEqual({ n: 1 })
    expect(fetch.stats()).toMatchObject({ cacheFailures: 2, failures: {} })
    const full = {
      ...broken,
      getOrSet: (_key: string, loader: () => Promise<unknown>) => loader().then(() => Promise.reject(new Error('full'))),
    }
    const other = createFetch({ fetch: transport, cache: full })
    expect((await other(URL)).headers.get('x-cache')).toBe('miss')
    expect(other.stats()).toMatchObject({ cacheFailures: 1, sent: 1, failures: {} })
    await other.close()
    await fetch.close()
  })

  test('a cache that throws at once costs its help, not the answer', async () => {
    const cache = mapCache()
    cache.set = () => {
      throw new Error('the cache is broken')
    }
    const fetch = createFetch({ fetch: async () => new Response('{}', { headers: { 'cache-control': 'max-age=60' } }), cache })
    const response = await fetch(URL, { cache: 'reload' })
    expect([response.headers.get('x-cache'), await response.text()]).toEqual(['miss', '{}'])
    expect(fetch.stats()).toMatchObject({ misses: 1, cacheFailures: 1, failures: {}, inflight: 0 })
    await fetch.close()
  })

  test('a tier that hangs ends with the total deadline, and its late loader sends nothing', async () => {
    const clock = new ManualClock()
    const { transport, calls } = scripted(json())
    let load: (() => Promise<unknown>) | undefined
    const hangs = new Promise<undefined>(() => undefined)
    const getOrSet = (_key: string, loader: () => Promise<unknown>) => {
      load = loader
      return hangs
    }
    const fetch = createFetch({ clock, fetch: transport, totalTimeout: 500, cache: { ...mapCache(), getOrSet } })
    const failed = outcome(fetch(URL))
    const controller = new AbortController()
    const left = outcome(fetch(`${URL}2`, { signal: controller.signal }))
    controller.abort('left')
    expect(await left).toBe('left')
    expect(await load?.()).toBeUndefined()
    await clock.advanceAsync(500)
    expect(await failed).toMatchObject({ code: 'ERR_TIMEOUT', phase: 'store', timeoutMs: 500, attempts: 0 })
    expect(await load?.()).toBeUndefined()
    expect([calls.length, clock.timers]).toEqual([0, 0])
    await fetch.close()
  })

  test.each(['is closed', 'has no patience'])('a cache that %s while the request is on the wire costs no second one', async what => {
    const clock = new ManualClock()
    const { transport, calls } = heldTransport()
    const cache = createCache({ clock, hardTimeout: 50 })
    const fetch = createFetch({ clock, fetch: transport, cache, timeout: 1000 })
    const answer = fetch(URL)
    await settle()
    if (what === 'is closed') await cache.close()
    await clock.advanceAsync(60)
    expect([calls.length, fetch.stats().inflight]).toEqual([1, 1])
    calls[0]?.answer('late')
    expect(await (await answer).text()).toBe('late')
    await clock.advanceAsync(60_000)
    expect([calls.length, fetch.stats().inflight, clock.timers]).toEqual([1, 0, 0])
    expect(fetch.stats()).toMatchObject({ misses: 1, cacheFailures: 1 })
    await fetch.close()
  })

  test('a cache that answers with something old while it loads anew costs no slot', async () => {
    const { transport, calls } = heldTransport()
    const old = { status: 200, statusText: '', headers: [], url: URL, redirected: false, body: new Uint8Array(1) }
    const cache = {
      ...mapCache(),
      getOrSet: async (_key: string, loader: () => Promise<unknown>) => {
        void loader()
        return old
      },
    }
    const fetch = createFetch({ clock: new ManualClock(), fetch: transport, cache })
    expect((await fetch(URL)).headers.get('x-cache')).toBe('hit')
    expect([calls[0]?.signal.aborted, fetch.stats().inflight]).toEqual([true, 0])
    await fetch.close()
  })

  test('a tier that reads slowly leaves the rest of the total deadline; one that never stores costs no answer', async () => {
    const clock = new ManualClock()
    const { transport, calls } = heldTransport()
    const slowly = (_key: string, loader: () => Promise<unknown>) => new Promise(resolve => clock.timer(300, () => resolve(loader())))
    const slow = createFetch({ clock, fetch: transport, totalTimeout: 500, retry: false, cache: { ...mapCache(), getOrSet: slowly } })
    const late = outcome(slow(URL))
    await clock.advanceAsync(499)
    expect([calls.length, calls[0]?.signal.aborted]).toEqual([1, false])
    await clock.advanceAsync(1)
    expect(await late).toMatchObject({ phase: 'total', phases: { attempts: 200 } })
    const never = (_key: string, loader: () => Promise<unknown>) => loader().then(() => new Promise(() => undefined))
    const fetch = createFetch({ clock, fetch: transport, totalTimeout: 500, cache: { ...mapCache(), getOrSet: never } })
    const response = fetch(URL)
    calls[1]?.answer('here')
    await clock.advanceAsync(500)
    expect(await (await response).text()).toBe('here')
    expect([fetch.stats().cacheFailures, clock.timers]).toEqual([1, 0])
    await slow.close()
    await fetch.close()
  })

  test('a stranger’s value under our key is a miss', async () => {
    const { transport, calls } = scripted(json())
    const cache = mapCache()
    cache.map.set(`GET ${URL}`, 'not a response')
    const fetch = createFetch({ fetch: transport, cache })
    expect((await fetch(URL)).status).toBe(200)
    expect(calls).toHaveLength(1)
    await fetch.close()
  })
})

describe('with a Cache of ours', () => {
  const setUp = (fetchOptions: FetchOptions = {}) => {
    const clock = new ManualClock()
    const cache = createCache<unknown>({ clock, ttl: '1h' })
    const { transport, calls } = heldTransport()
    return { clock, cache, calls, fetch: createFetch({ clock, cache, fetch: transport, ...fetchOptions }), transport }
  }

  test('keeps for the time of the call, of the response, or of the cache', async () => {
    const { clock, cache, calls, fetch } = setUp()
    const all = [fetch(`${URL}1`, { ttl: '1m' }), fetch(`${URL}2`), fetch(`${URL}3`)]
    for (const call of calls) call.answer('{}', call.url.endsWith('3') ? {} : { headers: { 'cache-control': 'max-age=120' } })
    await Promise.all(all)
    const left = () => [1, 2, 3].filter(n => cache.memory.has(`GET ${URL}${n}`))
    expect(left()).toEqual([1, 2, 3])
    clock.advance(60_000)
    expect(left()).toEqual([2, 3])
    clock.advance(60_000)
    expect(left()).toEqual([3])
    clock.advance(3_600_000)
    expect(left()).toEqual([])
    await fetch.close()
    await cache.close()
  })

  test('an answer that was under way does not overrule a deletion', async () => {
    const { cache, calls, fetch } = setUp()
    const old = fetch(URL)
    await cache.delete(`GET ${URL}`)
    calls[0]?.answer('old')
    expect(await (await old).text()).toBe('old')
    expect(cache.memory.has(`GET ${URL}`)).toBe(false)
    await fetch.close()
    await cache.close()
  })

  test('two clients of one cache share a request, and the second goes alone when the first gives up', async () => {
    const { cache, calls, clock, fetch, transport } = setUp()
    const second = createFetch({ clock, cache, fetch: transport })
    const controller = new AbortController()
    const left = outcome(fetch(URL, { signal: controller.signal }))
    const stays = second(URL)
    await settle()
    expect(calls).toHaveLength(1)
    controller.abort('left')
    expect(await left).toBe('left')
    await settle()
    expect(calls).toHaveLength(2)
    calls[1]?.answer('alone')
    expect(await (await stays).text()).toBe('alone')
    expect(cache.pending()).toEqual({ loads: 0, leases: 0 })
    await fetch.close()
    await second.close()
    await cache.close()
  })

  test('failures, aborts, deadlines and closing leave nothing in the cache and no load behind', async () => {
    const { cache, calls, clock, fetch } = setUp({ retry: false, timeout: 50 })
    const controller = new AbortController()
    const results = [
      outcome(fetch(`${URL}/fails`)),
      outcome(fetch(`${URL}/aborted`, { signal: controller.signal })),
      outcome(fetch(`${URL}/late`)),
      outcome(fetch(`${URL}/large`, { maxResponseSize: 1 })),
    ]
    calls[0]?.fail(new TypeError('reset'))
    controller.abort('left')
    calls[3]?.answer('too large')
    await clock.advanceAsync(50)
    const codes = (await Promise.all(results)).map(result => (result as { code?: string }).code ?? result)
    expect(codes).toEqual(['ERR_NETWORK', 'left', 'ERR_TIMEOUT', 'ERR_RESPONSE_TOO_LARGE'])
    const closing = outcome(fetch(`${URL}/closing`))
    await fetch.close()
    expect(await closing).toMatchObject({ code: 'ERR_CLOSED' })
    await settle()
    expect([cache.memory.size, cache.pending()]).toEqual([0, { loads: 0, leases: 0 }])
    await cache.close()
  })

  test('10 000 calls at once are one on the wire, and later ones are hits', async () => {
    const { cache, calls, fetch } = setUp()
    const all = Promise.all(Array.from({ length: 10_000 }, () => fetch.json(URL)))
    calls[0]?.answer('{"n":1}')
    const values = await all
    expect(new Set(values).size).toBe(1)
    expect(await fetch.json(URL)).toBe(values[0])
    expect(fetch.stats()).toMatchObject({ sent: 1, misses: 1, coalesced: 9_999, hits: 1 })
    await fetch.close()
    await cache.close()
  })

  test('a closed cache costs its help, not the answer', async () => {
    const { cache, calls, fetch } = setUp()
    await cache.close()
    const response = fetch(URL)
    await settle()
    calls[0]?.answer('still')
    expect(await (await response).text()).toBe('still')
    await fetch.close()
  })
})

describe('calls', () => {
  test('takes a string, a URL or a Request, whose body is sent once', async () => {
    const { transport, calls } = scripted(json({}, 503))
    const fetch = createFetch({ fetch: transport, retry: { initialDelay: 0, maxDelay: 0, maxRetries: 1 } })
    await fetch(new globalThis.URL(URL))
    await fetch(new Request(URL, { method: 'PUT', body: 'text', headers: { 'x-a': '1' } }))
    expect(calls).toHaveLength(3)
    expect(calls[2]?.init).toMatchObject({ method: 'PUT', duplex: 'half' })
    expect(new Headers(calls[2]?.init.headers).get('x-a')).toBe('1')
    await fetch.close()
  })

  test.each<[string, string, FetchInit?]>([
    ['a relative URL', '/a'],
    ['no URL', ''],
    ['a body with GET', URL, { body: 'x' }],
    ['a method that is none', URL, { method: 'GET /' }],
    ['a header that is none', URL, { headers: { 'a b': 'c' } }],
    ['a size below one', URL, { maxResponseSize: 0 }],
    ['a signal that is none', URL, { signal: {} as AbortSignal }],
  ])('refuses %s', async (_name, url, init) => {
    const { transport, calls } = scripted(json())
    const fetch = createFetch({ fetch: transport })
    await expect(fetch(url, init)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    expect(calls).toHaveLength(0)
    await fetch.close()
  })

  test.each([
    { concurrency: 0 },
    { perHost: 1.5 },
    { timeout: Number.NaN },
    { totalTimeout: '5 parsecs' },
    { maxResponseSize: -1 },
    { retry: { maxRetries: -1 } },
    { retry: { backoff: 'none' } },
    { seed: 0.5 },
    { fetch: 'fetch' },
    { retry: { methods: 'GET' } },
    { cache: {} },
    { cache: createMemoryCache() },
  ])('refuses the options %o', options => {
    expect(() => createFetch(options as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })

  test('an option that is undefined leaves what the Request says', async () => {
    const { transport, calls } = scripted(json())
    const fetch = createFetch({ fetch: transport })
    const { signal } = new AbortController()
    const request = new Request(URL, { method: 'POST', body: 'x', headers: { authorization: 'me' }, signal })
    const absent = { method: undefined, headers: undefined, body: undefined, signal: undefined } as unknown as FetchInit
    await fetch(request, absent)
    expect(calls[0]?.init).toMatchObject({ method: 'POST' })
    expect(new Headers(calls[0]?.init.headers).get('authorization')).toBe('me')
    await fetch.close()
  })

  test('json rejects with the status when it is not ok and with ERR_PARSE when the body is not JSON', async () => {
    const { transport } = scripted(json({}, 404), () => new Response('<html>'))
    const fetch = createFetch({ fetch: transport })
    await expect(fetch.json(URL)).rejects.toMatchObject({
      code: 'ERR_HTTP_STATUS',
      status: 404,
      body: '{"n":1}',
      url: URL,
      retryable: false,
    })
    await expect(fetch.json(URL)).rejects.toMatchObject({ code: 'ERR_PARSE', cause: expect.any(SyntaxError) })
    await fetch.close()
  })

  test.each([204, 205, 304])('a %i has no body', async code => {
    const { transport } = scripted(() => new Response(null, { status: code }))
    const fetch = createFetch({ fetch: transport })
    expect(await fetch(URL)).toMatchObject({ status: code, body: null })
    await fetch.close()
  })

  test('a call from within the transport is served in its turn', async () => {
    const clock = new ManualClock()
    const inner: Promise<Response>[] = []
    const fetch = createFetch({
      clock,
      concurrency: 2,
      fetch: async url => {
        if (url.endsWith('/a')) inner.push(fetch(`${URL}/inner`), fetch(`${URL}/second`))
        return new Response(url)
      },
    })
    expect(await (await fetch(URL)).text()).toBe(URL)
    await settle()
    expect(await Promise.all(inner.map(async response => (await response).text()))).toEqual([`${URL}/inner`, `${URL}/second`])
    await fetch.close()
  })
})
