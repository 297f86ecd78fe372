/** What goes to the wire without a transport of the user's: as Node's own `fetch` sends it, though not all of that is asked. */

import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createFetch } from '../../../js/http/fetch.ts'
import type { Fetch } from '../../../js/http/types.ts'

let listener: RequestListener
let base: string
let server: ReturnType<typeof createServer>
let fetch: Fetch
const sockets = new Set<Socket>()

beforeEach(async () => {
  server = createServer((request, response) => listener(request, response))
  server.on('connection', socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  // What lies below is left to fetch, for it refuses some of them.
  for (let port = 20_000 + Math.floor(Math.random() * 9000); ; port += 1) {
    const isUp = await new Promise<boolean>(resolve => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => resolve(true))
    })
    if (isUp) break
  }
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  fetch = createFetch({ retry: false })
  // Until the other way is loaded, everything goes by fetch.
  await vi.dynamicImportSettled()
  void Response
})

afterEach(async () => {
  vi.restoreAllMocks()
  await fetch.close()
  for (const socket of sockets) socket.destroy()
  server.close()
})

/** Whether fetch itself was asked. */
function counted() {
  const calls: string[] = []
  const { fetch: own } = globalThis
  // Of Node's own making still, as far as can be seen.
  const counting = Object.assign((...given: Parameters<typeof own>) => {
    calls.push(String(given[0]))
    return own(...given)
  }, {})
  vi.spyOn(Function.prototype, 'toString').mockImplementation(function (this: unknown) {
    return this === counting ? "require('internal/deps/undici/undici')" : ''
  })
  vi.stubGlobal('fetch', counting)
  return { calls, restore: () => vi.unstubAllGlobals() }
}

test('headers are those that fetch sends, and those of the call', async () => {
  const seen: IncomingHttpHeaders[] = []
  listener = (request, response) => {
    seen.push(request.headers)
    response.end()
  }
  for (const headers of [undefined, { accept: 'text/x', 'X-Mine': 'ä b', 'user-agent': 'me' }, new Headers({ range: 'bytes=0-1' })]) {
    const init = headers === undefined ? {} : { headers }
    await globalThis.fetch(`${base}/`, init)
    await fetch(`${base}/`, init)
    const [theirs, ours] = seen.splice(0)
    expect(ours).toEqual(theirs)
  }
})

test('simple requests go round fetch; what is not simple does not', async () => {
  listener = (_request, response) => response.end('ok')
  const { calls, restore } = counted()
  try {
    expect(await (await fetch(`${base}/plain`)).text()).toBe('ok')
    expect(await (await fetch(`${base}/head`, { method: 'HEAD', headers: { a: 'b' } })).text()).toBe('')
    expect(calls).toEqual([])
    await fetch(`${base}/post`, { method: 'POST', body: 'x' })
    await fetch(`${base}/mode`, { cache: 'no-store' })
    await fetch(`${base}/referrer`, { referrer: 'about:client' })
    expect(calls.map(url => url.slice(base.length))).toEqual(['/post', '/mode', '/referrer'])
    for (const url of ['http://127.0.0.1:10080/', 'http://127.0.0.1:6666/'])
      await expect(fetch(url)).rejects.toMatchObject({ code: 'ERR_NETWORK' })
    // Neither way is asked.
    await expect(fetch('http://a:b@127.0.0.1:8000/')).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    expect(calls.length).toBe(5)
  } finally {
    restore()
  }
})

test('a fetch that somebody has put in place is asked', async () => {
  vi.stubGlobal('fetch', async () => new Response('mocked'))
  try {
    expect(await (await fetch(`${base}/`)).text()).toBe('mocked')
  } finally {
    vi.unstubAllGlobals()
  }
})

