/** One call, read and checked: what goes over the wire, what it may use up, and whom it may share an answer with. */

import { InvalidArgumentError } from '../errors.ts'
import { optionalFunction } from '../options.ts'
import type { AttemptRequest } from './attempt.ts'
import { type CacheUse, cacheUse } from './caching.ts'
import { RequestTooLargeError } from './errors.ts'
import { rewired } from './hooks.ts'
import { type RequestLimits, type ResolvedOptions, readHeaders, readPartition, requestLimits } from './options.ts'
import { bytesOf, limited } from './request-body.ts'
import { isRepeatable } from './retry.ts'
import type { DownloadProgress, FetchInit } from './types.ts'

/** See the top of this file. */
export interface WireRequest {
  readonly method: string
  /** Absolute, without fragment. */
  readonly url: string
  /** Host and port: requests to the same share a lane. */
  readonly host: string
  /** For the transport; the signal is each attempt's own. */
  readonly init: RequestInit
  readonly limits: RequestLimits
  readonly signal: AbortSignal | undefined
  readonly onDownloadProgress: ((progress: DownloadProgress) => void) | undefined
  readonly cache: CacheUse | undefined
  /** Calls with the same key want the same answer; `undefined` when this one must go alone. */
  readonly flight: string | undefined
}

const NO_INIT: FetchInit = {}
/** What changes the answer besides method, URL and headers. */
const AFFECTING = ['credentials', 'mode', 'redirect', 'cache', 'integrity', 'referrer', 'referrerPolicy'] as const

/** What the platform knows. */
const WORDS: Record<'cache' | 'redirect' | 'credentials' | 'mode', readonly string[]> = {
  cache: ['default', 'no-store', 'reload', 'no-cache', 'force-cache', 'only-if-cached'],
  redirect: ['follow', 'error', 'manual'],
  credentials: ['omit', 'same-origin', 'include'],
  mode: ['same-origin', 'no-cors', 'cors'],
}

/** Reads a call. Throws `InvalidArgumentError` for what cannot be meant. */
export function readRequest(input: string | URL | Request, given: FetchInit | undefined, options: ResolvedOptions): WireRequest {
  const own: FetchInit = given ?? NO_INIT
  if (typeof own !== 'object') throw new InvalidArgumentError('init', 'an object of options', given)
  const init = input instanceof Request ? { ...fromRequest(input), ...withoutAbsent(own) } : own
  const { href, host, origin } = locate(input, options.base)
  if (href.includes('@')) checkAnonymous(href)
  if (init !== NO_INIT) checkWords(init)
  const method = methodOf(init.method)
  const headers = headersOf(init.headers, options, origin)
  const body = init.body ?? undefined
  if (body !== undefined && (method === 'GET' || method === 'HEAD'))
    throw new InvalidArgumentError('init.body', `absent for ${method}`, body)
  if (isPlain(body))
    throw new InvalidArgumentError('init.body', 'a text, bytes, a form, a Blob or a stream; JSON.stringify makes a text', body)
  const size = options.maxRequestSize === Number.POSITIVE_INFINITY || body === undefined ? 0 : bytesOf(body)
  if (size !== undefined && size > options.maxRequestSize) throw new RequestTooLargeError(method, href, options.maxRequestSize)
  const asked = requestLimits(init, options.limits)
  const partition = readPartition(init.partition, 'init.partition') ?? options.partition
  const repeatable = options.methods.has(method) && isRepeatable(body)
  const limits = repeatable || asked.maxRetries === 0 ? asked : { ...asked, maxRetries: 0 }
  const shared = options.dedupe && (method === 'GET' || method === 'HEAD')
  return {
    method,
    url: href,
    host,
    init:
      init === NO_INIT && headers === undefined
        ? init
        : transportInit(init, headers, size === undefined ? options.maxRequestSize : undefined),
    limits,
    signal: signalOf(init.signal),
    onDownloadProgress: progressOf(init.onDownloadProgress),
    cache: options.cache === undefined ? undefined : cacheUse(method, href, headers, init, partition),
    flight: shared
      ? flightKey(
          method,
          href,
          headers,
          partition === undefined ? init : { ...init, partition },
          limits === options.limits ? undefined : limits,
        )
      : undefined,
  }
}

/** A call as hooks see it, before anything is decided; `restored` makes a call of what they made of it. */
export function draft(input: string | URL | Request, given: FetchInit | undefined, options: ResolvedOptions) {
  const own = typeof given === 'object' ? given : NO_INIT
  const init = input instanceof Request ? { ...fromRequest(input), ...withoutAbsent(own) } : own
  const { href, origin } = locate(input, options.base)
  const headers = headersOf(init.headers, options, origin)
  const before: AttemptRequest = {
    url: href,
    method: methodOf(init.method),
    init: headers === undefined ? {} : { headers: new Headers(headers) },
  }
  const restored = (request: Request): FetchInit => {
    const { method, init: changed } = rewired({ ...before, init: {} }, request)
    const { body: own, ...rest } = init
    const body = changed.body ?? (method === 'GET' || method === 'HEAD' ? undefined : own)
    return { ...rest, ...changed, method, ...(body !== undefined && body !== null && { body }) }
  }
  return { before, init, restored }
}

