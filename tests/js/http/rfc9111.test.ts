import { describe, expect, test } from 'vitest'
import { createCache } from '../../../js/cache/cache.ts'
import { createFetch } from '../../../js/http/fetch.ts'
import type { FetchInit } from '../../../js/http/types.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'
import { type Given, type Outcome, START, TABLE } from './rfc9111.table.ts'
import { settle } from './transport.ts'

const URL = 'http://origin.test/a'

/** Does what a case says, and tells how it came out. */
async function play(given: Given): Promise<Outcome> {
  const clock = new ManualClock({ wall: START })
  const cache = createCache({ clock, ttl: '1h' })
  const sent: Headers[] = []
  const transport = async (_url: string, init: RequestInit) => {
    const headers = new Headers(init.headers)
    sent.push(headers)
    return sent.length === 1 ? firstAnswer(given) : laterAnswer(given, headers)
  }
  const fetch = createFetch({
    clock,
    cache,
    fetch: transport,
    retry: { maxRetries: 1, initialDelay: 0, maxDelay: 0 },
    ...sharing(given),
    ...given.client,
  })
  const request = (init: FetchInit = {}, ask?: string): FetchInit => ({
    ...init,
    headers: { ...given.request, ...(init.headers as Record<string, string>), ...(ask !== undefined && { 'cache-control': ask }) },
  })
  const first = await fetch(URL, request(given.first))
  expect(first.headers.get('x-cache')).toBe('miss')
  clock.advance((given.after ?? 0) * 1000)
  const before = sent.length
  const second = await fetch(URL, request(given.second, given.ask)).catch((error: unknown) => error)
  await settle()
  const calls = sent.length - before
  await fetch.close()
  await cache.close()
  if (!(second instanceof Response)) {
    expect(second).toMatchObject({ code: 'ERR_NETWORK' })
    return 'error'
  }
  const outcome = second.headers.get('x-cache') as Outcome
  if (outcome === 'miss' && second.status === 504 && calls === 0) return 'gateway'
  if (outcome === 'stale' && calls > 0 && given.origin === undefined) return 'background'
  // What the cache answers costs nothing; what it does not is one request, and one more where that was of no use.
  expect([0, 1, 2]).toContain(calls)
  expect(calls === 0).toBe(outcome === 'hit' || (outcome === 'stale' && given.origin === undefined))
  // A cached answer says how old it is.
  if (calls === 0) expect(Number(second.headers.get('age'))).toBeGreaterThanOrEqual(given.after ?? 0)
  return outcome
}

function firstAnswer({ cc, answer, etag, status = 200 }: Given): Response {
  const headers = new Headers(answer)
  if (cc !== undefined) headers.set('cache-control', cc)
  if (etag !== undefined) headers.set('etag', etag)
  return new Response(status === 204 || status === 304 ? null : 'one', { status, headers })
}

function laterAnswer({ origin, news = {} }: Given, headers: Headers): Response {
  if (origin === 'down') throw new TypeError('refused')
  const isConditional = headers.has('if-none-match') || headers.has('if-modified-since')
  const status = origin ?? (isConditional ? 304 : 200)
  return new Response(status === 304 ? null : 'two', { status, headers: news })
}

function sharing({ shared }: Given): { shared?: true } {
  return shared === true ? { shared } : {}
}

for (const [name, rows] of Object.entries(TABLE)) {
  describe(name, () => {
    test.each(rows.map(row => [...row] as const))('%s', async (_name, given, outcome) => {
      expect(await play(given)).toBe(outcome)
    })
  })
}

test('the table has more than 200 cases, each with a name of its own within its part', () => {
  const rows = Object.values(TABLE)
  expect(rows.flat().length).toBeGreaterThan(200)
  for (const part of rows) expect(new Set(part.map(([name]) => name)).size).toBe(part.length)
})
