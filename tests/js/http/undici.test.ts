/** `undiciTransport` against real origins on loopback. */

import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createSecureServer, type Http2Server } from 'node:http2'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { createFetch } from '../../../js/http/fetch.ts'
import { type UndiciTransport, type UndiciTransportOptions, undiciTransport } from '../../../js/http/transports/undici.ts'
import type { FetchOptions } from '../../../js/http/types.ts'
import { createRegistry } from '../../../js/metrics/registry.ts'
import { selfSigned } from './certificate.ts'
import { mapCache } from './transport.ts'

const closing: (() => unknown)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** An origin that counts its sockets. */
async function origin(listener: RequestListener) {
  const sockets = new Set<Socket>()
  const counted = { most: 0, opened: 0 }
  const server = createServer(listener)
  watch(server, sockets, counted)
  const base = `http://127.0.0.1:${await listening(server)}`
  return { base, sockets, counted, server }
}

function watch(server: Server | Http2Server, sockets: Set<Socket>, counted: { most: number; opened: number }, event = 'connection') {
  server.on(event, (socket: Socket) => {
    sockets.add(socket)
    counted.opened += 1
    counted.most = Math.max(counted.most, sockets.size)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
  })
  closing.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
}

async function listening(server: Server | Http2Server): Promise<number> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

function client(options: UndiciTransportOptions = {}, more: FetchOptions = {}) {
  const transport: UndiciTransport = undiciTransport(options)
  const fetch = createFetch({ fetch: transport, concurrency: 1000, perHost: 1000, retry: false, ...more })
  closing.push(async () => {
    await fetch.close()
    await transport.close()
  })
  return { transport, fetch }
}

const later = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))
async function until(isSo: () => boolean) {
  for (let turn = 0; turn < 1000 && !isSo(); turn += 1) await later(5)
  expect(isSo()).toBe(true)
}

describe('a request', () => {
  test('is answered with a standard Response: status, headers, cookies, URL and body', async () => {
    const { base } = await origin((_request, response) => {
      response.writeHead(201, 'Made', [
        ['content-type', 'text/plain'],
        ['x-two', 'a'],
        ['x-two', 'b'],
        ['set-cookie', 'a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT'],
        ['set-cookie', 'b=2'],
      ] as never)
      response.end('grüße')
    })
    const { fetch, transport } = client()
    for (const ask of [fetch, (url: string) => transport(url, {}, undefined as never)]) {
      const response = await ask(`${base}/path?query=1`)
      expect(response).toBeInstanceOf(Response)
      expect(response).toMatchObject({ status: 201, statusText: 'Made', url: `${base}/path?query=1`, redirected: false, type: 'default' })
      expect(response.headers.get('x-two')).toBe('a, b')
      expect(response.headers.getSetCookie()).toEqual(['a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT', 'b=2'])
      expect(await response.text()).toBe('grüße')
    }
  })

  test('sends texts, bytes, forms, blobs and streams as the platform does', async () => {
    const seen: { type: string | undefined; body: string; method: string | undefined }[] = []
    const { base } = await origin((request, response) => {
      const chunks: Uint8Array[] = []
      request.on('data', chunk => chunks.push(chunk))
      request.on('end', () => {
        const { 'content-type': type } = request.headers
        seen.push({ type, body: `${Buffer.concat(chunks)}`, method: request.method })
        response.end()
      })
    })
    const { fetch } = client()
    const form = new FormData()
    form.set('name', 'value')
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('pieces '))
        controller.enqueue(new TextEncoder().encode('of it'))
        controller.close()
      },
    })
    for (const body of [
      'text',
      new Uint8Array([104, 105]),
      new URLSearchParams({ a: 'b c' }),
      new Blob(['blob'], { type: 'x/y' }),
      form,
      stream,
    ])
      await fetch(base, { method: 'POST', body, ...(body === stream && ({ duplex: 'half' } as object)) })
    expect(seen.map(({ type }) => type?.split(';')[0])).toEqual([
      'text/plain',
      undefined,
      'application/x-www-form-urlencoded',
      'x/y',
      'multipart/form-data',
      undefined,
    ])
    expect(seen.map(({ body }) => body)).toEqual(['text', 'hi', 'a=b+c', 'blob', expect.stringContaining('value'), 'pieces of it'])
    expect(seen.every(({ method }) => method === 'POST')).toBe(true)
  })

  test('follows redirects as the client does, and shows them with redirect: manual', async () => {
    const { base } = await origin((request, response) => {
      if (request.url === '/end') response.end(`${request.headers.authorization}`)
      else response.writeHead(302, { location: '/end' }).end('elsewhere')
    })
    const { fetch, transport } = client()
    const response = await fetch(`${base}/begin`, { headers: { authorization: 'me' } })
    expect(response).toMatchObject({ status: 200, redirected: true, url: `${base}/end` })
    expect(await response.text()).toBe('me')
    expect((await fetch(`${base}/begin`, { redirect: 'manual' })).status).toBe(302)
    expect((await transport(`${base}/begin`, { redirect: 'manual' }, undefined as never)).headers.get('location')).toBe('/end')
  })

  test('HEAD, 204 and 304 have no body, whatever their headers say', async () => {
    const { base, counted } = await origin((request, response) => {
      const status = request.url === '/304' ? 304 : request.url === '/204' ? 204 : 200
      response.writeHead(status, { 'content-encoding': 'gzip', ...(status === 200 && { 'content-length': 1000 }) }).end()
    })
    const { fetch } = client()
    expect(await (await fetch(base, { method: 'HEAD' })).text()).toBe('')
    expect((await fetch(`${base}/204`)).body).toBeNull()
    expect((await fetch(`${base}/304`)).body).toBeNull()
    // Undici closes a connection after HEAD: some origins send a body all the same.
    expect(counted.opened).toBe(2)
  })

  test('integrity, which nobody would check, is refused', async () => {
    const { transport } = client()
    await expect(transport('http://127.0.0.1:9/', { integrity: 'sha256-x' }, undefined as never)).rejects.toThrow('integrity')
  })
})

