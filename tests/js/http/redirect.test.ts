import { describe, expect, test } from 'vitest'
import { createCache } from '../../../js/cache/cache.ts'
import { createFetch } from '../../../js/http/fetch.ts'
import type { FetchOptions } from '../../../js/http/types.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'
import { outcome } from './transport.ts'

const ALL = { authorization: 'me', cookie: 'a=b', 'x-api-key': 'k', accept: 'text/plain', 'content-type': 'text/plain' }

/** A web in which URLs lead to others: `[status, location]`, or a body. */
function web(pages: Record<string, string | readonly [number, string, Record<string, string>?]>, options: FetchOptions = {}) {
  const seen: { url: string; method: string; headers: Record<string, string>; body: unknown }[] = []
  const transport = async (url: string, init: RequestInit) => {
    seen.push({ url, method: init.method ?? 'GET', headers: Object.fromEntries(new Headers(init.headers)), body: init.body })
    const page = pages[url]
    if (page === undefined) throw new TypeError('refused')
    if (typeof page === 'string') return new Response(page, { headers: { 'cache-control': 'max-age=60' } })
    const [status, location, headers] = page
    return new Response('moved', { status, headers: { location, ...headers } })
  }
  return { fetch: createFetch({ clock: new ManualClock(), fetch: transport, retry: false, ...options }), seen }
}

describe('redirects', () => {
  test('are followed, and the answer tells where they led', async () => {
    const { fetch, seen } = web({
      'https://a.test/1': [302, '/2#part'],
      'https://a.test/2': [307, 'https://a.test/3'],
      'https://a.test/3': 'here',
    })
    const response = await fetch('https://a.test/1', { headers: ALL })
    expect(response).toMatchObject({ url: 'https://a.test/3', redirected: true, status: 200 })
    expect(await response.text()).toBe('here')
    // At the same origin nothing is lost.
    for (const { headers } of seen) expect(headers).toEqual(ALL)
    await fetch.close()
  })

  test('what says who asks stays with its origin, also when the way leads back to it', async () => {
    const { fetch, seen } = web({
      'https://a.test/1': [302, 'https://b.test/2'],
      'https://b.test/2': [302, 'https://a.test/3'],
      'https://a.test/3': 'here',
    })
    await fetch('https://a.test/1', { headers: ALL })
    expect(seen.map(({ headers }) => Object.keys(headers))).toEqual([
      Object.keys(ALL).sort(),
      ['accept', 'content-type'],
      ['accept', 'content-type'],
    ])
    await fetch.close()
  })

  test.each([
    ['another port', 'https://a.test:8443/2'],
    ['another scheme', 'http://a.test/2'],
    ['a subdomain', 'https://b.a.test/2'],
  ])('%s is another origin', async (_name, target) => {
    const { fetch, seen } = web({ 'https://a.test/1': [302, target], [target]: 'here' })
    await fetch('https://a.test/1', { headers: ALL })
    expect(seen[1]?.headers).not.toHaveProperty('authorization')
    await fetch.close()
  })

  test.each([
    [301, 'POST', 'GET'],
    [302, 'POST', 'GET'],
    [303, 'POST', 'GET'],
    [303, 'PUT', 'GET'],
    [303, 'HEAD', 'HEAD'],
    [301, 'PUT', 'PUT'],
    [302, 'DELETE', 'DELETE'],
    [307, 'POST', 'POST'],
    [308, 'PATCH', 'PATCH'],
  ])('%i makes of %s a %s', async (status, method, next) => {
    const { fetch, seen } = web({ 'https://a.test/1': [status, '/2'], 'https://a.test/2': 'here' })
    const body = method === 'HEAD' ? undefined : 'text'
    await fetch('https://a.test/1', { method, ...(body !== undefined && { body, headers: { 'content-type': 'text/plain' } }) })
    expect(seen[1]).toMatchObject({ method: next, body: next === method ? body : undefined })
    expect('content-type' in (seen[1]?.headers ?? {})).toBe(next === method && body !== undefined)
    await fetch.close()
  })

  test.each<[string, Record<string, string | readonly [number, string]>, FetchOptions, RegExp]>([
    ['without end', { 'https://a.test/1': [302, '/1'] }, {}, /more than 20 redirects/],
    ['more than allowed', { 'https://a.test/1': [302, '/2'], 'https://a.test/2': 'x' }, { redirects: { max: 0 } }, /more than 0/],
    ['to what is no page', { 'https://a.test/1': [302, 'file:///etc/passwd'] }, {}, /to file:/],
    ['to what is no URL', { 'https://a.test/1': [302, 'http://['] }, {}, /no URL/],
    ['with a password', { 'https://a.test/1': [302, 'https://me:pw@b.test/'] }, {}, /credentials/],
    [
      'out of https',
      { 'https://a.test/1': [302, 'http://a.test/'], 'http://a.test/': 'x' },
      { redirects: { refuseInsecure: true } },
      /https: to http:/,
    ],
  ])('%s are refused, once and for all', async (_name, pages, options, message) => {
    const { fetch, seen } = web(pages, { ...options, retry: { maxRetries: 3 } })
    expect(await outcome(fetch('https://a.test/1'))).toMatchObject({
      code: 'ERR_NETWORK',
      attempts: 1,
      message: expect.stringMatching(message),
    })
    expect(seen.length).toBeLessThanOrEqual(21)
    await fetch.close()
  })

  test('a body that was sent as it came is not sent again', async () => {
    const { fetch } = web({ 'https://a.test/1': [307, '/2'], 'https://a.test/2': 'x' })
    const body = new Blob(['x']).stream()
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit
    expect(await outcome(fetch('https://a.test/1', init))).toMatchObject({
      code: 'ERR_NETWORK',
      message: expect.stringContaining('sent again'),
    })
    await fetch.close()
  })

  test('a caller who wants to see them sees them', async () => {
    const { fetch } = web({ 'https://a.test/1': [302, '/2'] })
    const response = await fetch('https://a.test/1', { redirect: 'manual' })
    expect([response.status, response.headers.get('location')]).toEqual([302, '/2'])
    await fetch.close()
  })

  test.each<[string, readonly [number, string, Record<string, string>?], boolean]>([
    ['for good', [301, '/2'], true],
    ['for good, by the later name', [308, '/2'], true],
    ['for now', [302, '/2'], false],
    ['for good until further notice', [301, '/2', { 'cache-control': 'max-age=1' }], false],
    ['for good, not to be kept', [308, '/2', { 'cache-control': 'no-store' }], false],
  ])('what is at the end of one %s is kept under its beginning: %o %s', async (_name, redirect, kept) => {
    const { fetch } = web({ 'https://a.test/1': redirect, 'https://a.test/2': 'x' }, { cache: createCache() })
    await fetch('https://a.test/1')
    expect((await fetch('https://a.test/1')).headers.get('x-cache')).toBe(kept ? 'hit' : 'miss')
    await fetch.close()
  })
})