test('a dispatcher that somebody has put in place is obeyed', async () => {
  listener = (_request, response) => response.end('ok')
  await (await fetch(base)).text()
  const shared = Symbol.for('undici.globalDispatcher.1')
  const all = globalThis as unknown as Record<symbol, { dispatch(request: { path: string }, handler: object): boolean }>
  const own = all[shared] as (typeof all)[symbol]
  const paths: string[] = []
  const before = Object.getOwnPropertyDescriptor(globalThis, shared) as PropertyDescriptor
  Object.defineProperty(globalThis, shared, {
    ...before,
    value: {
      dispatch(request: { path: string }, handler: object) {
        paths.push(request.path)
        return own.dispatch(request, handler)
      },
    },
  })
  try {
    expect(await (await fetch(`${base}/seen?by=it`)).text()).toBe('ok')
    expect(paths).toEqual(['/seen?by=it'])
  } finally {
    Object.defineProperty(globalThis, shared, before)
  }
})

test('cookies, codings, redirects, statuses and streams are as with fetch', async () => {
  const codings: Record<string, Buffer> = { gzip: gzipSync('coded'), deflate: deflateSync('coded'), br: brotliCompressSync('coded') }
  listener = (request, response) => {
    const path = request.url?.slice(1) ?? ''
    // The second may turn between two of these.
    response.sendDate = false
    if (path in codings) response.writeHead(200, { 'content-encoding': path }).end(codings[path])
    else if (path === 'away') response.writeHead(302, { location: '/gzip' }).end('moved')
    else if (path === '304') response.writeHead(304).end()
    else response.writeHead(418, 'Teapot', { 'set-cookie': ['a=1', 'b=2'], 'x-list': ['1', '2'] }).end('tea')
  }
  for (const path of ['gzip', 'deflate', 'br', 'away', '304', 'tea']) {
    const theirs = await globalThis.fetch(`${base}/${path}`)
    const expected = [theirs.status, theirs.statusText, theirs.url, theirs.redirected, [...theirs.headers], await theirs.text()]
    for (const ask of [fetch, fetch.stream]) {
      const ours = await ask(`${base}/${path}`)
      const headers = [...ours.headers].filter(([name]) => name !== 'x-cache')
      expect([ours.status, ours.statusText, ours.url, ours.redirected, headers, await ours.text()]).toEqual(expected)
    }
  }
})

test('an abort in any phase rejects with its reason, and frees the socket', async () => {
  const asked: Socket[] = []
  listener = (request, response) => {
    asked.push(request.socket)
    if (request.url === '/body') response.writeHead(200).write('x')
  }
  for (const path of ['/head', '/body']) {
    for (const wait of [0, 30]) {
      const controller = new AbortController()
      const call = fetch(base + path, { signal: controller.signal })
      setTimeout(() => controller.abort(new Error('enough')), wait)
      await expect(call).rejects.toThrow('enough')
    }
  }
  expect(asked.length).toBeGreaterThanOrEqual(2)
  // Node connects anew at once, as it does after an abort of its fetch.
  await vi.waitFor(() => expect(asked.every(socket => socket.destroyed)).toBe(true))
  expect(fetch.stats()).toMatchObject({ inflight: 0, queued: 0 })
})

test('an attempt that takes too long is broken off, and an origin that is not there is a network error', async () => {
  const asked: Socket[] = []
  listener = request => asked.push(request.socket)
  await expect(fetch(`${base}/`, { timeout: 40 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
  await vi.waitFor(() => expect(asked.map(socket => socket.destroyed)).toEqual([true]))
  server.close()
  for (const socket of sockets) socket.destroy()
  await vi.waitFor(() => expect(sockets.size).toBe(0))
  await expect(fetch(`${base}/`)).rejects.toMatchObject({ code: 'ERR_NETWORK', cause: { code: 'ECONNREFUSED' } })
})

test('a coded body that ends too early is an error, where fetch makes do with what there is', async () => {
  const bytes = gzipSync('coded '.repeat(1000))
  listener = (_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bytes.subarray(0, bytes.length - 9))
  await expect(fetch(base)).rejects.toMatchObject({ code: 'ERR_NETWORK' })
})
