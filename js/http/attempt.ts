/** One call of the transport, from sending to the last byte of the body. */

import { Gathered } from '../bytes.ts'
import type { Clock } from '../clock.ts'
import type { Driver } from '../core/driver.ts'
import { report } from '../report.ts'
import type { Hangup } from './hangup.ts'
import { isOpaque, type StoredResponse } from './record.ts'
import { type Arrival, follow, type RedirectPolicy } from './redirect.ts'
import type { BareResponse, Transport, TransportProgress } from './transport.ts'
import type { DownloadProgress } from './types.ts'

/** The body is larger than allowed. Internal: the exchange makes the public error of it. */
export class BodyTooLarge extends Error {
  readonly received: number

  constructor(received: number) {
    super('the body is too large')
    this.received = received
  }
}

/** Milliseconds in the parts of attempts. */
export interface AttemptLaps {
  readonly connect: number
  readonly firstByte: number
  readonly body: number
}

/** Looks at the clock, and at what comes, while an attempt goes on. */
export class AttemptWatch implements TransportProgress {
  readonly #clocks: { readonly clock: Clock; readonly driver: Driver }
  readonly #sentAt: number
  readonly #began: number
  readonly #limits: AttemptLimits
  #encoded = 0
  #connected: number | undefined
  #head: number | undefined
  #headAt: number | undefined

  constructor(clocks: { readonly clock: Clock; readonly driver: Driver }, limits: AttemptLimits) {
    this.#clocks = clocks
    this.#limits = limits
    this.#sentAt = clocks.clock.wall()
    this.#began = clocks.driver.now()
  }

  /** The connection stands. A transport that knows says so. */
  connected(): void {
    this.#connected ??= this.#clocks.driver.now()
  }

  /** The head of the answer has come. */
  answered(): void {
    this.#head = this.#clocks.driver.now()
    this.#headAt = this.#clocks.clock.wall()
    this.#limits.started?.()
  }

  encoded(bytes: number): void {
    this.#encoded += bytes
  }

