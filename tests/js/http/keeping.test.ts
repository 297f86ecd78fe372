/** What is kept, for whom, and what becomes of it: the stories that one answer after another tells. */

import { afterEach, describe, expect, test, vi } from 'vitest'
import { createCache } from '../../../js/cache/cache.ts'
import { createFetch } from '../../../js/http/fetch.ts'
import type { FetchInit, FetchOptions } from '../../../js/http/types.ts'
import type { StoreContext } from '../../../js/stores/tier.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'
import { MemoryLog, memoryStore } from '../../../js/testing/memory-medium.ts'
import { heldTransport, outcome, settle } from './transport.ts'

const URL = 'http://origin.test/a'

afterEach(() => vi.unstubAllGlobals())

interface Told {
  readonly method: string
  readonly url: string
  readonly headers: Headers
  readonly init: RequestInit
}

/** A client in front of an origin that answers as it is told. */
function story(
  origin: (request: Told, n: number) => Response | Promise<Response>,
  options: FetchOptions & { tiered?: boolean; log?: MemoryLog } = {},
) {
  const clock = new ManualClock()
  const { tiered = false, log, ...rest } = options
  const cache = createCache({
    clock,
    ttl: '1h',
    ...((tiered || log !== undefined) && { store: memoryStore(log === undefined ? {} : { log }) }),
  })
  const sent: Told[] = []
  const transport = async (url: string, init: RequestInit) => {
    const request = { method: init.method ?? 'GET', url, headers: new Headers(init.headers), init }
    sent.push(request)
    return origin(request, sent.length)
  }
  const fetch = createFetch({ clock, cache, fetch: transport, retry: { maxRetries: 0 }, ...rest })
  const told = async (init?: FetchInit, url = URL) => {
    const response = await fetch(url, init)
    return `${response.headers.get('x-cache')} ${await response.text()}`
  }
  const end = async () => {
    await fetch.close()
    const closing = cache.close()
    await clock.advanceAsync(1000)
    await closing
  }
  return { clock, cache, fetch, sent, told, end, pass: (seconds: number) => clock.advance(seconds * 1000) }
}

describe('an unchanged resource', () => {
  test('costs no body and no parsing, and begins a new life with the headers that came', async () => {
    const parse = vi.spyOn(JSON, 'parse')
    const { fetch, sent, pass, end } = story(({ headers }, n) =>
      headers.has('if-none-match')
        ? new Response(null, { status: 304, headers: { 'cache-control': 'max-age=100', 'x-n': `${n}`, 'content-length': '9', age: '2' } })
        : new Response('{"n":1}', {
            headers: { 'cache-control': 'max-age=10', etag: '"1"', 'x-n': '1', 'content-type': 'application/json', age: '5' },
          }),
    )
    const value = await fetch.json(URL)
    parse.mockClear()
    pass(11)
    expect(await fetch.json(URL)).toBe(value)
    expect(sent[1]?.headers.get('if-none-match')).toBe('"1"')
    pass(97)
    const kept = await fetch(URL)
    expect(Object.fromEntries(kept.headers)).toEqual({
      age: '99',
      'cache-control': 'max-age=100',
      'content-type': 'application/json',
      etag: '"1"',
      'x-cache': 'hit',
      'x-n': '2',
    })
    pass(1)
    expect((await fetch(URL)).headers.get('x-cache')).toBe('revalidated')
    expect(await fetch.json(URL)).toBe(value)
    expect(parse).not.toHaveBeenCalled()
    expect(fetch.stats()).toMatchObject({ requests: 5, sent: 3, misses: 1, revalidated: 2, hits: 2, bytes: 7 })
    parse.mockRestore()
    await end()
  })

  test('is confirmed for all who wait, after a restart too', async () => {
    const log = new MemoryLog()
    const begin = () =>
      story(
        ({ headers }) =>
          headers.has('if-modified-since')
            ? new Response(null, { status: 304 })
            : new Response('1', { headers: { 'cache-control': 'max-age=10', 'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT' } }),
        { log },
      )
    const before = begin()
    await before.fetch(URL)
    await before.end()
    const { fetch, sent, told, pass, end } = begin()
    await settle()
    pass(11)
    const all = await Promise.all([fetch(URL), fetch(URL), fetch(URL)])
    expect(all.map(({ headers }) => headers.get('x-cache'))).toEqual(['revalidated', 'coalesced', 'coalesced'])
    expect(sent).toHaveLength(1)
    expect(await told()).toBe('hit 1')
    await end()
  })

  test('what comes with a cookie is given without being kept', async () => {
    const { fetch, pass, end } = story(({ headers }) =>
      headers.has('if-none-match')
        ? new Response(null, { status: 304, headers: { 'set-cookie': 'a=b' } })
        : new Response('1', { headers: { 'cache-control': 'max-age=10', etag: '"1"' } }),
    )
    await fetch(URL)
    pass(11)
    expect((await fetch(URL)).headers.get('x-cache')).toBe('revalidated')
    expect((await fetch(URL)).headers.has('set-cookie')).toBe(false)
    await end()
  })

  test('an answer of the same bytes is not parsed again either', async () => {
    const { fetch, pass, end } = story(() => new Response('{"n":1}', { headers: { 'cache-control': 'max-age=10', etag: '"1"' } }))
    const value = await fetch.json(URL)
    pass(11)
    expect(await fetch.json(URL)).toBe(value)
    expect(fetch.stats()).toMatchObject({ misses: 2 })
    await end()
  })

  test('a confirmation of something else is not believed, and asked again without condition', async () => {
    const { fetch, sent, told, pass, end } = story(
      ({ headers }) =>
        headers.has('if-none-match')
          ? new Response(null, { status: 304, headers: { etag: '"9"' } })
          : new Response('new', { headers: { 'cache-control': 'max-age=10', etag: '"1"' } }),
      { retry: { maxRetries: 1, initialDelay: 0, maxDelay: 0 } },
    )
    await told()
    pass(11)
    expect(await told()).toBe('miss new')
    expect(sent.map(({ headers }) => headers.get('if-none-match'))).toEqual([null, '"1"', null])
    expect(fetch.stats()).toMatchObject({ retries: 1 })
    await end()
  })
})

