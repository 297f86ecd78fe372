/** `createAdminHandler`: what a monitor knows, over HTTP. */

import { InvalidArgumentError } from '../errors.ts'
import type { Monitor } from '../monitor/monitor.ts'
import { clockOption, metricsOption, optionalFunction, optionalWith, optionsObject, wholeNumber } from '../options.ts'
import { report } from '../report.ts'
import { json, Refusal, refused, text } from './answers.ts'
import { change } from './changes.ts'
import { Events, type Told } from './events.ts'
import { Guard } from './guard.ts'
import { FILES } from './page.ts'
import { Redaction } from './redact.ts'
import type { AdminHandler, AdminOptions } from './types.ts'

const SHORTEST_TOKEN = 16

/**
 * Makes a handler of standard requests. It serves `GET stats`, `history`, `report`, `metrics`, `events` (server-sent events) and, without the token, the page of the
 * dashboard at its base; and, only with `allowWrites`, `POST batch/<name>`, `cache/clear`, `cache/invalidate` and `recommendations/<id>/apply`.
 *
 * It answers under names of this machine, to pages of its own, and to whoever has the token. Keys are redacted.
 *
 * ```ts
 * const admin = createAdminHandler(monitor, { basePath: '/admin' })
 * app.all('/admin/*', context => admin(context.req.raw))              // Hono
 * Deno.serve({ hostname: '127.0.0.1' }, request => admin(request))    // Deno; Bun: Bun.serve({ hostname: '127.0.0.1', fetch: admin })
 * http.createServer(toNodeListener(admin)).listen(9000, '127.0.0.1')  // Node
 * console.log(`http://127.0.0.1:9000/admin/#token=${admin.token}`)
 * ```
 *
 * Throws `ERR_INVALID_ARGUMENT`.
 */
export function createAdminHandler(monitor: Monitor, options?: AdminOptions): AdminHandler {
  const admin = new Admin(monitor, optionsObject(options, 'options'))
  const handle = (request: Request, info?: { readonly remoteAddress?: string | undefined }) => admin.answer(request, info?.remoteAddress)
  Object.defineProperty(handle, 'readers', { get: () => admin.readers, enumerable: true })
  return Object.assign(handle, {
    token: admin.token,
    close: () => admin.close(),
    [Symbol.dispose]: () => admin.close(),
  }) as AdminHandler
}

class Admin {
  readonly token: string
  readonly #monitor: Monitor
  readonly #options: AdminOptions
  readonly #base: string
  readonly #guard: Guard
  readonly #events: Events
  readonly #redaction: Redaction
  #closed = false

  constructor(monitor: Monitor, options: AdminOptions) {
    optionalWith(monitor ?? null, 'monitor', 'a monitor of createMonitor', ['snapshot', 'history', 'others', 'apply', 'on'])
    const { token = randomToken(), basePath = '/', hosts = [], allowRemote = false, maxReaders = 100, clock } = options
    if (typeof token !== 'string' || token.length < SHORTEST_TOKEN || !/^[\x21-\x7e]+$/.test(token))
      throw new InvalidArgumentError('token', `a text of at least ${SHORTEST_TOKEN} printable characters without blanks`, 'another')
    if (typeof basePath !== 'string' || !/^\/([\w.~-]+\/?)*$/.test(basePath))
      throw new InvalidArgumentError('basePath', "a path such as '/admin'", basePath)
    if (!Array.isArray(hosts) || !hosts.every(host => typeof host === 'string' && /^[\w.-]+$|^\[[\da-f:]+\]$/i.test(host)))
      throw new InvalidArgumentError('hosts', 'names without port', hosts)
    for (const [name, flag] of Object.entries({ allowRemote, allowWrites: options.allowWrites, showKeys: options.showKeys }))
      if (flag !== undefined && typeof flag !== 'boolean') throw new InvalidArgumentError(name, 'true or false', flag)
    metricsOption(options.registry)
    optionalFunction(options.report, 'report')
    for (const [name, cache] of Object.entries(optionsObject(options.caches, 'caches')))
      if (typeof cache?.clear !== 'function') throw new InvalidArgumentError(`caches.${name}`, 'a cache', cache)
    for (const [name, run] of Object.entries(optionsObject(options.batches, 'batches')))
      if (typeof run !== 'function') throw new InvalidArgumentError(`batches.${name}`, 'a function', run)
    this.token = token
    this.#monitor = monitor
    this.#options = options
    this.#base = basePath.endsWith('/') ? basePath : `${basePath}/`
    this.#guard = new Guard({ token, hosts, allowRemote })
    this.#redaction = new Redaction(crypto.getRandomValues(new Uint32Array(1))[0] as number)
    const most = wholeNumber(maxReaders, 'maxReaders')
    this.#events = new Events(monitor, { clock: clockOption(clock), maxReaders: most, tell: () => this.#told() })
  }

