import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type AdminHandler, type AdminOptions, createAdminHandler, toNodeListener } from '../../../js/admin.ts'
import { circuitBreaker, createCache, createMemoryCache, createMonitor, createRegistry, type Monitor } from '../../../js/index.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'

const TOKEN = 'correct-horse-battery-staple'
const ROOMS = ['stats', 'history', 'report', 'metrics', 'events']

const toClose: { close(): void }[] = []
afterEach(() => {
  for (const one of toClose.splice(0).reverse()) one.close()
})

function adminOf(options: AdminOptions = {}, watch: (monitor: Monitor) => void = () => {}) {
  const clock = new ManualClock()
  const monitor = createMonitor({ clock })
  watch(monitor)
  const admin = createAdminHandler(monitor, { token: TOKEN, clock, report: () => ({ fine: true }), registry: createRegistry(), ...options })
  toClose.push(monitor, admin)
  return { admin, monitor, clock }
}

function ask(
  admin: AdminHandler,
  path: string,
  { headers = {}, ...init }: { headers?: Record<string, string> } & Omit<RequestInit, 'headers'> = {},
) {
  return admin(new Request(`http://localhost:9000/${path}`, { headers: { authorization: `Bearer ${TOKEN}`, ...headers }, ...init }))
}

const post = (admin: AdminHandler, path: string, body?: unknown) =>
  ask(admin, path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })

const errorOf = async (response: Response) => [response.status, ((await response.json()) as { error: { code: string } }).error.code]