describe('in a browser', () => {
  /** Forbids what browsers forbid to say. */
  class PageRequest extends Request {
    constructor(input: string | Request, init: RequestInit = {}) {
      const headers = new Headers(init.headers)
      headers.delete('cookie')
      super(input, { ...init, headers })
    }
  }

  test('the platform asks: no header is added, and what it confirms is not parsed again', async () => {
    vi.stubGlobal('Request', PageRequest)
    const { fetch, sent, pass, end } = story(() => new Response('{"n":1}', { headers: { 'cache-control': 'max-age=10', etag: '"1"' } }))
    const value = await fetch.json(URL)
    pass(11)
    expect(await fetch.json(URL)).toBe(value)
    expect(sent.map(({ headers, init }) => [[...headers], init.cache])).toEqual([
      [[], undefined],
      [[], 'no-cache'],
    ])
    await end()
  })

  test('what varies with cookies, which nobody sees, takes a partition', async () => {
    vi.stubGlobal('Request', PageRequest)
    const answer = () => new Response('1', { headers: { 'cache-control': 'max-age=10', vary: 'cookie' } })
    const without = story(answer)
    expect([await without.told(), await without.told()]).toEqual(['miss 1', 'miss 1'])
    await without.end()
    const within = story(answer, { partition: 'me' })
    expect([await within.told(), await within.told()]).toEqual(['miss 1', 'hit 1'])
    await within.end()
  })
})

