/** What cannot be meant is refused at the door, by name, before anything is sent; and not tried again as if the network had failed. */

import { describe, expect, test } from 'vitest'
import { createFetch, type FetchOptions } from '../../../js/index.ts'

const URL = 'https://a.example/'

function client(options: FetchOptions = {}) {
  const sent: [string, RequestInit][] = []
  const fetch = createFetch({
    fetch: async (url, init) => {
      sent.push([url, init])
      return new Response('{}')
    },
    ...options,
  })
  return { fetch, sent }
}

const refused = (name: string) => ({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringMatching(new RegExp(`^${name} must be `)) })

test.each([
  ['dedupe', 'no'],
  ['rateLimitHeaders', 1],
  ['shared', 'no'],
  ['name', 5],
  ['name', ''],
])('%s: %j', (name, value) => {
  expect(() => createFetch({ [name]: value })).toThrow(expect.objectContaining(refused(name)))
})

test('redirects.refuseInsecure, and hooks of a name that nobody calls', () => {
  expect(() => createFetch({ redirects: { refuseInsecure: 'no' as never } })).toThrow('redirects.refuseInsecure')
  expect(() => createFetch({ hooks: { beforeResponse: [] } as never })).toThrow('hooks must be made of beforeRequest')
})

describe.each(['fetch', 'json', 'stream'] as const)('%s', way => {
  test.each([
    ['init.retry', { retry: true }],
    ['init.retry', { retry: 5 }],
    ['init.cache', { cache: 'never' }],
    ['init.redirect', { redirect: 'none' }],
    ['init.credentials', { credentials: true }],
    ['init.mode', { mode: 'navigate' }],
    ['init.method', { method: 'trace' }],
    ['init.method', { method: 'CONNECT' }],
    ['init.body', { method: 'POST', body: { name: 'Ada' } }],
    ['init.body', { method: 'POST', body: ['a'] }],
  ])('refuses %s: %j', async (name, init) => {
    const { fetch, sent } = client()
    const ask = way === 'fetch' ? fetch : fetch[way]
    await expect(ask(URL, init as never)).rejects.toMatchObject(refused(name))
    expect(() => fetch.explain(URL, init as never)).toThrow(expect.objectContaining(refused(name)))
    expect([sent.length, fetch.stats().failures]).toEqual([0, { ERR_INVALID_ARGUMENT: 1 }])
    await fetch.close()
  })

  test('refuses a URL with a password, and does not tell it', async () => {
    const { fetch, sent } = client()
    const ask = way === 'fetch' ? fetch : fetch[way]
    const error = await ask('https://ada:secret@a.example/').catch(error => error)
    expect(error).toMatchObject(refused('url'))
    expect(error.message).not.toMatch(/ada|secret/)
    expect((await fetch('https://a.example/@ada?who=b@c')).status).toBe(200)
    expect(sent.map(([url]) => url)).toEqual(['https://a.example/@ada?who=b@c'])
    await fetch.close()
  })
})

test('takes every body that the platform takes', async () => {
  const { fetch, sent } = client()
  const form = new FormData()
  form.set('a', 'b')
  const bodies = ['text', new Uint8Array(2), new ArrayBuffer(2), new Blob(['x']), new URLSearchParams('a=b'), form, new ReadableStream()]
  for (const body of bodies) expect((await fetch(URL, { method: 'POST', body, duplex: 'half' } as RequestInit)).status).toBe(200)
  async function* pieces() {
    yield new Uint8Array(1)
  }
  await fetch(URL, { method: 'POST', body: pieces() as never })
  expect(sent.length).toBe(bodies.length + 1)
  await fetch.close()
})

describe('fetch.circuit', () => {
  test.each(['', 'https://a.example/', 'a.example/path', 'user@a.example', 'a.example?b', 'a b', 'a.example:99999', 5, undefined])(
    'refuses %j',
    async host => {
      const { fetch } = client({ circuitBreaker: {} })
      expect(() => fetch.circuit(host as never)).toThrow(expect.objectContaining(refused('host')))
      await fetch.close()
    },
  )

  test.each([
    ['A.Example', 'https://a.example/'],
    ['a.example:8080', 'http://a.example:8080/'],
    ['a.example:80', 'https://a.example:80/'],
    ['münchen.example', 'https://xn--mnchen-3ya.example/'],
    ['[::1]:8080', 'http://[::1]:8080/'],
    ['[::1]', 'http://[::1]/'],
  ])('%s is that of %s', async (host, url) => {
    const { fetch } = client({ circuitBreaker: {} })
    fetch.circuit(host).isolate()
    await expect(fetch(url)).rejects.toMatchObject({ code: 'ERR_CIRCUIT_OPEN' })
    expect(fetch.circuit(host).state).toBe('isolated')
    await fetch.close()
  })
})