/** The URL without its fragment, and its host. Throws `InvalidArgumentError`. */
export function locate(input: string | URL | Request, base?: URL): { href: string; host: string; origin: string } {
  const text = input instanceof Request ? input.url : input
  try {
    const url = new URL(text, base ?? (globalThis as { location?: { href?: string } }).location?.href)
    if (url.hash !== '' || url.href.endsWith('#')) url.hash = ''
    return { href: url.href, host: url.host, origin: url.origin }
  } catch {
    throw new InvalidArgumentError('url', base === undefined ? 'an absolute URL where there is no baseUrl' : 'a URL', text)
  }
}

/** The platform refuses these, and says so as of a network that fails. */
function checkAnonymous(href: string): void {
  const url = new URL(href)
  if (url.username === '' && url.password === '') return
  url.username = ''
  url.password = ''
  throw new InvalidArgumentError('url', 'one without user and password, which go into a header', `one with them, of ${url.href}`)
}

/** The same of words that mean nothing. */
function checkWords(init: FetchInit): void {
  for (const name of ['cache', 'redirect', 'credentials', 'mode'] as const) {
    const word = init[name]
    if (word !== undefined && !WORDS[name].includes(word)) throw new InvalidArgumentError(`init.${name}`, WORDS[name].join(', '), word)
  }
}

/** Objects that would be sent as `[object Object]`. */
function isPlain(body: unknown): boolean {
  if (typeof body !== 'object' || body === null || Symbol.asyncIterator in body || Symbol.iterator in body) return Array.isArray(body)
  const prototype: unknown = Object.getPrototypeOf(body)
  return prototype === null || prototype === Object.prototype
}

/** As the platform does: the common methods in capitals, others as they are. */
function methodOf(method: unknown): string {
  if (method === undefined) return 'GET'
  if (typeof method !== 'string' || !/^[\w!#$%&'*+.^`|~-]+$/.test(method))
    throw new InvalidArgumentError('init.method', 'an HTTP method', method)
  const upper = method.toUpperCase()
  if (upper === 'CONNECT' || upper === 'TRACE' || upper === 'TRACK')
    throw new InvalidArgumentError('init.method', 'one that fetch may send', method)
  return ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'].includes(upper) ? upper : method
}

/** The client's, where they may go, under those of the call. */
function headersOf(init: HeadersInit | undefined, { headers: usual, base }: ResolvedOptions, origin: string): Headers | undefined {
  const own = init === undefined ? undefined : readHeaders(init, 'init.headers')
  if (usual === undefined || (base !== undefined && base.origin !== origin)) return own
  if (own === undefined) return usual
  for (const [name, value] of usual) if (!own.has(name)) own.set(name, value)
  return own
}

function signalOf(signal: AbortSignal | null | undefined): AbortSignal | undefined {
  if (signal === undefined || signal === null) return undefined
  // Not `instanceof`: a signal of another realm, or of a polyfill, serves as well.
  if (typeof signal.aborted !== 'boolean' || typeof signal.addEventListener !== 'function')
    throw new InvalidArgumentError('init.signal', 'an AbortSignal', signal)
  return signal
}

function progressOf(listener: FetchInit['onDownloadProgress']): FetchInit['onDownloadProgress'] {
  optionalFunction(listener, 'init.onDownloadProgress')
  return listener
}

/** What is `undefined` was not given, as with the platform, and leaves what the `Request` says. */
function withoutAbsent(init: FetchInit): FetchInit {
  return Object.fromEntries(Object.entries(init).filter(([, value]) => value !== undefined))
}

function transportInit(init: FetchInit, headers: Headers | undefined, maxBody: number | undefined): RequestInit {
  const {
    timeout,
    totalTimeout,
    idleTimeout,
    maxResponseSize,
    onDownloadProgress,
    ttl,
    staleWhileRevalidate,
    staleIfError,
    partition,
    retry,
    signal,
    method,
    ...rest
  } = init
  if (maxBody !== undefined && rest.body instanceof ReadableStream) rest.body = limited(rest.body, maxBody)
  return headers === undefined ? rest : { ...rest, headers }
}

function flightKey(method: string, url: string, headers: Headers | undefined, init: FetchInit, limits: RequestLimits | undefined): string {
  let key = `${method} ${url}`
  if (init.partition !== undefined) key += `\npartition ${JSON.stringify(init.partition)}`
  for (const name of AFFECTING) if (init[name] !== undefined) key += `\n${name} ${init[name]}`
  if (headers !== undefined) for (const [name, value] of headers) key += `\n${name}: ${value}`
  if (limits !== undefined) key += `\n${Object.values(limits)}`
  return key
}

function fromRequest(request: Request): FetchInit & { duplex?: 'half' } {
  const { method, headers, body, credentials, cache, redirect, referrer, referrerPolicy, integrity, keepalive, signal, mode } = request
  const init: FetchInit = { method, headers, credentials, cache, redirect, referrer, referrerPolicy, integrity, keepalive, signal }
  if (mode !== 'navigate') init.mode = mode
  if (method === 'GET' || method === 'HEAD' || body === null) return init
  // Some browsers do not show a Request's body; sending it without would be worse than saying so.
  if (body === undefined) throw new InvalidArgumentError('url', 'a URL where this platform hides the body of a Request', request)
  return { ...init, body, duplex: 'half' }
}