  /** So many decoded bytes are promised. Throws when that is too many. */
  announced(bytes: number): void {
    if (bytes > this.#limits.maxBytes) throw new BodyTooLarge(bytes)
  }

  /** So many decoded bytes have come by now, of as many as the head promised. Throws when that is too many. */
  received(bytes: number, total: number | undefined): void {
    const { maxBytes, maxRatio, moved } = this.#limits
    if (bytes > maxBytes) throw new BodyTooLarge(bytes)
    if (this.#encoded > 0 && bytes > FREE_OF_RATIO && bytes > this.#encoded * maxRatio) throw new BodyTooLarge(bytes)
    moved({ transferred: bytes, total })
  }

  /** When it was asked and answered, by the wall clock. */
  get times(): { readonly sentAt: number; readonly receivedAt: number } {
    return { sentAt: this.#sentAt, receivedAt: this.#headAt ?? this.#sentAt }
  }

  /** Adds what has passed until now. */
  addTo(laps: { -readonly [Lap in keyof AttemptLaps]: number }): void {
    const now = this.#clocks.driver.now()
    const head = this.#head ?? now
    const sent = Math.min(this.#connected ?? this.#began, head)
    laps.connect += sent - this.#began
    laps.firstByte += head - sent
    laps.body += now - head
  }
}

/** What an attempt may bring, and who wants to know. */
export interface AttemptLimits {
  /** Decoded. */
  readonly maxBytes: number
  /** Decoded bytes for each that came, where the transport tells. */
  readonly maxRatio: number
  readonly moved: (progress: DownloadProgress) => void
  /** The head has come, and the body is to follow. */
  readonly started: (() => void) | undefined
}

/** Up to here a body may be compressed as well as it can be. */
const FREE_OF_RATIO = 1_048_576

/** Tells `listeners` what has come; what one of them throws ends nothing. */
export function telling(listeners: ReadonlySet<(progress: DownloadProgress) => void>): (progress: DownloadProgress) => void {
  return progress => {
    for (const listener of listeners) {
      try {
        listener(progress)
      } catch (error) {
        report(error)
      }
    }
  }
}

/** What one attempt is made of. */
export interface AttemptRequest {
  readonly url: string
  readonly method: string
  readonly init: RequestInit
}

/** An answer whose head has come. */
export interface Head {
  readonly response: BareResponse
  /** What becomes of it once its body is here. */
  readonly record: Omit<StoredResponse, 'body'>
  /** The size that the head promises of the decoded body, if it does. */
  readonly announced: number | undefined
}

type Send = NonNullable<Transport['bare']>

/** Sends the request; resolves with the head of the answer, `undefined` in the place of a body where nobody may read it. */
export async function performHead(
  transport: Transport,
  request: AttemptRequest,
  hangup: Hangup,
  watch: AttemptWatch,
  redirects: RedirectPolicy | undefined,
): Promise<Head> {
  const { url, method } = request
  const send: Send = transport.bare ?? ((url, init) => transport(url, { ...init, signal: hangup.signal }, watch))
  const init = { ...request.init, method }
  const isFollowed = redirects !== undefined && (init.redirect ?? 'follow') === 'follow'
  const arrival = isFollowed
    ? await follow((url, init) => send(url, init, watch, hangup), { url, init }, redirects)
    : { response: await send(url, init, watch, hangup), url, redirected: false, lasting: false }
  watch.answered()
  return headOf(arrival, method)
}

/** The head of an answer that came from `url`, perhaps by redirects. Throws where the answer is that of a network that fails. */
export function headOf(arrival: Arrival, method: string): Head {
  const { response, lasting, url } = arrival
  if (response.type === 'error') throw new TypeError('the transport answered with a network error')
  if (isOpaque(response.type))
    return {
      response,
      record: { status: 0, statusText: '', headers: [], url, redirected: false, type: response.type },
      announced: undefined,
    }
  const announced = method === 'HEAD' ? undefined : announcedBytes(response.headers)
  const { status, statusText } = response
  const redirected = response.redirected || arrival.redirected
  const headers = [...response.headers].filter(([name]) => name !== 'x-cache')
  const record = {
    status,
    statusText,
    headers,
    url: response.url || arrival.url,
    redirected,
    ...(redirected && lasting && { lasting: true as const }),
  }
  return { response, record, announced }
}

/** Performs the request and reads its body. */
export async function performAttempt(
  transport: Transport,
  request: AttemptRequest,
  hangup: Hangup,
  watch: AttemptWatch,
  redirects: RedirectPolicy | undefined,
): Promise<StoredResponse> {
  const { response, record, announced } = await performHead(transport, request, hangup, watch, redirects)
  try {
    if (record.type !== undefined) return { ...record, body: new Uint8Array() }
    if (announced !== undefined) watch.announced(announced)
    return { ...record, body: await readBody(response, watch, announced, hangup) }
  } catch (error) {
    letGo(response, hangup, error)
    throw error
  }
}

/** Nobody reads on: lets go of the connection, also with a transport that ignores its signal. */
export function letGo(response: BareResponse, hangup: Hangup, why: unknown): void {
  hangup.abort(why)
  if (response.body?.locked === false) response.body.cancel(why).catch(() => undefined)
}

/** The decoded size that the headers promise; `undefined` when they do not say or the body is encoded. */
function announcedBytes(headers: BareResponse['headers']): number | undefined {
  const length = headers.get('content-length')
  return headers.has('content-encoding') || length === null || !/^\d+$/.test(length) ? undefined : Number(length)
}

async function readBody(response: BareResponse, watch: AttemptWatch, announced: number | undefined, hangup: Hangup): Promise<Uint8Array> {
  if (response.collect !== undefined) return response.collect(bytes => watch.received(bytes, announced))
  if (response.body === null) return new Uint8Array()
  const reader = response.body.getReader() as ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>
  const gathered = new Gathered()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      // A transport that ignores its signal would otherwise go on filling memory.
      if (hangup.aborted) throw hangup.reason
      watch.received(gathered.size + value.byteLength, announced)
      gathered.add(value)
    }
  } catch (error) {
    reader.cancel(error).catch(() => undefined)
    throw error
  }
  return gathered.whole()
}