describe('compression', () => {
  const text = 'the quick brown fox '.repeat(5000)
  const codings = {
    gzip: gzipSync(text),
    br: brotliCompressSync(text),
    deflate: deflateSync(text),
    'deflate, without its frame': deflateRawSync(text),
    'gzip, br': brotliCompressSync(gzipSync(text)),
  }

  test.each(Object.entries(codings))('%s is decoded, at once and as a stream', async (name, bytes) => {
    let accepted: string | undefined
    const encoding = name.startsWith('deflate') ? 'deflate' : name
    const { base } = await origin((request, response) => {
      accepted = request.headers['accept-encoding']
      response.writeHead(200, { 'content-encoding': encoding, 'content-length': bytes.byteLength }).end(bytes)
    })
    const { fetch, transport } = client()
    expect(await (await fetch(base)).text()).toBe(text)
    expect(await (await fetch.stream(base)).text()).toBe(text)
    expect(await (await transport(base, {}, undefined as never)).text()).toBe(text)
    expect(accepted).toBe('gzip, deflate, br')
  })

  test('what nobody knows is left as it is', async () => {
    const { base } = await origin((_request, response) => response.writeHead(200, { 'content-encoding': 'rot13' }).end('grkg'))
    const { fetch } = client()
    expect(await (await fetch(base)).text()).toBe('grkg')
  })

  test.each(['gzip', 'br', 'deflate'] as const)('a body of %s that ends too early is an error, and nothing is kept', async encoding => {
    const bytes = codings[encoding]
    const { base } = await origin((request, response) => {
      const cut = Math.max(1, Number(request.url?.slice(1)))
      response.writeHead(200, { 'content-encoding': encoding, 'cache-control': 'max-age=60' }).end(bytes.subarray(0, cut))
    })
    const cache = mapCache()
    const { fetch } = client({}, { cache })
    for (const cut of [1, 2, 11, bytes.byteLength >> 1, bytes.byteLength - 1])
      await expect(fetch(`${base}/${cut}`)).rejects.toMatchObject({ code: 'ERR_NETWORK' })
    expect(cache.map.size).toBe(0)
    expect(await (await fetch(`${base}/${bytes.byteLength}`)).text()).toBe(text)
  })

  test.each(['gzip', 'br', 'deflate'] as const)(
    'a bomb of %s ends by its ratio and by its size, and gives its connection back',
    async encoding => {
      const zeros = Buffer.alloc(20 * 1024 ** 2)
      const bomb = encoding === 'gzip' ? gzipSync(zeros) : encoding === 'br' ? brotliCompressSync(zeros) : deflateSync(zeros)
      const { base, sockets } = await origin((_request, response) => response.writeHead(200, { 'content-encoding': encoding }).end(bomb))
      const byRatio = client({}, { maxResponseSize: '1gb' })
      const bySize = client({}, { maxResponseSize: '100kb' })
      for (const { fetch, transport } of [byRatio, bySize]) {
        const error = await fetch(base).catch((error: unknown) => error as { received: number })
        expect(error).toMatchObject({ code: 'ERR_RESPONSE_TOO_LARGE' })
        expect((error as { received: number }).received).toBeLessThan(8 * 1024 ** 2)
        const response = await fetch.stream(base, { maxResponseSize: '1mb' })
        await expect(response.text()).rejects.toMatchObject({ code: 'ERR_RESPONSE_TOO_LARGE' })
        expect(fetch.stats()).toMatchObject({ inflight: 0, queued: 0 })
        await until(() => Object.values(transport.stats().hosts).every(({ running, pending, queued }) => running + pending + queued === 0))
      }
      expect(sockets.size).toBeLessThanOrEqual(4)
    },
  )

  test('garbage in place of what is coded is an error', async () => {
    const { base } = await origin((_request, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(Buffer.alloc(300_000, 7)),
    )
    const { fetch, transport } = client()
    await expect(fetch(base)).rejects.toMatchObject({ code: 'ERR_NETWORK' })
    await expect((await fetch.stream(base)).text()).rejects.toMatchObject({ code: 'ERR_NETWORK' })
    await until(() => Object.values(transport.stats().hosts).every(({ running }) => running === 0))
  })
})

describe('connections', () => {
  test('500 requests at once open no more than configured, and use them again', async () => {
    const { base, counted } = await origin((_request, response) => setTimeout(() => response.end('ok'), 1))
    const { fetch, transport } = client({ connectionsPerHost: 7 })
    const answers = Array.from({ length: 500 }, (_, at) => fetch(`${base}/${at}`).then(response => response.text()))
    await later(2)
    const [host] = Object.values(transport.stats().hosts)
    expect((host?.pending ?? 0) + (host?.running ?? 0)).toBeLessThanOrEqual(7)
    expect(host?.queued).toBeGreaterThan(400)
    expect(new Set(await Promise.all(answers))).toEqual(new Set(['ok']))
    expect(counted).toEqual({ most: 7, opened: 7 })
    expect(transport.stats().hosts).toEqual({ [new URL(base).host]: { connected: 7, free: 7, pending: 0, running: 0, queued: 0 } })
  })

  test('in all there are no more than configured, and no host waits for ever', async () => {
    const origins = await Promise.all(
      Array.from({ length: 5 }, () => origin((_request, response) => setTimeout(() => response.end('ok'), 1))),
    )
    const { fetch, transport } = client({ connectionsPerHost: 4, connections: 6 })
    let most = 0
    const look = () => {
      most = Math.max(
        most,
        Object.values(transport.stats().hosts).reduce((sum, { connected }) => sum + connected, 0),
      )
    }
    const answers = Array.from({ length: 300 }, async (_, at) => {
      const response = await fetch(`${origins[at % 5]?.base}/${at}`)
      look()
      return response.text()
    })
    expect(new Set(await Promise.all(answers))).toEqual(new Set(['ok']))
    expect(most).toBeLessThanOrEqual(6)
    expect(most).toBeGreaterThan(3)
  })

  test('a host that never answers does not keep others from the places in all for longer than its requests last', async () => {
    const hanging = await origin(() => undefined)
    const well = await origin((_request, response) => response.end('ok'))
    const { fetch } = client({ connections: 2 }, { timeout: 100 })
    const lost = Promise.allSettled([fetch(`${hanging.base}/a`), fetch(`${hanging.base}/b`)])
    await until(() => hanging.sockets.size === 2)
    expect(await (await fetch(well.base, { timeout: 5000 })).text()).toBe('ok')
    expect((await lost).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  })

  test('one after another use one connection, until it has not been used for as long as keepAlive', async () => {
    const { base, counted, sockets, server } = await origin((_request, response) => response.end('ok'))
    // An origin that says how long it keeps connections is believed.
    server.keepAliveTimeout = 0
    const { fetch, transport } = client({ keepAlive: 1100 })
    for (let at = 0; at < 20; at += 1) await (await fetch(`${base}/${at}`)).text()
    expect(counted.opened).toBe(1)
    await until(() => sockets.size === 0)
    expect(transport.stats().hosts).toEqual({})
    expect(await (await fetch(base)).text()).toBe('ok')
    expect(counted.opened).toBe(2)
  })

  test('an origin that closes after each answer is asked on a new connection', async () => {
    const { base, counted } = await origin((_request, response) => response.writeHead(200, { connection: 'close' }).end('ok'))
    const { fetch } = client({ connectionsPerHost: 3 })
    const answers = await Promise.all(Array.from({ length: 30 }, async (_, at) => (await fetch(`${base}/${at}`)).text()))
    expect(answers.every(text => text === 'ok')).toBe(true)
    expect(counted.opened).toBe(30)
  })

  test('aborted in the queue, before the head, and in the body: no socket and no place is lost', async () => {
    const { base, sockets, counted } = await origin((request, response) => {
      if (request.url?.startsWith('/body')) response.writeHead(200).write('x'.repeat(1000))
      else if (request.url?.startsWith('/ok')) response.end('ok')
    })
    const { fetch, transport } = client({ connectionsPerHost: 4 })
    for (let round = 0; round < 10; round += 1) {
      const controller = new AbortController()
      const { signal } = controller
      const calls = Array.from({ length: 20 }, (_, at) => fetch(`${base}/${at % 2 === 0 ? 'body' : 'head'}${round}-${at}`, { signal }))
      const streams = Array.from({ length: 2 }, (_, at) => fetch.stream(`${base}/body${round}-s${at}`))
      await later(round * 2)
      controller.abort(new Error('enough'))
      for (const call of calls) await expect(call).rejects.toThrow('enough')
      for (const stream of streams) await (await stream).body?.cancel()
      expect(await (await fetch(`${base}/ok`)).text()).toBe('ok')
    }
    await until(() => Object.values(transport.stats().hosts).every(({ running, pending, queued }) => running + pending + queued === 0))
    await until(() => sockets.size <= 4)
    expect(counted.most).toBeLessThanOrEqual(8)
    expect(fetch.stats()).toMatchObject({ inflight: 0, queued: 0 })
  })

  test('a stream that nobody reads on is not read into memory', async () => {
    let written = 0
    const { base } = await origin((_request, response) => {
      const more = () => {
        if (response.destroyed || written > 200e6) return
        written += 65_536
        response.write(Buffer.alloc(65_536), more)
      }
      more()
    })
    const { fetch } = client()
    const reader = (await fetch.stream(base)).body?.getReader()
    await reader?.read()
    await later(100)
    expect(written).toBeLessThan(30e6)
    await reader?.cancel()
  })

  test('an endless body in chunks, read as a stream, ends at its limit and lets timers ring', async () => {
    const { base } = await origin((_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      }
      response.on('drain', more)
      more()
    })
    const { fetch } = client()
    const plain = createFetch({ retry: false })
    closing.push(() => plain.close())
    await later(20)
    for (const stream of [fetch.stream, plain.stream])
      await expect((await stream(base, { maxResponseSize: '2mb' })).text()).rejects.toMatchObject({ code: 'ERR_RESPONSE_TOO_LARGE' })
  })

  test('a body in pieces of all sizes is put together in order', async () => {
    const sizes = Array.from({ length: 400 }, (_, at) => (at % 37 === 0 ? 9000 : at % 5 === 0 ? 2048 : (at % 3) + 1))
    const body = Buffer.concat(sizes.map((size, at) => Buffer.alloc(size, at % 251)))
    const { base } = await origin(async (_request, response) => {
      let at = 0
      for (const size of sizes) {
        response.write(body.subarray(at, at + size))
        at += size
      }
      response.end()
    })
    const { fetch } = client()
    expect(Buffer.compare(Buffer.from(await (await fetch(base)).arrayBuffer()), body)).toBe(0)
  })

  test('a body that is cut on the wire is an error', async () => {
    const server = createTcpServer(socket =>
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly so much')),
    )
    watch(server, new Set(), { most: 0, opened: 0 })
    const base = `http://127.0.0.1:${await listening(server)}`
    const { fetch } = client()
    await expect(fetch(base)).rejects.toMatchObject({ code: 'ERR_NETWORK' })
    await expect((await fetch.stream(base)).text()).rejects.toMatchObject({ code: 'ERR_NETWORK' })
  })

  test('the time to connect is a phase of its own, and has its limit', async () => {
    const server = createTcpServer(() => undefined)
    watch(server, new Set(), { most: 0, opened: 0 })
    const port = await listening(server)
    // Nobody shakes hands.
    const { fetch } = client({ connectTimeout: 200 })
    const error = await fetch(`https://127.0.0.1:${port}/`).catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'ERR_NETWORK', cause: { code: 'UND_ERR_CONNECT_TIMEOUT' } })
    const late = await fetch(`https://127.0.0.1:${port}/`, { timeout: 50, totalTimeout: 50 }).catch((error: unknown) => error)
    expect(late).toMatchObject({ code: 'ERR_TIMEOUT' })
  })

  test('what the platform counts as phases is told: connecting is not waiting for the first byte', async () => {
    const { base } = await origin((_request, response) => setTimeout(() => response.destroy(), 50))
    const { fetch } = client()
    const error = await fetch(base).catch((error: unknown) => error)
    const { phases } = error as { phases: { connect: number; firstByte: number } }
    expect(phases.firstByte).toBeGreaterThanOrEqual(40)
    expect(phases.connect).toBeGreaterThan(0)
  })

  test('what it knows of them is in stats() of the client and in its metrics', async () => {
    const { base } = await origin((_request, response) => response.end('ok'))
    const metrics = createRegistry()
    const { fetch } = client({}, { metrics, name: 'cities' })
    const { host } = new URL(base)
    await Promise.all([fetch(`${base}/1`), fetch(`${base}/2`)])
    expect(fetch.stats().connections).toEqual({ [host]: { connected: 2, free: 2, pending: 0, running: 0, queued: 0 } })
    const text = await metrics.metrics()
    expect(text).toContain(`client_connections{client="cities",host="${host}",state="connected"} 2`)
    expect(text).toContain(`client_connection_requests{client="cities",host="${host}",state="queued"} 0`)
  })

  test('closing ends what is under way', async () => {
    const { base, sockets } = await origin(() => undefined)
    const { fetch, transport } = client({ connectionsPerHost: 1 })
    const calls = Promise.allSettled([fetch(`${base}/1`), fetch(`${base}/2`)])
    await until(() => sockets.size === 1)
    await transport.close()
    expect((await calls).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await expect(fetch(base)).rejects.toMatchObject({ code: 'ERR_NETWORK' })
    await until(() => sockets.size === 0)
  })
})

