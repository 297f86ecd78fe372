import { describe, expect, test } from 'vitest'
import { pauseOf } from '../../../js/http/rate-headers.ts'
import { createFetch } from '../../../js/index.ts'
import { ManualClock } from '../../../js/testing.ts'

const WALL = Date.UTC(2026, 0, 1)

function pause(status: number, headers: Record<string, string>): number {
  const record = { status, statusText: '', headers: Object.entries(headers), url: '', redirected: false, body: new Uint8Array() }
  return pauseOf(record, WALL)
}

describe('limits that hosts tell', () => {
  test.each([
    [429, { 'retry-after': '7' }, 7000],
    [503, { 'retry-after': new Date(WALL + 5000).toUTCString() }, 5000],
    [200, { 'retry-after': '7' }, 0],
    [200, { ratelimit: '"default";r=0;t=30' }, 30_000],
    [200, { ratelimit: '"burst";r=5;t=1, "daily";r=0;t=60' }, 60_000],
    [200, { ratelimit: '"default";r=1;t=30' }, 0],
    [200, { ratelimit: 'limit=10, remaining=0, reset=12' }, 12_000],
    [200, { ratelimit: 'limit=10, remaining=10, reset=12' }, 0],
    [200, { 'ratelimit-remaining': '0', 'ratelimit-reset': '3' }, 3000],
    [200, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(WALL / 1000 + 9) }, 9000],
    [200, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset-after': '1.5' }, 1500],
    [200, { 'x-ratelimit-remaining': '3', 'x-ratelimit-reset': '9' }, 0],
    [429, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '2', 'retry-after': '7' }, 7000],
    [429, { ratelimit: 'nonsense', 'ratelimit-remaining': 'x', 'retry-after': '-1' }, 0],
  ])('%i %o', (status, headers, expected) => expect(pause(status, headers)).toBe(expected))

  test('hold all requests to that host, and refuse whoever could not wait as long', async () => {
    const clock = new ManualClock()
    const sent: [string, number][] = []
    const fetch = createFetch({
      ...{ clock, perHost: 1, totalTimeout: '30s', rateLimitHeaders: true },
      fetch: async url => {
        sent.push([url, clock.monotonic()])
        const isFirst = sent.filter(([other]) => other === url).length === 1 && url.endsWith('/a')
        return new Response('', isFirst ? { status: 429, headers: { 'retry-after': '10' } } : { status: 200 })
      },
    })
    const calls = ['a', 'b', 'c'].map(name => fetch(`https://one.example/${name}`))
    await clock.advanceAsync(1000)
    expect((await fetch('https://other.example/')).status).toBe(200)
    await expect(fetch('https://one.example/d', { totalTimeout: '5s' })).rejects.toMatchObject({
      code: 'ERR_RATE_LIMITED',
      retryAfterMs: 9000,
    })
    expect(sent.map(([url]) => url)).toEqual(['https://one.example/a', 'https://other.example/'])
    await clock.advanceAsync(9000)
    for (const call of calls) expect((await call).status).toBe(200)
    expect(sent.slice(2).every(([, at]) => at === 10_000)).toBe(true)
    await fetch.close()
    expect(clock.timers).toBe(0)
  })

  test('a hold outlives the requests of its host', async () => {
    const clock = new ManualClock()
    let sent = 0
    const answers = [new Response('', { headers: { ratelimit: '"default";r=0;t=4' } }), new Response('')]
    const fetch = createFetch({
      ...{ clock, rateLimitHeaders: true },
      fetch: async () => {
        sent += 1
        return answers.shift() as Response
      },
    })
    await fetch('https://one.example/a')
    const later = fetch('https://one.example/b')
    await clock.advanceAsync(3999)
    expect(sent).toBe(1)
    await clock.advanceAsync(1)
    expect((await later).status).toBe(200)
    await fetch.close()
  })

  test('not where nobody wants it', async () => {
    const clock = new ManualClock()
    const fetch = createFetch({ clock, fetch: async () => new Response('', { headers: { ratelimit: '"default";r=0;t=4' } }) })
    for (const name of ['a', 'b']) expect((await fetch(`https://one.example/${name}`)).status).toBe(200)
    await fetch.close()
  })
})