  get readers(): number {
    return this.#events.readers
  }

  async answer(request: Request, remoteAddress: string | undefined): Promise<Response> {
    try {
      return await this.#answer(request, remoteAddress)
    } catch (error) {
      if (error instanceof Refusal) return refused(error)
      report(error, 'the admin handler failed')
      return refused(new Refusal('ERR_HANDLER', 'it failed'))
    }
  }

  close(): void {
    this.#closed = true
    this.#events.close()
  }

  async #answer(request: Request, remoteAddress: string | undefined): Promise<Response> {
    if (this.#closed) throw new Refusal('ERR_CLOSED', 'the handler is closed')
    const url = this.#guard.place(request, remoteAddress)
    const { method } = request
    const isRead = method === 'GET' || method === 'HEAD'
    const path = this.#pathOf(url)
    const file = isRead ? fileOf(path) : undefined
    if (file !== undefined) {
      // Without the slash at the end, the page would look for its files beside it.
      if (`${url.pathname}/` === this.#base) return text('', 'text/plain', 308, { location: this.#base })
      return text(method === 'HEAD' ? '' : file.body, file.type)
    }
    this.#guard.caller(request, url)
    if (method === 'POST') return this.#change(path, request)
    if (!isRead) throw new Refusal('ERR_METHOD', 'GET, HEAD and POST only', { allow: 'GET, HEAD, POST' })
    const answer = await this.#read(path, url, request)
    return method === 'HEAD' ? new Response(null, answer) : answer
  }

  #pathOf({ pathname }: URL): string {
    if (pathname.startsWith(this.#base)) return pathname.slice(this.#base.length)
    if (`${pathname}/` === this.#base) return ''
    throw new Refusal('ERR_NOT_FOUND', 'there is nothing here')
  }

  async #read(path: string, url: URL, request: Request): Promise<Response> {
    const { registry, report: makeReport } = this.#options
    if (path === 'stats') return json(this.#told())
    if (path === 'history') return json({ points: this.#monitor.history().slice(-pointsIn(url)) })
    if (path === 'metrics' && registry !== undefined) return text(await registry.metrics(), registry.contentType)
    if (path === 'report' && makeReport !== undefined) return json(this.#shown(await makeReport()))
    if (path === 'events' && request.method === 'GET') return this.#events.open(request.signal)
    throw new Refusal('ERR_NOT_FOUND', 'there is nothing here')
  }

  async #change(path: string, request: Request): Promise<Response> {
    if (!this.#options.allowWrites) throw new Refusal('ERR_READ_ONLY', 'this handler changes nothing')
    let parts: string[]
    try {
      parts = path.split('/').map(decodeURIComponent)
    } catch {
      throw new Refusal('ERR_BAD_REQUEST', 'the path is not well formed')
    }
    return json(await change(parts, request, this.#monitor, this.#options))
  }

  #shown(report: unknown): unknown {
    return this.#options.showKeys === true ? report : this.#redaction.report(report)
  }

  #told(): Told {
    const { showKeys = false, allowWrites = false } = this.#options
    const all = [this.#monitor.snapshot({ keys: true }), ...this.#monitor.others()]
    return { snapshots: showKeys ? all : all.map(snapshot => this.#redaction.snapshot(snapshot)), canWrite: allowWrites }
  }
}

function fileOf(path: string) {
  const name = path === '' ? 'index.html' : path
  return Object.hasOwn(FILES, name) ? FILES[name] : undefined
}

function pointsIn(url: URL): number {
  const points = Number(url.searchParams.get('points') ?? 900)
  if (!Number.isSafeInteger(points) || points < 1) throw new Refusal('ERR_BAD_REQUEST', 'points is a whole number from 1')
  return points
}

/** 192 bits. */
function randomToken(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(24)), byte => byte.toString(16).padStart(2, '0')).join('')
}