describe('for whom', () => {
  const personal = ({ headers }: Told) =>
    new Response(headers.get('authorization'), { headers: { 'cache-control': 'private, max-age=60' } })
  const as = (who: string): FetchInit => ({ headers: { authorization: who }, partition: who })

  test('two users of one cache never see each other’s answers', async () => {
    const { told, sent, end } = story(personal, { tiered: true })
    expect(await Promise.all([told(as('ann')), told(as('bob')), told(as('ann'))])).toEqual(['miss ann', 'miss bob', 'coalesced ann'])
    expect(await Promise.all([told(as('bob')), told(as('ann'))])).toEqual(['hit bob', 'hit ann'])
    // Whoever says who asks, but not for whom it may be kept, is always answered by the origin.
    for (const who of ['ann', 'bob', 'eve']) expect(await told({ headers: { authorization: who } })).toBe(`miss ${who}`)
    expect(await told({ headers: { authorization: 'eve' }, cache: 'force-cache' })).toBe('miss eve')
    expect(sent).toHaveLength(6)
    await end()
  })

  test('nor do users of one Redis, whatever they ask for', async () => {
    const { told, cache, end } = story(personal, { shared: true })
    for (const who of ['ann', 'bob']) await told(as(who))
    expect(await told({ headers: {} })).toBe('miss ')
    for (const cacheMode of ['force-cache', 'only-if-cached'] as const) expect(await told({ cache: cacheMode })).toMatch(/^miss/)
    expect(await told({ headers: { 'cache-control': 'max-stale, only-if-cached' } })).toBe('miss ')
    expect(cache.memory.size).toBe(2)
    await end()
  })

  test('a tier that others use makes a cache a shared one, unless the caller knows better', async () => {
    const store = memoryStore()
    const sharedStore = { ...store, openTier: (context: StoreContext) => Object.assign(store.openTier(context), { isShared: true }) }
    const clock = new ManualClock()
    for (const [options, kept] of [[{}, 0] as const, [{ shared: false }, 1] as const]) {
      const cache = createCache({ clock, store: sharedStore })
      expect([cache.isShared, cache.namespace('n').isShared]).toEqual([true, true])
      const fetch = createFetch({
        clock,
        cache,
        fetch: async () => new Response('1', { headers: { 'cache-control': 'private, max-age=60' } }),
        ...options,
      })
      await fetch(URL)
      expect(cache.memory.size).toBe(kept)
      await fetch.close()
      await cache.close()
    }
    expect(createCache({ clock, store: memoryStore() }).isShared).toBe(false)
  })

  test('no two users who answer at random', async () => {
    const { fetch, clock, end } = story(
      ({ headers }) =>
        new Response(`${headers.get('authorization')}`, {
          headers: {
            'cache-control': 'max-age=5, stale-while-revalidate=5',
            etag: '"1"',
            ...(clock.wall() % 2 === 0 && { vary: 'authorization' }),
          },
        }),
    )
    const users = ['ann', 'bob', 'eve']
    let seed = 7
    const random = (n: number) => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31
      return (seed >> 8) % n
    }
    for (let round = 0; round < 300; round += 1) {
      const who = users[random(3)] as string
      const cacheMode = (['default', 'no-cache', 'force-cache', 'reload'] as const)[random(4)]
      const init = { headers: { authorization: who }, ...(random(2) === 0 && { partition: who }), ...(cacheMode && { cache: cacheMode }) }
      const answers = await Promise.all([fetch(URL, init).then(r => r.text()), fetch(URL, { headers: {} }).then(r => r.text())])
      expect(answers).toEqual([who, 'null'])
      clock.advance(random(6000))
    }
    await end()
  })

  test('a private answer without partition stays in memory', async () => {
    const { told, cache, end } = story(() => new Response('1', { headers: { 'cache-control': 'private, max-age=60' } }), { tiered: true })
    await told()
    await told({}, `${URL}2`)
    await told({ partition: 'me' })
    await cache.flush()
    expect(cache.stats().tiers[0]).toMatchObject({ entries: 1 })
    expect(await told()).toBe('hit 1')
    await end()
  })

  test('the option is checked: nobody is not somebody', async () => {
    const { fetch, end } = story(personal)
    await expect(fetch(URL, { partition: '' })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    expect(() => createFetch({ partition: '' })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    await end()
  })
})

describe('variants', () => {
  const byAgent = ({ headers }: Told, n: number) =>
    new Response(`${headers.get('user-agent')}${n}`, { headers: { 'cache-control': 'max-age=60', vary: 'user-agent' } })
  const agent = (name: string): FetchInit => ({ headers: { 'user-agent': name } })

  test('several live side by side, and go together', async () => {
    const { told, fetch, sent, end } = story(byAgent, { tiered: true })
    for (const name of ['a', 'b', 'c']) expect(await told(agent(name))).toMatch(`miss ${name}`)
    for (const name of ['c', 'a', 'b']) expect(await told(agent(name))).toMatch(`hit ${name}`)
    expect(sent).toHaveLength(3)
    await fetch.invalidate(URL)
    expect(await told(agent('a'))).toBe('miss a4')
    await end()
  })

  test('those at once find their own, one request each', async () => {
    const { told, sent, end } = story(byAgent)
    const got = await Promise.all(['a', 'b', 'a', 'b'].map(name => told(agent(name))))
    expect(got.map(text => text.split(' ')[1]?.[0])).toEqual(['a', 'b', 'a', 'b'])
    expect(sent).toHaveLength(2)
    await end()
  })

  test('an origin that changes what it varies by is followed', async () => {
    const by = ['user-agent', 'user-agent, dnt', '', 'dnt']
    const { told, pass, end } = story(
      (_request, n) => new Response(`${n}`, { headers: { 'cache-control': 'max-age=60', vary: by[n - 1] ?? '' } }),
    )
    const as = (name: string, dnt: string): FetchInit => ({ headers: { 'user-agent': name, dnt } })
    expect([await told(as('a', '0')), await told(as('a', '1'))]).toEqual(['miss 1', 'hit 1'])
    pass(61)
    expect([await told(as('a', '0')), await told(as('a', '0'))]).toEqual(['miss 2', 'hit 2'])
    expect([await told(as('a', '1')), await told(as('b', '0'))]).toEqual(['miss 3', 'hit 3'])
    pass(61)
    expect([await told(as('b', '0')), await told(as('c', '0')), await told(as('c', '1'))]).toEqual(['miss 4', 'hit 4', 'miss 5'])
    await end()
  })

  test('names of what is kept tell no secrets', async () => {
    const { told, cache, end } = story(
      () => new Response('1', { headers: { 'cache-control': 'max-age=60', vary: 'authorization, cookie' } }),
      {
        partition: 'me',
      },
    )
    await told({ headers: { authorization: 'Bearer sesame', cookie: 'open=sesame' } })
    const dumped = JSON.stringify([...cache.memory.hottest(100), cache.memory.get(`GET ${URL}\npartition "me"`)])
    expect(dumped).toContain('authorization')
    expect(dumped).not.toContain('sesame')
    await end()
  })
})

describe('past its time', () => {
  test('one request goes out in the background for all who are given something stale', async () => {
    const { transport, calls } = heldTransport()
    const clock = new ManualClock()
    const cache = createCache({ clock })
    const fetch = createFetch({ clock, cache, fetch: transport })
    const headers = { 'cache-control': 'max-age=10, stale-while-revalidate=60' }
    const first = fetch(URL)
    calls[0]?.answer('old', { headers })
    await first
    clock.advance(11_000)
    const stale = await Promise.all(Array.from({ length: 100 }, () => fetch(URL)))
    expect(new Set(stale.map(response => response.headers.get('x-cache')))).toEqual(new Set(['stale']))
    expect(calls).toHaveLength(2)
    calls[1]?.answer('new', { headers })
    await settle()
    const fresh = await fetch(URL)
    expect([fresh.headers.get('x-cache'), await fresh.text()]).toEqual(['hit', 'new'])
    expect(fetch.stats()).toMatchObject({ requests: 102, sent: 2, stale: 100, hits: 1, misses: 1, inflight: 0, failures: {} })
    clock.advance(11_000)
    await fetch(URL)
    calls[2]?.fail(new TypeError('reset'))
    await fetch.close()
    expect(fetch.stats().failures).toEqual({})
    await cache.close()
  })

  test('an answer that must not be kept takes with it what was', async () => {
    const { told, pass, end } = story((_request, n) =>
      n === 3
        ? Promise.reject(new TypeError('refused'))
        : new Response(`${n}`, { headers: { 'cache-control': n === 1 ? 'max-age=10, stale-if-error=600' : 'no-store' } }),
    )
    await told()
    pass(11)
    expect(await told()).toBe('miss 2')
    await expect(told()).rejects.toMatchObject({ code: 'ERR_NETWORK' })
    await end()
  })

  test('a deadline, a full queue and a limit of requests are failures, too; an abort is not', async () => {
    const { transport, calls } = heldTransport()
    const clock = new ManualClock()
    const cache = createCache({ clock })
    const rateLimit = { tokensPerInterval: 3, interval: '1h', maxWait: 0 } as const
    const fetch = createFetch({ clock, cache, fetch: transport, staleIfError: '1d', timeout: '1s', retry: false, rateLimit })
    const first = fetch(URL)
    calls[0]?.answer('old', { headers: { 'cache-control': 'max-age=1' } })
    await first
    clock.advance(2000)
    const late = fetch(URL)
    await clock.advanceAsync(1000)
    expect((await late).headers.get('x-cache')).toBe('stale')
    const controller = new AbortController()
    const aborted = outcome(fetch(URL, { signal: controller.signal }))
    await settle()
    controller.abort('left')
    expect(await aborted).toBe('left')
    expect((await fetch(URL)).headers.get('x-cache')).toBe('stale')
    expect(calls).toHaveLength(3)
    expect(fetch.stats()).toMatchObject({ inflight: 0, failures: { ERR_ABORTED: 1 } })
    await fetch.close()
    await cache.close()
  })

  test('offline, what may stand in answers at once', async () => {
    const { told, sent, pass, end } = story(() => new Response('1', { headers: { 'cache-control': 'max-age=1' } }), { staleIfError: '7d' })
    await told()
    pass(3600)
    vi.stubGlobal('navigator', { onLine: false })
    expect(await told()).toBe('stale 1')
    expect(sent).toHaveLength(1)
    expect(await told({}, `${URL}/other`)).toBe('miss 1')
    vi.stubGlobal('navigator', { onLine: true })
    expect(await told()).toBe('miss 1')
    await end()
  })

  test('what the cache itself finds too old is asked about', async () => {
    const { told, cache, sent, end } = story(({ headers }) =>
      headers.has('if-none-match')
        ? new Response(null, { status: 304 })
        : new Response('1', { headers: { 'cache-control': 'max-age=60', etag: '"1"' } }),
    )
    await told()
    await cache.expire(`GET ${URL}`)
    expect(await told()).toMatch(/^(revalidated|miss) 1/)
    expect(sent).toHaveLength(2)
    await end()
  })
})

describe('changes', () => {
  const answer = ({ method }: Told, n: number) =>
    new Response(`${n}`, {
      headers: {
        'cache-control': 'max-age=60',
        ...(method === 'POST' && { location: '/b#new', 'content-location': 'http://other.test/a' }),
        ...(method === 'PUT' && { 'content-location': '/c' }),
      },
    })

  test('what a request may have changed is given up: its URL, and what it names of the same origin', async () => {
    const { told, end } = story(answer, { tiered: true })
    const urls = [URL, 'http://origin.test/b', 'http://origin.test/c', 'http://other.test/a', `${URL}?b`]
    const sources = async () => (await Promise.all(urls.map(url => told({}, url)))).map(text => text.split(' ')[0])
    await sources()
    expect(await sources()).toEqual(['hit', 'hit', 'hit', 'hit', 'hit'])
    await told({ method: 'POST', body: 'x' })
    expect(await sources()).toEqual(['miss', 'miss', 'hit', 'hit', 'hit'])
    await told({ method: 'PUT', body: 'x' }, urls[4])
    expect(await sources()).toEqual(['hit', 'hit', 'miss', 'hit', 'miss'])
    await told({ method: 'OPTIONS' })
    expect(await sources()).toEqual(['hit', 'hit', 'hit', 'hit', 'hit'])
    await end()
  })

  test.each([
    ['DELETE', 204, 'miss'],
    ['PATCH', 200, 'miss'],
    ['PURGE', 200, 'miss'],
    ['POST', 303, 'miss'],
    ['POST', 400, 'hit'],
    ['PUT', 412, 'hit'],
    ['DELETE', 500, 'hit'],
  ])('%s, answered with %i, leaves a %s', async (method, status, after) => {
    const { told, end } = story(({ method }) =>
      method === 'GET'
        ? new Response('1', { headers: { 'cache-control': 'max-age=60' } })
        : new Response(status === 204 ? null : '', { status }),
    )
    await told()
    await told({ method })
    expect(await told()).toBe(`${after} 1`)
    await end()
  })

  test('where a change leads is given up, too', async () => {
    const { told, end } = story(({ method, url }, n) =>
      method === 'POST'
        ? new Response(null, { status: 303, headers: { location: '/list' } })
        : new Response(`${url.slice(-4)}${n}`, { headers: { 'cache-control': 'max-age=60' } }),
    )
    const list = 'http://origin.test/list'
    expect([await told({}, list), await told({}, list)]).toEqual(['miss list1', 'hit list1'])
    expect(await told({ method: 'POST' })).toBe('miss list3')
    expect(await told({}, list)).toBe('miss list4')
    await end()
  })

  test('what was under way before the change is not kept', async () => {
    const { transport, calls } = heldTransport()
    const cache = createCache({ clock: new ManualClock() })
    const fetch = createFetch({ clock: new ManualClock(), cache, fetch: transport })
    const headers = { 'cache-control': 'max-age=60' }
    const before = fetch(URL)
    const change = fetch(URL, { method: 'PUT', body: 'x' })
    await settle()
    calls[1]?.answer()
    await change
    calls[0]?.answer('old', { headers })
    expect(await (await before).text()).toBe('old')
    const after = fetch(URL)
    await settle()
    calls[2]?.answer('new', { headers })
    expect(await (await after).text()).toBe('new')
    await fetch.close()
    await cache.close()
  })

  test('HEAD that tells of another version gives the kept one up; one that says nothing leaves it as it is', async () => {
    let etag: string | undefined = '"1"'
    const { told, pass, end } = story(({ method }) => {
      const headers = { 'cache-control': 'max-age=60', ...(etag !== undefined && { etag }), 'content-length': '3' }
      return new Response(method === 'HEAD' ? null : (etag ?? null), { headers })
    })
    await told()
    pass(61)
    etag = undefined
    await told({ method: 'HEAD' })
    expect(await told({ cache: 'force-cache' })).toBe('stale "1"')
    etag = '"2"'
    await told({ method: 'HEAD' })
    expect(await told({ cache: 'force-cache' })).toBe('miss "2"')
    expect(await told({ method: 'HEAD' })).toBe('hit ')
    await end()
  })

  test.each([
    ['an ETag', { etag: '"1"' }, { etag: '"1"' }],
    ['a weak one', { etag: '"1"' }, { etag: 'W/"1"' }],
    ['a date', { 'last-modified': 'Mon, 01 Jun 2026 00:00:00 GMT' }, { 'last-modified': 'Mon, 01 Jun 2026 00:00:00 GMT' }],
  ])('HEAD that confirms what is kept by %s makes it new, with the fields that came', async (_name, first, second) => {
    const { fetch, told, sent, pass, end } = story(({ method }, n) => {
      const headers = { ...(method === 'HEAD' ? second : first), 'cache-control': 'max-age=60', 'content-length': '4', 'x-n': `${n}` }
      return new Response(method === 'HEAD' ? null : 'text', { headers })
    })
    await told()
    pass(61)
    expect(await told({ method: 'HEAD' })).toBe('miss ')
    pass(59)
    const kept = await fetch(URL)
    expect(['x-cache', 'x-n', 'content-length', 'age'].map(name => kept.headers.get(name))).toEqual(['hit', '2', '4', '59'])
    expect([await kept.text(), await told({ method: 'HEAD' }), sent.length]).toEqual(['text', 'hit ', 2])
    pass(2)
    await told()
    expect(sent.length).toBe(3)
    await end()
  })

  test('HEAD of the variant that is kept makes that one new, and HEAD that forbids to keep it gives it up', async () => {
    let control = 'max-age=60'
    const { told, pass, sent, end } = story(({ method, headers }) => {
      const fields = { 'cache-control': control, etag: '"1"', vary: 'user-agent' }
      return new Response(method === 'HEAD' ? null : headers.get('user-agent'), { headers: fields })
    })
    const [one, other] = [{ headers: { 'user-agent': 'one' } }, { headers: { 'user-agent': 'other' } }] as const
    expect([await told(one), await told(other)]).toEqual(['miss one', 'miss other'])
    pass(61)
    await told({ ...one, method: 'HEAD' })
    expect([await told(one), sent.length]).toEqual(['hit one', 3])
    pass(61)
    control = 'no-store'
    await told({ ...one, method: 'HEAD' })
    expect(await told({ ...one, cache: 'only-if-cached' })).toBe('miss ')
    expect(await told({ ...other, cache: 'only-if-cached' })).toBe('stale other')
    await end()
  })

  test.each(['deleted', 'replaced'])('HEAD makes nothing new that was %s meanwhile', async what => {
    const { transport, calls } = heldTransport()
    const clock = new ManualClock()
    const cache = createCache({ clock })
    const fetch = createFetch({ clock, cache, fetch: transport })
    const headers = { 'cache-control': 'max-age=60', etag: '"1"' }
    const got = async (body: string, init?: FetchInit) => {
      const going = fetch(URL, init)
      await settle()
      calls.at(-1)?.answer(body, { headers })
      return (await going).text()
    }
    await got('old')
    clock.advance(61_000)
    const asking = fetch(URL, { method: 'HEAD' })
    await settle()
    const answer = calls.at(-1)?.answer
    if (what === 'deleted') await cache.delete(`GET ${URL}`)
    else await got('new', { cache: 'reload' })
    answer?.('', { headers: { ...headers, 'x-n': '2' } })
    await asking
    await settle()
    if (what === 'deleted') expect(cache.memory.size).toBe(0)
    else expect((await fetch(URL)).headers.get('x-n')).toBe(null)
    await fetch.close()
    await cache.close()
  })
})
