/** Against a real origin on loopback: what only a real stack shows. */

import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createCache } from '../../../js/cache/cache.ts'
import { createFetch } from '../../../js/http/fetch.ts'
import { createRegistry } from '../../../js/metrics/registry.ts'
import { mapCache } from './transport.ts'

const routes: Record<string, RequestListener> = {}
let server: Server
let base: string
const sockets = new Set<Socket>()

beforeAll(async () => {
  server = createServer((request, response) => routes[(request.url ?? '/').split('?')[0] ?? '/']?.(request, response))
  server.on('connection', socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterAll(() => {
  for (const socket of sockets) socket.destroy()
  server.close()
})

describe('the size of a body', () => {
  test('counts decoded bytes: a bomb of 20 MB in 20 kB stops at the limit and nothing is kept', async () => {
    const bomb = gzipSync(Buffer.alloc(20 * 1024 ** 2))
    routes['/bomb'] = (_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb)
    expect(bomb.byteLength).toBeLessThan(25_000)
    const cache = mapCache()
    const fetch = createFetch({ cache })
    const error = await fetch(`${base}/bomb`).catch((error: unknown) => error)
    expect(error).toMatchObject({ name: 'ResponseTooLargeError', code: 'ERR_RESPONSE_TOO_LARGE', limit: 2 * 1024 ** 2, attempts: 1 })
    expect((error as { received: number }).received).toBeLessThan(3 * 1024 ** 2)
    expect(cache.map.size).toBe(0)
    expect(fetch.stats()).toMatchObject({ sent: 1, inflight: 0, failures: { ERR_RESPONSE_TOO_LARGE: 1 } })
    await fetch.close()
  })

  test('refuses an announced size before reading, and an endless body at the limit', async () => {
    let written = 0
    routes['/announced'] = (_request, response) => {
      response.writeHead(200, { 'content-length': 5_000_000 })
      response.write('x')
    }
    routes['/endless'] = (_request, response) => {
      const more = () => {
        written += 65_536
        if (!response.destroyed && written < 1e9) response.write(Buffer.alloc(65_536), more)
      }
      more()
    }
    const fetch = createFetch({ maxResponseSize: '1mb' })
    await expect(fetch(`${base}/announced`)).rejects.toMatchObject({ code: 'ERR_RESPONSE_TOO_LARGE', received: 5_000_000 })
    await expect(fetch(`${base}/endless`)).rejects.toMatchObject({ code: 'ERR_RESPONSE_TOO_LARGE', limit: 1024 ** 2 })
    expect(written).toBeLessThan(20e6)
    await fetch.close()
  })

  test('a body of exactly the limit passes; one byte more does not', async () => {
    routes['/sized'] = (request, response) => response.end(Buffer.alloc(Number(request.url?.split('?')[1]), 1))
    const fetch = createFetch({ maxResponseSize: 1000 })
    expect((await (await fetch(`${base}/sized?1000`)).arrayBuffer()).byteLength).toBe(1000)
    await expect(fetch(`${base}/sized?1001`)).rejects.toMatchObject({ code: 'ERR_RESPONSE_TOO_LARGE', received: 1001 })
    await fetch.close()
  })
})

describe('a bad line', () => {
  test('a body that is cut at any length is an error, tried again, and never kept', async () => {
    const body = JSON.stringify({ text: 'x'.repeat(4000) })
    let cut = 0
    routes['/cut'] = (_request, response) => {
      response.writeHead(200, { 'content-length': body.length })
      if (cut >= body.length) response.end(body)
      else if (cut === 0) response.flushHeaders()
      else response.write(body.slice(0, cut))
      if (cut < body.length) setImmediate(() => response.destroy())
    }
    const cache = mapCache()
    const fetch = createFetch({ cache, retry: false })
    for (cut = 0; cut < body.length; cut += 97) {
      await expect(fetch(`${base}/cut`)).rejects.toMatchObject({ code: 'ERR_NETWORK' })
    }
    expect(cache.map.size).toBe(0)
    cut = body.length
    expect(await fetch.json(`${base}/cut`)).toEqual(JSON.parse(body))
    expect(cache.map.size).toBe(1)
    await fetch.close()
  })

  test('a drip ends at the deadline and its connection with it', async () => {
    let closed = 0
    routes['/drip'] = (_request, response) => {
      const timer = setInterval(() => response.write('.'), 10)
      response.on('close', () => {
        clearInterval(timer)
        closed += 1
      })
    }
    const fetch = createFetch({ totalTimeout: 150, timeout: '10s', dedupe: false, perHost: 100 })
    // Others use the machine, too: what is late by itself is late each time.
    const took: number[] = []
    while (took.length < 3 && !took.some(ms => ms < 150 + 250)) {
      const began = performance.now()
      const drips = await Promise.all(Array.from({ length: 50 }, () => fetch(`${base}/drip`).catch((error: unknown) => error)))
      took.push(performance.now() - began)
      for (const drip of drips) expect(drip).toMatchObject({ code: 'ERR_TIMEOUT', phase: 'total' })
      await expect.poll(() => closed).toBe(50 * took.length)
    }
    expect(Math.min(...took)).toBeLessThan(150 + 250)
    await fetch.close()
  })

  test('an origin that never answers, or floods with headers, ends in a typed error', async () => {
    routes['/hang'] = () => {}
    routes['/flood'] = request => {
      request.socket.write(`HTTP/1.1 200 OK\r\n${Array.from({ length: 5000 }, (_, n) => `x-${n}: ${'y'.repeat(50)}`).join('\r\n')}\r\n\r\n`)
    }
    const fetch = createFetch({ retry: false })
    await expect(fetch(`${base}/hang`, { timeout: 50 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT', phase: 'attempt' })
    await expect(fetch(`${base}/flood`)).rejects.toMatchObject({ code: 'ERR_NETWORK', attempts: 1 })
    expect(fetch.stats()).toMatchObject({ inflight: 0, queued: 0 })
    await fetch.close()
  })

  test('a refused connection is a network error', async () => {
    const fetch = createFetch({ retry: { maxRetries: 1, initialDelay: 1, maxDelay: 1 } })
    await expect(fetch('http://127.0.0.1:1/')).rejects.toMatchObject({ code: 'ERR_NETWORK', attempts: 2, retryable: true })
    await fetch.close()
  })
})

describe('a real origin', () => {
  test('503, then 200, and the registry tells it', async () => {
    let asked = 0
    routes['/flaky'] = (_request, response) => {
      asked += 1
      response.writeHead(asked === 1 ? 503 : 200, { 'content-type': 'application/json' }).end('{"ok":true}')
    }
    const registry = createRegistry()
    const fetch = createFetch({ cache: mapCache(), metrics: registry, name: 'cities', retry: { initialDelay: 1, maxDelay: 5 } })
    expect(await fetch.json(`${base}/flaky`)).toEqual({ ok: true })
    expect(await fetch.json(`${base}/flaky`)).toEqual({ ok: true })
    const text = await registry.metrics()
    expect(text).toContain('client_requests_total{client="cities",outcome="hit"} 1')
    expect(text).toContain('client_requests_total{client="cities",outcome="miss"} 1')
    expect(text).toContain('client_retries_total{client="cities",reason="status"} 1')
    expect(text).toContain('client_response_bytes_total{client="cities"} 22')
    expect(text).toContain('client_inflight{client="cities"} 0')
    expect(text).toContain('client_queue_wait_seconds_count{client="cities"} 1')
    expect(text).toContain('client_request_duration_seconds_count{client="cities"} 1')
    expect(fetch.stats().latency).toMatchObject({ count: 1, p99: expect.any(Number) })
    await fetch.close()
  })

  test('follows redirects and says where the answer came from', async () => {
    routes['/from'] = (_request, response) => response.writeHead(302, { location: '/to' }).end()
    routes['/to'] = (_request, response) => response.end('there')
    const fetch = createFetch()
    expect(await fetch(`${base}/from`)).toMatchObject({ url: `${base}/to`, redirected: true, status: 200 })
    await fetch.close()
  })

  test('hands over a status beyond what can be constructed', async () => {
    routes['/999'] = (_request, response) => response.writeHead(999).end('no bots')
    const fetch = createFetch()
    const response = await fetch(`${base}/999`)
    expect([response.status, response.ok, response.clone().status, await response.text()]).toEqual([999, false, 999, 'no bots'])
    await expect(fetch.json(`${base}/999`)).rejects.toMatchObject({ code: 'ERR_HTTP_STATUS', status: 999 })
    await fetch.close()
  })

  test('never has more requests at a host than perHost', async () => {
    let open = 0
    let most = 0
    routes['/slow'] = (_request, response) => {
      open += 1
      most = Math.max(most, open)
      setTimeout(() => {
        open -= 1
        response.end('x')
      }, 2)
    }
    const fetch = createFetch({ perHost: 4, dedupe: false })
    await Promise.all(Array.from({ length: 300 }, () => fetch(`${base}/slow`)))
    expect(most).toBe(4)
    await fetch.close()
  })
})

describe('on the platform’s own fetch', () => {
  test('redirects are followed here, and lose what says who asks', async () => {
    const seen: unknown[] = []
    const there = createServer((request, response) => {
      seen.push([request.headers.authorization, request.headers['x-key'], request.headers.accept])
      response.end('there')
    })
    await new Promise<void>(resolve => there.listen(0, '127.0.0.1', resolve))
    const target = `http://127.0.0.1:${(there.address() as AddressInfo).port}/x`
    routes['/away'] = (_request, response) => response.writeHead(302, { location: target }).end('moved')
    const fetch = createFetch()
    const response = await fetch(`${base}/away`, { headers: { authorization: 'me', 'x-key': 'k', accept: 'text/plain' } })
    expect([await response.text(), response.url, response.redirected]).toEqual(['there', target, true])
    expect(seen).toEqual([[undefined, undefined, 'text/plain']])
    await fetch.close()
    there.closeAllConnections()
    there.close()
  })

  test('an unchanged resource is confirmed by its 304, and parsed once', async () => {
    let bodies = 0
    routes['/tagged'] = (request, response) => {
      const isSame = request.headers['if-none-match'] === '"1"'
      if (!isSame) bodies += 1
      response.writeHead(isSame ? 304 : 200, { etag: '"1"', 'cache-control': 'no-cache' }).end(isSame ? undefined : '{"n":1}')
    }
    const fetch = createFetch({ cache: createCache() })
    const value = await fetch.json(`${base}/tagged`)
    expect(await fetch.json(`${base}/tagged`)).toBe(value)
    expect((await fetch(`${base}/tagged`)).headers.get('x-cache')).toBe('revalidated')
    expect(bodies).toBe(1)
    await fetch.close()
  })
})
