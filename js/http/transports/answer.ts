/** One request on a connection, and its answer: the head when it has come, then the body, read in one piece or as a stream. */

import { Gathered } from '../../bytes.ts'
import type { BareHangup, BareResponse, TransportProgress } from '../transport.ts'
import { decoded, type Sink, type Source } from './decoding.ts'
import type { UndiciController, UndiciHandler } from './undici-types.ts'

/** So much of a body is taken in before somebody says how it is to be read. */
const AHEAD = 65_536
const BODILESS = new Set([204, 205, 304])

/** See the top of this file. */
export class Answer implements UndiciHandler, Source {
  /** Of the request. */
  readonly head: Promise<BareResponse>
  /** Told once, when whoever holds it, a queue or a connection, is done with it: well, or so that nothing more can be said on that connection. */
  onDone: ((isWell: boolean) => void) | undefined
  /** A connection has it, which will say what becomes of it. */
  isDispatched = false
  readonly #url: string
  readonly #progress: TransportProgress | undefined
  readonly #hangup: BareHangup
  #resolve: ((head: BareResponse) => void) | undefined
  #reject: (error: unknown) => void = () => undefined
  #controller: UndiciController | undefined
  #encoding: string | undefined
  /** What has come before there was a sink. */
  #ahead: Uint8Array[] = []
  #aheadBytes = 0
  #sink: Sink | undefined
  #isComplete = false
  #isOver = false
  #error: Error | undefined

