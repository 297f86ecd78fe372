import { expect, test } from 'vitest'
import { createCache, createFetch } from '../../../js/index.ts'
import { ManualClock, memoryStore } from '../../../js/testing.ts'
import { heldTransport, mapCache, scripted } from './transport.ts'

const BASE = 'http://origin.test/'

/** A client whose answers are numbered. */
function numbered() {
  const clock = new ManualClock()
  let n = 0
  const { transport, calls } = scripted(() => new Response(`${++n}`))
  const cache = createCache({ ttl: '1h', clock, store: memoryStore() })
  const fetch = createFetch({ clock, cache, fetch: transport })
  const text = async (path: string, accept?: string) => {
    const response = await fetch(BASE + path, accept === undefined ? {} : { headers: { accept } })
    return `${response.headers.get('x-cache')} ${await response.text()}`
  }
  return { clock, cache, fetch, text, calls }
}

test('gives up one URL in all its variants, and no other', async () => {
  const { fetch, text, clock, cache } = numbered()
  for (const path of ['a', 'ab', 'a/b', 'a?b']) await text(path)
  await text('a', 'text/html')
  await fetch.invalidate(`${BASE}a#fragment`)
  expect(await Promise.all(['a', 'ab', 'a/b', 'a?b'].map(path => text(path)))).toEqual(['miss 6', 'hit 2', 'hit 3', 'hit 4'])
  expect(await text('a', 'text/html')).toBe('miss 7')
  await fetch.invalidate(new Request(`${BASE}ab`))
  expect(await text('ab')).toBe('miss 8')
  const closing = cache.close()
  await clock.advanceAsync(1000)
  await closing
})

test('gives up what a pattern means, in which ? is a question mark', async () => {
  const { fetch, text } = numbered()
  const paths = ['users/1', 'users/1?full', 'users/1-full', 'posts/1', 'users']
  for (const path of paths) await text(path)
  await text('users/1?full', 'text/html')
  await fetch.invalidate(`${BASE}users/*?full`)
  expect(await Promise.all(paths.map(path => text(path)))).toEqual(['hit 1', 'miss 7', 'hit 3', 'hit 4', 'hit 5'])
  expect(await text('users/1?full', 'text/html')).toBe('miss 8')
  await fetch.invalidate(`${BASE}users*`)
  expect(await text('users')).toBe('miss 9')
  expect(await text('posts/1')).toBe('hit 4')
  // In a URL object a star is itself.
  await text('posts/*')
  await fetch.invalidate(new URL(`${BASE}posts/*`))
  expect([await text('posts/1'), await text('posts/*')]).toEqual(['hit 4', 'miss 11'])
})

test.each([{}, { cache: 'reload' as const }])('what is under way is neither kept nor joined: %j', async init => {
  const { transport, calls } = heldTransport()
  const cache = createCache({ ttl: '1h' })
  const fetch = createFetch({ cache, fetch: transport })
  const before = fetch(`${BASE}a`, init)
  await Promise.resolve()
  await fetch.invalidate(`${BASE}*`)
  const after = fetch(`${BASE}a`, init)
  expect(calls).toHaveLength(2)
  calls[1]?.answer('new')
  expect(await (await after).text()).toBe('new')
  calls[0]?.answer('old')
  expect(await (await before).text()).toBe('old')
  expect(await (await fetch(`${BASE}a`)).text()).toBe('new')
  expect(calls).toHaveLength(2)
  await fetch.close()
  await cache.close()
})

test('says what cannot be done', async () => {
  const invalid = { code: 'ERR_INVALID_ARGUMENT' }
  const fetch = createFetch({ cache: mapCache(), fetch: async () => new Response('') })
  await expect(fetch.invalidate(`${BASE}a`)).rejects.toMatchObject({ ...invalid, message: expect.stringContaining('invalidatePrefix') })
  await expect(fetch.invalidate('no url')).rejects.toMatchObject(invalid)
  await expect(fetch.invalidate(5 as never)).rejects.toMatchObject(invalid)
  await expect(fetch.invalidate(`${BASE}${'a'.repeat(300)}*`)).rejects.toMatchObject(invalid)
  await createFetch().invalidate(`${BASE}a`)
  await fetch.close()
  await expect(fetch.invalidate(`${BASE}a`)).rejects.toMatchObject({ code: 'ERR_CLOSED' })
})