describe('who may ask', () => {
  const hosts: [host: string, isFine: boolean][] = [
    ['localhost:9000', true],
    ['127.0.0.1:9000', true],
    ['[::1]:9000', true],
    ['LOCALHOST:9000', true],
    ['evil.example', false],
    ['localhost.evil.example:9000', false],
    ['127.0.0.1.nip.io:9000', false],
    ['localhost.:9000', false],
    ['127.0.0.2:9000', false],
    ['0.0.0.0:9000', false],
    ['user@localhost:9000', false],
    ['localhost:9000@evil.example', false],
    ['localhost/evil', false],
  ]
  const origins: [origin: string | undefined, isFine: (host: string) => boolean][] = [
    [undefined, () => true],
    ['own', () => true],
    ['null', () => false],
    ['http://evil.example', () => false],
    ['http://localhost:9001', () => false],
    ['http://localhost.evil.example:9000', () => false],
    ['file://', () => false],
    ['', () => false],
  ]
  const tokens: [authorization: string | undefined, isFine: boolean][] = [
    [`Bearer ${TOKEN}`, true],
    [`bearer ${TOKEN}`, true],
    [undefined, false],
    ['Bearer', false],
    ['Bearer ', false],
    [`Bearer ${TOKEN.slice(0, -1)}`, false],
    [`Bearer ${TOKEN}x`, false],
    [`Bearer ${TOKEN}${TOKEN}`, false],
    [`Bearer ${TOKEN.toUpperCase()}`, false],
    [`Basic ${TOKEN}`, false],
    [TOKEN, false],
  ]

  it('only the allowed cells of Host x Origin x token x site answer, in every room', async () => {
    const { admin } = adminOf({ allowWrites: true, batches: { nothing: () => 1 } })
    let answered = 0
    let refused = 0
    for (const [host, hostIsFine] of hosts)
      for (const [origin, originIsFine] of origins)
        for (const [authorization, tokenIsFine] of tokens)
          for (const site of [undefined, 'same-origin', 'cross-site'])
            for (const room of ['stats', 'batch/nothing']) {
              const request = new Request(`http://localhost:9000/${room}`, { method: room === 'stats' ? 'GET' : 'POST' })
              const headers = new Headers()
              headers.set('host', host)
              if (origin !== undefined) headers.set('origin', origin === 'own' ? `http://${host.toLowerCase()}` : origin)
              if (authorization !== undefined) headers.set('authorization', authorization)
              if (site !== undefined) headers.set('sec-fetch-site', site)
              Object.defineProperty(request, 'headers', { value: headers })
              const { status } = await admin(request)
              const isFine = hostIsFine && originIsFine(host) && tokenIsFine && site !== 'cross-site'
              expect([host, origin, authorization, site, room, status < 300], `${status}`).toEqual([
                host,
                origin,
                authorization,
                site,
                room,
                isFine,
              ])
              if (isFine) answered += 1
              else refused += 1
            }
    // 4 names of this machine, 2 origins, 2 ways to write the token, 2 sites, 2 rooms; all else is refused.
    expect([answered, refused]).toEqual([64, 13 * 8 * 11 * 3 * 2 - 64])
  })

  it('the same through a server of Node, whoever is named where', async () => {
    const { admin } = adminOf()
    const server = createServer(toNodeListener(admin))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const statusOf = (host: string, headers: Record<string, string>, path = '/stats') =>
      new Promise<number>((resolve, reject) => {
        const asked = httpRequest({ host: '127.0.0.1', port, path, setHost: false, headers: { host, ...headers } }, response => {
          response.resume()
          resolve(response.statusCode ?? 0)
        })
        asked.on('error', reject)
        asked.end()
      })
    const authorization = `Bearer ${TOKEN}`
    expect(await statusOf(`127.0.0.1:${port}`, { authorization })).toBe(200)
    expect(await statusOf(`localhost:${port}`, { authorization, origin: `http://localhost:${port}` })).toBe(200)
    expect(await statusOf(`localhost:${port}`, { authorization, origin: `http://127.0.0.1:${port}` })).toBe(403)
    expect(await statusOf(`localhost:${port}`, { authorization, origin: 'http://evil.example' })).toBe(403)
    expect(await statusOf(`localhost:${port}`, {})).toBe(401)
    for (const host of ['evil.example', 'localhost@evil.example', 'localhost/x', 'a b', ''])
      expect(await statusOf(host, { authorization }), host).toBeGreaterThanOrEqual(400)
    // The target may name a host of its own.
    expect(await statusOf(`localhost:${port}`, { authorization }, `http://evil.example/stats`)).toBe(400)
    expect(await statusOf(`localhost:${port}`, { authorization }, `//evil.example/stats`)).toBe(404)
    server.closeAllConnections()
    server.close()
  })

  it('nobody else of the network, unless that is wanted', async () => {
    const { admin } = adminOf()
    const from = async (one: AdminHandler, remoteAddress: string) =>
      (await one(new Request('http://localhost:9000/stats', { headers: { authorization: `Bearer ${TOKEN}` } }), { remoteAddress })).status
    for (const address of ['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1']) expect(await from(admin, address)).toBe(200)
    for (const address of ['10.0.0.1', '::ffff:10.0.0.1', '128.0.0.1', '2001:db8::1', '127.0.0.1.evil', ''])
      expect(await from(admin, address)).toBe(403)
    expect(await from(adminOf({ allowRemote: true }).admin, '10.0.0.1')).toBe(200)
    const proxied = adminOf({ hosts: ['admin.example'] }).admin
    const asked = new Request('https://admin.example/stats', {
      headers: { authorization: `Bearer ${TOKEN}`, origin: 'https://admin.example' },
    })
    expect((await proxied(asked)).status).toBe(200)
  })

  it('every room wants the token, and answers without traces', async () => {
    const { admin } = adminOf()
    for (const room of [...ROOMS, 'nowhere', 'batch/x', 'cache/clear']) {
      const refused = await admin(new Request(`http://localhost:9000/${room}?token=${TOKEN}`))
      expect(await errorOf(refused)).toEqual([401, 'ERR_UNAUTHORIZED'])
      expect(refused.headers.get('access-control-allow-origin')).toBeNull()
    }
    for (const room of ROOMS) {
      const { status, headers, body } = await ask(admin, room)
      expect(status, room).toBe(200)
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('referrer-policy')).toBe('no-referrer')
      expect(headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(headers.get('set-cookie')).toBeNull()
      await body?.cancel()
    }
    expect(await errorOf(await ask(admin, 'nowhere'))).toEqual([404, 'ERR_NOT_FOUND'])
    expect(await errorOf(await ask(admin, 'constructor'))).toEqual([404, 'ERR_NOT_FOUND'])
    for (const method of ['OPTIONS', 'PUT', 'DELETE', 'PATCH'])
      expect(await errorOf(await ask(admin, 'stats', { method }))).toEqual([405, 'ERR_METHOD'])
    expect(await errorOf(await ask(admin, `stats?${'x'.repeat(3000)}`))).toEqual([413, 'ERR_TOO_LARGE'])
    const head = await ask(admin, 'stats', { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
  })

  it('makes a token that nobody guesses, and refuses short ones', () => {
    const monitor = createMonitor()
    toClose.push(monitor)
    const [one, two] = [createAdminHandler(monitor), createAdminHandler(monitor)]
    expect(one.token).toMatch(/^[0-9a-f]{48}$/)
    expect(one.token).not.toBe(two.token)
    for (const options of [
      { token: 'short' },
      { token: 'with blanks in it, long' },
      { basePath: 'admin' },
      { basePath: '/a?b' },
      { hosts: ['a:80'] },
      { allowWrites: 'no' },
      { maxReaders: 0 },
      { caches: { a: {} } },
      { batches: { a: 1 } },
      { report: 1 },
    ] as object[])
      expect(() => createAdminHandler(monitor, options), JSON.stringify(options)).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }),
      )
    expect(() => createAdminHandler({} as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })
})

describe('where it is', () => {
  it('is below its base, with or without the slash', async () => {
    const { admin } = adminOf({ basePath: '/ops/admin' })
    expect((await ask(admin, 'ops/admin/stats')).status).toBe(200)
    for (const path of ['stats', 'ops/stats', 'ops/adminstats', '']) expect((await ask(admin, path)).status).toBe(404)
  })

  it('refuses everything when it is closed', async () => {
    const { admin } = adminOf()
    admin.close()
    expect(await errorOf(await ask(admin, 'stats'))).toEqual([503, 'ERR_CLOSED'])
  })
})

describe('what it tells', () => {
  const CANARY = 'user:canary-7f3a:secret'

  function planted(options: AdminOptions) {
    return adminOf(options, monitor => {
      const cache = createMemoryCache<string, string>({ max: 10 })
      cache.set(CANARY, 'value-canary')
      const breaker = circuitBreaker()
      breaker.isolate(CANARY)
      monitor.watch('users', cache)
      monitor.watch('upstream', breaker)
      monitor.provide('slow', () => [{ name: 'load', ms: 500, at: 1, detail: CANARY }])
      monitor.provide('recommendations', () => [{ id: 'hot', severity: 'info', title: 'Refresh ahead', keys: [CANARY] }])
    })
  }

  it('shows keys only where that is wanted, and values never', async () => {
    const { admin } = planted({})
    const shown = await (await ask(admin, 'stats')).text()
    expect(shown).not.toContain('canary')
    expect(shown.match(/user…[0-9a-f]{8}/g)).toHaveLength(4)
    expect(new Set(shown.match(/user…[0-9a-f]{8}/g)).size).toBe(1)
    const other = await (await ask(planted({}).admin, 'stats')).text()
    expect(other.match(/user…[0-9a-f]{8}/)?.[0]).not.toBe(shown.match(/user…[0-9a-f]{8}/)?.[0])
    const open = await (await ask(planted({ showKeys: true }).admin, 'stats')).text()
    expect(open.split(CANARY)).toHaveLength(5)
    expect(open).not.toContain('value-canary')
  })

  it('shows nothing of a short key', async () => {
    const { Redaction } = await import('../../../js/admin/redact.ts')
    const redaction = new Redaction(1)
    expect(redaction.key('abc')).toMatch(/^…[0-9a-f]{8}$/)
    expect(redaction.key('abcdefgh')).toMatch(/^ab…/)
  })

  it('redacts a report as it does snapshots, unless keys are shown', async () => {
    const report = () => ({
      slow: [{ name: 'load', ms: 1, at: 0, detail: 'user:secret:1' }],
      recommendations: [{ id: 'a', keys: ['user:secret:2'] }],
      caches: [{ name: 'users', reads: 3 }],
    })
    const hidden = await (await ask(adminOf({ report }).admin, 'report')).text()
    expect(hidden).not.toContain('secret')
    expect(JSON.parse(hidden).caches).toEqual([{ name: 'users', reads: 3 }])
    expect(await (await ask(adminOf({ report, showKeys: true }).admin, 'report')).json()).toEqual(report())
  })

  it('has points, a report and metrics, the latter two where they are given', async () => {
    const { admin, clock } = adminOf()
    clock.advance(3000)
    const { points } = (await (await ask(admin, 'history?points=2')).json()) as { points: unknown[] }
    expect(points).toHaveLength(2)
    expect((await ask(admin, 'history?points=x')).status).toBe(400)
    expect(await (await ask(admin, 'report')).json()).toEqual({ fine: true })
    expect((await ask(admin, 'metrics')).headers.get('content-type')).toContain('text/plain')
    const monitor = createMonitor()
    const bare = createAdminHandler(monitor, { token: TOKEN })
    toClose.push(monitor, bare)
    for (const room of ['report', 'metrics']) expect((await ask(bare, room)).status).toBe(404)
  })

  it('says nothing of what failed in functions of the host', async () => {
    const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const { admin } = adminOf({
      report: () => {
        throw new Error('canary')
      },
    })
    const answer = await ask(admin, 'report')
    expect([answer.status, (await answer.text()).includes('canary')]).toEqual([500, false])
    expect(warnings).toHaveBeenCalledTimes(1)
    warnings.mockRestore()
  })
})

describe('what it changes', () => {
  it('is nothing, unless that is wanted', async () => {
    const run = vi.fn()
    const { admin } = adminOf({ batches: { import: run }, caches: { users: createCache({ max: 1 }) } })
    for (const path of ['batch/import', 'cache/clear', 'recommendations/x/apply', 'nowhere'])
      expect(await errorOf(await post(admin, path, {}))).toEqual([403, 'ERR_READ_ONLY'])
    expect(run).not.toHaveBeenCalled()
  })

  it('is what the host has registered', async () => {
    const cache = createCache<number>({ max: 10 })
    const apply = vi.fn()
    const { admin } = adminOf(
      {
        allowWrites: true,
        caches: { users: cache },
        batches: {
          import: async input => ({ got: input }),
          fails: () => {
            throw new Error('canary')
          },
        },
      },
      monitor => monitor.provide('recommendations', () => [{ id: 'a/b', severity: 'info', title: 'x', apply }]),
    )
    for (const key of ['a:1', 'a:2', 'b:1']) await cache.set(key, 1, { tags: [key.slice(0, 1)] })
    const has = () => ['a:1', 'a:2', 'b:1'].filter(key => cache.memory.has(key))
    expect(await (await post(admin, 'cache/invalidate', { cache: 'users', pattern: '*:2' })).json()).toEqual({ invalidated: 'users' })
    expect(has()).toEqual(['a:1', 'b:1'])
    expect((await post(admin, 'cache/invalidate', { cache: 'users', tags: ['a'] })).status).toBe(200)
    expect(has()).toEqual(['b:1'])
    expect((await post(admin, 'cache/clear', { cache: 'users' })).status).toBe(200)
    expect(has()).toEqual([])
    expect(await (await post(admin, 'batch/import', { from: 1 })).json()).toEqual({ result: { got: { from: 1 } } })
    expect((await post(admin, 'recommendations/a%2Fb/apply')).status).toBe(200)
    expect(apply).toHaveBeenCalledTimes(1)

    const failed = await post(admin, 'batch/fails', {})
    expect(await failed.clone().text()).not.toContain('canary')
    expect(await errorOf(failed)).toEqual([500, 'ERR_HANDLER'])
    const bad: [path: string, body: unknown, status: number][] = [
      ['batch/nobody', {}, 404],
      ['batch/constructor', {}, 404],
      ['batch/__proto__', {}, 404],
      ['batch', {}, 404],
      ['batch/import/more', {}, 404],
      ['batch/%ff', {}, 400],
      ['cache/clear', { cache: 'others' }, 404],
      ['cache/clear', {}, 404],
      ['cache/clear', { cache: 'toString' }, 404],
      ['cache/invalidate', { cache: 'users' }, 400],
      ['cache/invalidate', { cache: 'users', pattern: 'a', tags: ['b'] }, 400],
      ['cache/invalidate', { cache: 'users', pattern: 'x'.repeat(257) }, 400],
      ['cache/invalidate', { cache: 'users', pattern: 1 }, 400],
      ['cache/invalidate', { cache: 'users', tags: Array.from({ length: 101 }, String) }, 400],
      ['recommendations/nobody/apply', {}, 404],
      ['cache/clear', [], 400],
      ['cache/clear', 'users', 400],
    ]
    for (const [path, body, status] of bad) expect((await post(admin, path, body)).status, `${path} ${JSON.stringify(body)}`).toBe(status)
  })

  it('takes JSON of bounded size, and says so', async () => {
    const { admin } = adminOf({ allowWrites: true, batches: { import: input => input } })
    const send = (body: string, type = 'application/json') =>
      ask(admin, 'batch/import', { method: 'POST', body, headers: { 'content-type': type } })
    expect(await errorOf(await send('{"a":1}', 'text/plain'))).toEqual([400, 'ERR_BAD_REQUEST'])
    expect(await errorOf(await send('{"a":1'))).toEqual([400, 'ERR_BAD_REQUEST'])
    expect(await errorOf(await send(`{"a":"${'x'.repeat(65_536)}"}`))).toEqual([413, 'ERR_TOO_LARGE'])
    expect((await send('{"a":1}', 'application/json; charset=utf-8')).status).toBe(200)
    const proto = await send('{"__proto__":{"polluted":true}}')
    expect(proto.status).toBe(200)
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })
})

describe('events', () => {
  /** Reads the next event that is one. */
  async function next(reader: ReadableStreamDefaultReader<Uint8Array>) {
    const { value, done } = await reader.read()
    if (done) return undefined
    const text = new TextDecoder().decode(value)
    const data = /^data: (.*)$/m.exec(text)?.[1]
    return { name: /^event: (.*)$/m.exec(text)?.[1], data: data === undefined ? undefined : JSON.parse(data), text }
  }

  async function reading(admin: AdminHandler, signal?: AbortSignal) {
    const response = await ask(admin, 'events', signal === undefined ? {} : { signal })
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
    return (response.body as ReadableStream<Uint8Array>).getReader()
  }

  it('tell what was, then what is, the newest only', async () => {
    const { admin, clock } = adminOf()
    clock.advance(2000)
    const reader = await reading(admin)
    const hello = await next(reader)
    expect(hello?.text.startsWith('retry: 2000\n')).toBe(true)
    expect([hello?.name, hello?.data.history.length, hello?.data.snapshots.length, hello?.data.canWrite]).toEqual(['hello', 2, 1, false])
    await clock.advanceAsync(1000)
    expect((await next(reader))?.data.snapshots[0].at).toBe(clock.wall())
    // Of five that nobody reads, the first lies there, and then the newest comes.
    const before = clock.wall()
    await clock.advanceAsync(5000)
    expect((await next(reader))?.data.snapshots[0].at).toBe(before + 1000)
    expect((await next(reader))?.data.snapshots[0].at).toBe(before + 5000)
    await reader.cancel()
    expect(admin.readers).toBe(0)
  })

  it('end with the reader, the handler, and after half a minute in which nobody reads', async () => {
    const { admin, clock } = adminOf()
    const gone = new AbortController()
    const reader = await reading(admin, gone.signal)
    expect(admin.readers).toBe(1)
    gone.abort()
    expect(admin.readers).toBe(0)
    await reader.cancel().catch(() => {})

    const lazy = await reading(admin)
    const eager = await reading(admin)
    await next(eager)
    for (let at = 0; at < 46; at += 1) {
      await clock.advanceAsync(1000)
      await next(eager)
    }
    expect(admin.readers).toBe(1)
    await expect(lazy.read()).rejects.toThrow('nobody reads')
    admin.close()
    expect(await next(eager)).toBeUndefined()
    expect(admin.readers).toBe(0)
  })

  it('beat when there is nothing to tell', async () => {
    const clock = new ManualClock()
    const monitor = createMonitor({ clock, interval: '5m' })
    const admin = createAdminHandler(monitor, { token: TOKEN, clock })
    toClose.push(monitor, admin)
    const reader = await reading(admin)
    await next(reader)
    await clock.advanceAsync(15_000)
    expect((await next(reader))?.text).toBe(':\n\n')
    expect(clock.heldTimers).toBe(0)
    await reader.cancel()
  })

  it('are for a limited number', async () => {
    const { admin } = adminOf({ maxReaders: 2 })
    const [one] = [await reading(admin), await reading(admin)]
    const third = await ask(admin, 'events')
    expect(third.headers.get('retry-after')).toBe('10')
    expect(await errorOf(third)).toEqual([503, 'ERR_TOO_MANY_READERS'])
    await one.cancel()
    await (await reading(admin)).cancel()
  })

  it('ask the monitor once, however many read', async () => {
    const { admin, monitor, clock } = adminOf({ maxReaders: 1000 })
    const readers = await Promise.all(Array.from({ length: 300 }, () => reading(admin)))
    for (const reader of readers) await next(reader)
    const asked = vi.spyOn(monitor, 'snapshot')
    const tick = clock.advanceAsync(1000)
    const first = await Promise.all(readers.map(reader => reader.read()))
    await tick
    expect(asked).toHaveBeenCalledTimes(1)
    expect(new Set(first.map(({ value }) => value)).size).toBe(1)
    await Promise.all(readers.map(reader => reader.cancel()))
  })
})