describe('HTTP/2', () => {
  const { key, cert } = selfSigned()

  async function secureOrigin(listener: (request: IncomingMessage, response: ServerResponse) => void, allowHTTP1 = true) {
    const sockets = new Set<Socket>()
    const counted = { most: 0, opened: 0 }
    const versions = new Set<string>()
    const server = createSecureServer({ key, cert, allowHTTP1 }, (request, response) => {
      versions.add(request.httpVersion)
      listener(request as never, response as never)
    })
    watch(server, sockets, counted, 'secureConnection')
    return { base: `https://localhost:${await listening(server)}`, sockets, counted, versions, server }
  }

  test('a cold burst opens one session', async () => {
    const { base, counted, versions } = await secureOrigin((request, response) => {
      response.writeHead(200, { 'set-cookie': ['a=1', 'b=2'] })
      response.end(request.url)
    })
    const { fetch, transport } = client({ allowH2: true, tls: { ca: cert } })
    const answers = await Promise.all(Array.from({ length: 300 }, async (_, at) => (await fetch(`${base}/${at}`)).text()))
    expect(answers).toEqual(Array.from({ length: 300 }, (_, at) => `/${at}`))
    expect([...versions]).toEqual(['2.0'])
    expect(counted).toEqual({ most: 1, opened: 1 })
    expect(Object.values(transport.stats().hosts)).toEqual([{ connected: 1, free: 1, pending: 0, running: 0, queued: 0 }])
    expect((await fetch(base)).headers.getSetCookie()).toEqual(['a=1', 'b=2'])
  })

  test('a host that speaks only HTTP/1.1 has as many connections as it may, and one that is not allowed HTTP/2, too', async () => {
    const { base, counted, versions } = await secureOrigin((_request, response) => setTimeout(() => response.end('ok'), 2))
    const { fetch } = client({ allowH2: false, connectionsPerHost: 5, tls: { ca: cert } })
    await Promise.all(Array.from({ length: 50 }, async (_, at) => (await fetch(`${base}/${at}`)).text()))
    expect([...versions]).toEqual(['1.1'])
    expect(counted.most).toBe(5)
  })

  test('aborted streams leave the session as it is', async () => {
    const { base, counted } = await secureOrigin((request, response) => {
      if (request.url === '/ok') response.end('ok')
      else response.writeHead(200).write('x')
    })
    const { fetch, transport } = client({ allowH2: true, tls: { ca: cert } })
    await (await fetch(`${base}/ok`)).text()
    for (let round = 0; round < 5; round += 1) {
      const controller = new AbortController()
      const calls = Array.from({ length: 20 }, (_, at) => fetch(`${base}/${round}-${at}`, { signal: controller.signal }))
      await later(5)
      controller.abort(new Error('enough'))
      for (const call of calls) await expect(call).rejects.toThrow('enough')
      expect(await (await fetch(`${base}/ok`)).text()).toBe('ok')
    }
    expect(counted.opened).toBe(1)
    await until(() => Object.values(transport.stats().hosts).every(({ running, pending, queued }) => running + pending + queued === 0))
  })

  test('a session that ends is replaced', async () => {
    const { base, counted, sockets } = await secureOrigin((_request, response) => response.end('ok'))
    const { fetch } = client({ allowH2: true, tls: { ca: cert } }, { retry: { maxRetries: 3, initialDelay: 1 } })
    expect(await (await fetch(base)).text()).toBe('ok')
    for (const socket of sockets) socket.destroy()
    await until(() => sockets.size === 0)
    const answers = await Promise.all(Array.from({ length: 20 }, async (_, at) => (await fetch(`${base}/${at}`)).text()))
    expect(answers.every(text => text === 'ok')).toBe(true)
    expect(counted.opened).toBe(2)
  })

  test('whoever waits for the first connection fails with it', async () => {
    const { base } = await secureOrigin((_request, response) => response.end('ok'))
    const { fetch, transport } = client({ allowH2: true })
    const calls = await Promise.allSettled(Array.from({ length: 20 }, (_, at) => fetch(`${base}/${at}`)))
    expect(calls.every(({ status }) => status === 'rejected')).toBe(true)
    await until(() => Object.keys(transport.stats().hosts).length === 0)
  })
})

describe('options', () => {
  test.each([
    ['connectionsPerHost', { connectionsPerHost: 0 }],
    ['connections', { connections: 1.5 }],
    ['allowH2', { allowH2: 'yes' as never }],
    ['keepAlive', { keepAlive: -1 }],
    ['connectTimeout', { connectTimeout: 0 }],
    ['dnsTtl', { dnsTtl: 'soon' as never }],
    ['tls', { tls: 'none' as never }],
  ])('%s that cannot be meant is refused', (_name, options) => {
    expect(() => undiciTransport(options)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })
})
