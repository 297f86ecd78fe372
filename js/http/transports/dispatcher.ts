/**
 * What Node's own `fetch` does to simple requests, without what it makes for pages: by the dispatcher that is under it. Whoever sets another dispatcher
 * (a proxy, a mock) is obeyed, and so is whoever puts another `fetch` in place, for then nothing goes this way.
 */

import type { BareHangup, BareResponse, TransportProgress } from '../transport.ts'
import { Answer } from './answer.ts'
import type { UndiciController } from './undici-types.ts'

/** A dispatcher as all versions of Node know it. */
interface Dispatcher {
  dispatch(request: object, handler: object): boolean
}

/** Where undici keeps the dispatcher that everybody shares. */
const SHARED = Symbol.for('undici.globalDispatcher.1')
/** What is left to `fetch` beside these. */
const PLAIN = new Set(['method', 'headers', 'redirect'])
/** It refuses some ports below, and one above. */
const FIRST_PLAIN_PORT = 7000
const REFUSED_PORT = 10_080

/** Sends a request that has no body; `undefined` where it is not so simple, or `fetch` is not Node's own. */
export function dispatch(
  url: string,
  init: RequestInit,
  progress: TransportProgress,
  hangup: BareHangup,
): Promise<BareResponse> | undefined {
  const dispatcher = (globalThis as { [SHARED]?: Dispatcher })[SHARED]
  if (dispatcher === undefined || !isPlain(init) || !isNodes(globalThis.fetch)) return undefined
  const at = url.indexOf('/', url.indexOf('://') + 3)
  const origin = url.slice(0, at)
  if (!isPlainOrigin(origin)) return undefined
  const answer = new Answer(url, progress, hangup)
  answer.isDispatched = true
  const { method = 'GET' } = init
  dispatcher.dispatch({ origin, path: url.slice(at), method, headers: headersOf(init, origin), body: null }, new OldHandler(answer))
  return answer.head
}

function isPlain(init: RequestInit): boolean {
  if ((init.method !== 'GET' && init.method !== 'HEAD') || init.redirect !== 'manual') return false
  for (const name in init) if (!PLAIN.has(name) && init[name as keyof RequestInit] !== undefined) return false
  return true
}

let known: typeof fetch | undefined
let isKnownNodes = false

/** By what it is made of: what only Node can load. */
function isNodes(fetch: typeof globalThis.fetch): boolean {
  if (known !== fetch) {
    known = fetch
    isKnownNodes = Function.prototype.toString.call(fetch).includes('internal/deps/undici')
  }
  return isKnownNodes
}

let plain = ''

function isPlainOrigin(origin: string): boolean {
  if (origin === plain) return true
  const match = /^https?:\/\/[^@/]*?(?::(\d+))?$/.exec(origin)
  const port = match?.[1] === undefined ? FIRST_PLAIN_PORT : Number(match[1])
  if (match === null || port < FIRST_PLAIN_PORT || port === REFUSED_PORT) return false
  plain = origin
  return true
}

/** Those that `fetch` adds, under those of the request. */
function headersOf(init: RequestInit, origin: string): Record<string, string> {
  const headers: Record<string, string> = {
    accept: '*/*',
    'accept-language': '*',
    'sec-fetch-mode': 'cors',
    'user-agent': 'node',
    'accept-encoding': origin.startsWith('https:') ? 'br, gzip, deflate' : 'gzip, deflate',
  }
  if (init.headers === undefined) return headers
  const given = init.headers instanceof Headers ? init.headers : new Headers(init.headers)
  if (given.has('range') && !given.has('accept-encoding')) headers['accept-encoding'] = 'identity'
  given.forEach((value, name) => {
    headers[name] = value
  })
  return headers
}

/** How Node's versions until now are told of a request. */
class OldHandler implements UndiciController {
  readonly #answer: Answer
  #abort: ((reason: Error) => void) | undefined
  #resume: (() => void) | undefined
  #isPaused = false

  constructor(answer: Answer) {
    this.#answer = answer
  }

  onConnect(abort: (reason: Error) => void): void {
    this.#abort = abort
    this.#answer.onRequestStart(this)
  }

  onHeaders(status: number, raw: readonly Uint8Array[], resume: () => void, statusText: string): boolean {
    this.#resume = resume
    this.#answer.onResponseStart(this, status, fieldsOf(raw), statusText)
    return !this.#isPaused
  }

  onData(chunk: Uint8Array): boolean {
    this.#answer.onResponseData(this, chunk)
    return !this.#isPaused
  }

  onComplete(): void {
    this.#answer.onResponseEnd()
  }

  onError(error: Error): void {
    this.#answer.onResponseError(this, error)
  }

  abort(reason: Error): void {
    this.#abort?.(reason)
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#resume?.()
  }
}

function fieldsOf(raw: readonly Uint8Array[]): Record<string, string | string[]> {
  const fields: Record<string, string | string[]> = {}
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = text(raw[at]).toLowerCase()
    const value = text(raw[at + 1])
    const other = Object.hasOwn(fields, name) ? fields[name] : undefined
    if (other === undefined) Object.defineProperty(fields, name, { value, writable: true, enumerable: true, configurable: true })
    else if (typeof other === 'string') fields[name] = [other, value]
    else other.push(value)
  }
  return fields
}

function text(bytes: Uint8Array | undefined): string {
  return (bytes as Buffer).toString('latin1')
}
