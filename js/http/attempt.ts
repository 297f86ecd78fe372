/** One call of the transport, from sending to the last byte of the body. */

import type { Clock } from '../clock.ts'
import type { Driver } from '../core/driver.ts'
import { isOpaque, type StoredResponse } from './record.ts'
import type { Transport } from './types.ts'

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

/** Looks at the clock while an attempt goes on. */
export class AttemptWatch {
  readonly #clocks: { readonly clock: Clock; readonly driver: Driver }
  readonly #sentAt: number
  readonly #began: number
  #connected: number | undefined
  #head: number | undefined
  #headAt: number | undefined

  constructor(clocks: { readonly clock: Clock; readonly driver: Driver }) {
    this.#clocks = clocks
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

/** What one attempt is made of. */
export interface AttemptRequest {
  readonly url: string
  readonly method: string
  readonly init: RequestInit
}

/** Performs the request and reads its body, at most `maxBytes` decoded bytes of it. */
export async function performAttempt(
  transport: Transport,
  request: AttemptRequest,
  maxBytes: number,
  controller: AbortController,
  watch: AttemptWatch,
): Promise<StoredResponse> {
  const { signal } = controller
  const response = await transport(request.url, { ...request.init, method: request.method, signal }, watch)
  watch.answered()
  try {
    if (response.type === 'error') throw new TypeError('the transport answered with a network error')
    if (isOpaque(response.type)) {
      return { status: 0, statusText: '', headers: [], url: request.url, redirected: false, body: new Uint8Array(), type: response.type }
    }
    const announced = request.method === 'HEAD' ? 0 : announcedBytes(response.headers)
    if (announced > maxBytes) throw new BodyTooLarge(announced)
    const body = await readBody(response, maxBytes, signal)
    const { status, statusText, redirected } = response
    const headers = [...response.headers].filter(([name]) => name !== 'x-cache')
    return { status, statusText, headers, url: response.url || request.url, redirected, body }
  } catch (error) {
    // Nobody reads on: let go of the connection, also with a transport that ignores its signal.
    controller.abort(error)
    if (response.body?.locked === false) response.body.cancel(error).catch(() => undefined)
    throw error
  }
}

/** The decoded size that the headers promise, or 0 when they do not say or the body is encoded. */
function announcedBytes(headers: Headers): number {
  if (headers.has('content-encoding')) return 0
  const length = Number(headers.get('content-length'))
  return Number.isFinite(length) ? length : 0
}

async function readBody(response: Response, maxBytes: number, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  if (response.body === null) return new Uint8Array()
  const reader = response.body.getReader() as ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>
  const chunks: Uint8Array<ArrayBuffer>[] = []
  let received = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      // A transport that ignores its signal would otherwise go on filling memory.
      if (signal.aborted) throw signal.reason
      received += value.byteLength
      if (received > maxBytes) throw new BodyTooLarge(received)
      chunks.push(value)
    }
  } catch (error) {
    reader.cancel(error).catch(() => undefined)
    throw error
  }
  return joined(chunks, received)
}

function joined(chunks: readonly Uint8Array<ArrayBuffer>[], size: number): Uint8Array<ArrayBuffer> {
  const [first] = chunks
  // A view on a larger buffer would keep the rest of it in memory as long as the record lives.
  if (chunks.length === 1 && first !== undefined && first.byteLength === first.buffer.byteLength) return first
  const whole = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.byteLength
  }
  return whole
}