  constructor(url: string, progress: TransportProgress | undefined, hangup: BareHangup) {
    this.#url = url
    this.#progress = progress
    this.#hangup = hangup
    this.head = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    hangup.onAbort = reason => this.abort(reason)
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Nobody wants the rest. */
  abort(reason: unknown): void {
    if (this.#isOver) return
    const controller = this.#controller
    this.#fail(reason)
    // Before it has gone out, it is the next word of undici that is answered with this.
    controller?.abort(asError(reason))
  }

  onRequestStart(controller: UndiciController): void {
    this.#controller = controller
    if (this.#isOver) controller.abort(asError(this.#error))
    else this.#progress?.connected()
  }

  onResponseStart(_controller: UndiciController, status: number, headers: Record<string, string | string[]>, statusText = ''): void {
    // What comes before the answer itself, such as 103.
    if (status < 200 || this.#isOver) return
    // Undici may send anew what was on a session that has ended; what has been handed out cannot be taken back.
    if (this.#resolve === undefined) return this.abort(new Error('the connection was lost'))
    const fields = new Fields(headers)
    this.#encoding = fields.get('content-encoding') ?? undefined
    const resolve = this.#resolve
    this.#resolve = undefined
    resolve(new Bare(this.#url, status, statusText, fields, this))
  }

  onResponseData(controller: UndiciController, chunk: Uint8Array): void {
    // A parser that goes on after a pause may begin with nothing; to pause for that would begin it all again, for ever.
    if (this.#isOver || chunk.byteLength === 0) return
    this.#progress?.encoded(chunk.byteLength)
    if (this.#sink !== undefined) {
      if (!this.#sink.data(chunk)) controller.pause()
      return
    }
    this.#ahead.push(chunk)
    this.#aheadBytes += chunk.byteLength
    if (this.#aheadBytes >= AHEAD) controller.pause()
  }

  onResponseEnd(): void {
    if (this.#isOver) return
    this.#isComplete = true
    this.#leave(true)
    this.#sink?.end()
  }

  onResponseError(_controller: UndiciController | null, error: Error): void {
    if (!this.#isOver) this.#fail(error)
    // One that was aborted before it went out has had a place until now.
    this.#done(false)
  }

  resume(): void {
    this.#controller?.resume()
  }

  /** All of the decoded body. */
  collect(received: (bytes: number) => void): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const gathered = new Gathered()
      this.#readInto(source => ({
        data: chunk => {
          gathered.add(chunk)
          try {
            received(gathered.size)
          } catch (error) {
            reject(error)
            source.abort(error)
          }
          return true
        },
        end: () => resolve(gathered.whole()),
        fail: reject,
      }))
    })
  }

  /** The decoded body, as it is read. */
  stream(): ReadableStream<Uint8Array> {
    let before: Source = this
    const start = (controller: ReadableStreamDefaultController<Uint8Array>) =>
      this.#readInto(source => {
        before = source
        return {
          data: chunk => {
            controller.enqueue(chunk)
            return (controller.desiredSize ?? 0) > 0
          },
          end: () => controller.close(),
          fail: error => controller.error(error),
        }
      })
    return new ReadableStream({ start, pull: () => before.resume(), cancel: reason => before.abort(reason) })
  }

  /** What came is handed on, and what comes. */
  #readInto(last: (source: Source) => Sink): void {
    const once = (source: Source) => untilOver(last(source))
    try {
      this.#sink = decoded(this.#encoding, this, once)
    } catch (error) {
      this.#sink = once(this)
      this.abort(error)
      this.#error ??= error as Error
    }
    const ahead = this.#ahead
    this.#ahead = []
    let isReady = true
    if (this.#error === undefined) for (const chunk of ahead) isReady = this.#sink.data(chunk) && isReady
    if (this.#error !== undefined) this.#sink.fail(this.#error)
    else if (this.#isComplete) this.#sink.end()
    else if (isReady) this.resume()
  }

  #fail(error: unknown): void {
    this.#error = error as Error
    this.#ahead = []
    this.#leave(false)
    this.#reject(error)
    this.#sink?.fail(error as Error)
  }

  #leave(isWell: boolean): void {
    this.#isOver = true
    this.#hangup.onAbort = undefined
    if (!this.isDispatched || this.#controller !== undefined) this.#done(isWell)
  }

  #done(isWell: boolean): void {
    const { onDone } = this
    this.onDone = undefined
    onDone?.(isWell)
  }
}

/** The parts of an answer that has come. */
class Bare implements BareResponse {
  readonly type = 'default'
  readonly redirected = false
  readonly url: string
  readonly status: number
  readonly statusText: string
  readonly headers: Fields
  readonly #answer: Answer
  #body: ReadableStream | null | undefined

  constructor(url: string, status: number, statusText: string, headers: Fields, answer: Answer) {
    this.url = url
    this.status = status
    this.statusText = statusText
    this.headers = headers
    this.#answer = answer
  }

  get body(): BareResponse['body'] {
    this.#body ??= BODILESS.has(this.status) ? null : this.#answer.stream()
    return this.#body as BareResponse['body']
  }

  collect(received: (bytes: number) => void): Promise<Uint8Array> {
    return this.#answer.collect(received)
  }
}

/** Header fields by their names in lower case. */
class Fields {
  readonly #fields: Record<string, string | string[]>

  constructor(fields: Record<string, string | string[]>) {
    this.#fields = fields
  }

  get(name: string): string | null {
    const value = this.has(name) ? this.#fields[name] : undefined
    return value === undefined ? null : typeof value === 'string' ? value : value.join(', ')
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#fields, name)
  }

  *[Symbol.iterator](): Generator<[string, string]> {
    for (const name in this.#fields) {
      const value = this.#fields[name]
      if (typeof value === 'string') yield [name, value]
      // Cookies stand alone: a comma does not part them.
      else if (name === 'set-cookie') for (const cookie of value ?? []) yield [name, cookie]
      else if (value !== undefined) yield [name, value.join(', ')]
    }
  }
}

/** `sink`, which hears nothing more after its end. */
function untilOver(sink: Sink): Sink {
  let isOver = false
  const over = () => {
    const wasOver = isOver
    isOver = true
    return !wasOver
  }
  return {
    data: chunk => isOver || sink.data(chunk),
    end: () => {
      if (over()) sink.end()
    },
    fail: error => {
      if (over()) sink.fail(error)
    },
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new DOMException('the request was aborted', 'AbortError')
}
