/** One call, read and checked: what goes over the wire, what it may use up, and whom it may share an answer with. */

import { InvalidArgumentError } from '../errors.ts'
import { type CacheUse, cacheUse } from './caching.ts'
import { type RequestLimits, type ResolvedOptions, readPartition, requestLimits } from './options.ts'
import { isRepeatable } from './retry.ts'
import type { FetchInit } from './types.ts'

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
  readonly cache: CacheUse | undefined
  /** Calls with the same key want the same answer; `undefined` when this one must go alone. */
  readonly flight: string | undefined
}

const NO_INIT: FetchInit = {}
/** What changes the answer besides method, URL and headers. */
const AFFECTING = ['credentials', 'mode', 'redirect', 'cache', 'integrity', 'referrer', 'referrerPolicy'] as const

/** Reads a call. Throws `InvalidArgumentError` for what cannot be meant. */
export function readRequest(input: string | URL | Request, given: FetchInit | undefined, options: ResolvedOptions): WireRequest {
  const own: FetchInit = given ?? NO_INIT
  if (typeof own !== 'object') throw new InvalidArgumentError('init', 'an object of options', given)
  const init = input instanceof Request ? { ...fromRequest(input), ...withoutAbsent(own) } : own
  const { href, host } = locate(input)
  const method = methodOf(init.method)
  const headers = init.headers === undefined ? undefined : headersOf(init.headers)
  const body = init.body ?? undefined
  if (body !== undefined && (method === 'GET' || method === 'HEAD'))
    throw new InvalidArgumentError('init.body', `absent for ${method}`, body)
  const asked = requestLimits(init, options.limits)
  const partition = readPartition(init.partition, 'init.partition') ?? options.partition
  const repeatable = options.methods.has(method) && isRepeatable(body)
  const limits = repeatable || asked.maxRetries === 0 ? asked : { ...asked, maxRetries: 0 }
  const shared = options.dedupe && (method === 'GET' || method === 'HEAD')
  return {
    method,
    url: href,
    host,
    init: init === NO_INIT ? init : transportInit(init, headers),
    limits,
    signal: signalOf(init.signal),
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

/** The URL without its fragment, and its host. Throws `InvalidArgumentError`. */
export function locate(input: string | URL | Request): { href: string; host: string } {
  const text = input instanceof Request ? input.url : input
  try {
    const url = new URL(text, (globalThis as { location?: { href?: string } }).location?.href)
    if (url.hash !== '' || url.href.endsWith('#')) url.hash = ''
    return { href: url.href, host: url.host }
  } catch {
    throw new InvalidArgumentError('url', 'an absolute URL', text)
  }
}

/** As the platform does: the common methods in capitals, others as they are. */
function methodOf(method: unknown): string {
  if (method === undefined) return 'GET'
  if (typeof method !== 'string' || !/^[\w!#$%&'*+.^`|~-]+$/.test(method))
    throw new InvalidArgumentError('init.method', 'an HTTP method', method)
  const upper = method.toUpperCase()
  return ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'].includes(upper) ? upper : method
}

function headersOf(init: HeadersInit): Headers {
  try {
    return new Headers(init)
  } catch {
    throw new InvalidArgumentError('init.headers', 'valid header names and values', init)
  }
}

function signalOf(signal: AbortSignal | null | undefined): AbortSignal | undefined {
  if (signal === undefined || signal === null) return undefined
  // Not `instanceof`: a signal of another realm, or of a polyfill, serves as well.
  if (typeof signal.aborted !== 'boolean' || typeof signal.addEventListener !== 'function')
    throw new InvalidArgumentError('init.signal', 'an AbortSignal', signal)
  return signal
}

/** What is `undefined` was not given, as with the platform, and leaves what the `Request` says. */
function withoutAbsent(init: FetchInit): FetchInit {
  return Object.fromEntries(Object.entries(init).filter(([, value]) => value !== undefined))
}

function transportInit(init: FetchInit, headers: Headers | undefined): RequestInit {
  const { timeout, totalTimeout, maxResponseSize, ttl, staleWhileRevalidate, staleIfError, partition, retry, signal, method, ...rest } =
    init
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