describe('baseUrl and headers', () => {
  test('relative URLs, and what is given up, are resolved against the base', async () => {
    const { fetch, seen } = web(
      { 'https://a.test/v1/users': 'u', 'https://a.test/login': 'l', 'https://b.test/': 'b' },
      { baseUrl: 'https://a.test/v1/', cache: createCache() },
    )
    for (const url of ['users', '/login', 'https://b.test/', new URL('https://a.test/login')]) await fetch(url)
    expect(seen.map(({ url }) => url)).toEqual(['https://a.test/v1/users', 'https://a.test/login', 'https://b.test/'])
    await fetch.invalidate('users')
    await fetch.invalidate('/log*')
    for (const url of ['users', '/login', 'https://b.test/']) await fetch(url)
    expect(seen.slice(3).map(({ url }) => url)).toEqual(['https://a.test/v1/users', 'https://a.test/login'])
    await fetch.close()
  })

  test('default headers stand under those of the call, and go to no other origin', async () => {
    const pages = { 'https://a.test/x': 'x', 'https://b.test/': 'b' }
    const { fetch, seen } = web(pages, { baseUrl: 'https://a.test', headers: { 'x-api-key': 'k', accept: 'text/html' } })
    await fetch('x')
    await fetch('x', { headers: { Accept: 'text/plain' } })
    await fetch(new Request('https://a.test/x', { headers: { 'x-api-key': 'own' } }))
    await fetch('https://b.test/')
    expect(seen.map(({ headers }) => headers)).toEqual([
      { 'x-api-key': 'k', accept: 'text/html' },
      { 'x-api-key': 'k', accept: 'text/plain' },
      { 'x-api-key': 'own', accept: 'text/html' },
      {},
    ])
    await fetch.close()
  })

  test('a default that says who asks keeps answers out of the cache, as one of the call does', async () => {
    const { fetch, seen } = web({ 'https://a.test/x': 'x' }, { headers: { authorization: 'me' }, cache: createCache() })
    await fetch('https://a.test/x')
    await fetch('https://a.test/x')
    expect(seen).toHaveLength(2)
    await fetch('https://a.test/x', { partition: 'me' })
    expect((await fetch('https://a.test/x', { partition: 'me' })).headers.get('x-cache')).toBe('hit')
    await fetch.close()
  })

  test.each([
    { baseUrl: 'v1' },
    { baseUrl: 5 },
    { headers: { 'a b': 'c' } },
    { redirects: { max: -1 } },
    { maxRequestSize: 0 },
    { idleTimeout: 0 },
  ])('refuses %o', options => {
    expect(() => createFetch(options as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })
})
