/** A response at rest: plain data that a cache can keep, and the standard `Response` made of it. */

import type { Ending } from '../core/schedule-core.ts'
import { ShelflifeError } from '../errors.ts'
import { HttpStatusError, type RequestTrace } from './errors.ts'
import { ageAt, type Freshness } from './rfc9111/reuse.ts'

/** A complete response as plain data; any codec and any tier can carry it. */
export interface StoredResponse {
  readonly status: number
  readonly statusText: string
  /** In lower case. Without `x-cache`: that is for us to say. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** After redirects. */
  readonly url: string
  readonly redirected: boolean
  /** All redirects on the way were for good. */
  readonly lasting?: true
  /** Decoded. */
  readonly body: Uint8Array
  /** Where the platform shows nothing but that there is an answer: of another origin with `mode: 'no-cors'`, of a redirect with `'manual'`. */
  readonly type?: OpaqueType
  /** Of one that is kept. Without it, the cache alone says how long it is. */
  readonly freshness?: Freshness
}

/** The types of answers that nobody may read. Their status is 0. */
export type OpaqueType = 'opaque' | 'opaqueredirect'

/** See {@link OpaqueType}. */
export function isOpaque(type: string): type is OpaqueType {
  return type === 'opaque' || type === 'opaqueredirect'
}

/**
 * Where a response came from, the value of its `x-cache` header: the cache, fresh (`hit`) or past its time (`stale`); the wire, in full
 * (`miss`) or by its origin's word that what the cache has is still right (`revalidated`); or the request of another (`coalesced`).
 */
export type Source = 'hit' | 'stale' | 'revalidated' | 'miss' | 'coalesced'

/** The constructor of `Response` takes no higher one. */
const HIGHEST_STATUS = 599

/** In place of a body at rest; `null` is none at all. */
type BodyStream = ReadableStream<Uint8Array> | null | undefined

/** By body: a record that was confirmed by its origin is another, of the same body. */
const parsed = new WeakMap<Uint8Array, unknown>()

/** Whether `value`, found under one of our keys, is one of our responses. */
export function isStoredResponse(value: unknown): value is StoredResponse {
  const { status, headers, body } = (value ?? {}) as Partial<StoredResponse>
  return typeof status === 'number' && Array.isArray(headers) && body instanceof Uint8Array
}

/** A fresh `Response`; the body is copied, so whoever consumes it cannot change the record. What the cache gives at `now` tells its age. */
export function toResponse(record: StoredResponse, source: Source, now: number): Response {
  const { freshness } = record
  if (freshness === undefined || (source !== 'hit' && source !== 'stale'))
    return responseOf(record, [...record.headers, ['x-cache', source]] as [string, string][])
  const headers = record.headers.filter(([name]) => name !== 'age')
  const age = `${Math.floor(ageAt(freshness, now) / 1000)}`
  return responseOf(record, [...headers, ['age', age], ['x-cache', source]] as [string, string][])
}

/** A `Response` whose body is still to come. */
export function toStreamed(head: Omit<StoredResponse, 'body'>, stream: NonNullable<BodyStream> | null): Response {
  return responseOf({ ...head, body: new Uint8Array() }, [...head.headers, ['x-cache', 'miss']] as [string, string][], stream)
}

/** A `Response` of a user's, as plain data. */
export async function toRecord(response: Response, url: string): Promise<StoredResponse> {
  const { status, statusText, headers, redirected } = response
  const fields = [...headers].filter(([name]) => name !== 'x-cache')
  return { status, statusText, headers: fields, url: response.url || url, redirected, body: new Uint8Array(await response.arrayBuffer()) }
}

/** What answers a HEAD. */
export function withoutBody(record: StoredResponse): StoredResponse {
  return { ...record, body: new Uint8Array() }
}

/** `record`, whose body is that of `former` where the two are equal: what was parsed of it is not parsed again. */
export function sharing(record: StoredResponse, former: StoredResponse | undefined): StoredResponse {
  const { body } = record
  const before = former?.body
  if (before === undefined || before.byteLength !== body.byteLength || !body.every((byte, at) => byte === before[at])) return record
  return { ...record, body: before }
}

/** The body as JSON, parsed once for each body. `gaveUp` says why a failed request was not tried again. */
export function toJson(record: StoredResponse, gaveUp: Ending, trace?: RequestTrace): unknown {
  if (record.status < 200 || record.status > 299) throw new HttpStatusError(record, toText(record), gaveUp, trace)
  if (parsed.has(record.body)) return parsed.get(record.body)
  let value: unknown
  try {
    value = JSON.parse(toText(record))
  } catch (cause) {
    throw new ShelflifeError('ERR_PARSE', `the body of ${record.url} is not JSON: ${(cause as Error).message}`, { cause })
  }
  parsed.set(record.body, value)
  return value
}

let Recorded: ReturnType<typeof recordedResponse> | undefined

function responseOf(record: StoredResponse, headers: HeadersInit, stream?: BodyStream): Response {
  // To name `Response` loads the whole of `fetch` in Node: nobody pays for that before there is one.
  Recorded ??= recordedResponse()
  return new Recorded(record, headers, stream)
}

/** The platform lets only its own responses have a URL; this one remembers it, and its clones do. */
function recordedResponse() {
  return class RecordedResponse extends Response {
    readonly #record: StoredResponse
    readonly #isStream: boolean

    constructor(record: StoredResponse, headers: HeadersInit, stream: BodyStream) {
      const { status, statusText, body, type } = record
      super(stream !== undefined ? (stream as BodyInit | null) : hasNullBody(status) ? null : (body as Uint8Array<ArrayBuffer>), {
        status: type ? HIGHEST_STATUS : Math.min(status, HIGHEST_STATUS),
        statusText,
        headers,
      })
      this.#record = record
      this.#isStream = stream !== undefined
      // Servers send what they like, such as 999; what is opaque has none.
      if (status > HIGHEST_STATUS || type !== undefined) Object.defineProperty(this, 'status', { value: status, enumerable: true })
      if (type !== undefined) Object.defineProperty(this, 'type', { value: type, enumerable: true })
    }

    override get url(): string {
      return this.#record.url
    }

    override get redirected(): boolean {
      return this.#record.redirected
    }

    override clone(): Response {
      if (this.bodyUsed || this.body?.locked === true) return super.clone()
      return new RecordedResponse(this.#record, new Headers(this.headers), this.#isStream ? (super.clone().body as BodyStream) : undefined)
    }
  }
}

function toText(record: StoredResponse): string {
  return new TextDecoder().decode(record.body)
}

/** Statuses that cannot have a body: the constructor of `Response` refuses even an empty one. */
export function hasNullBody(status: number): boolean {
  return status === 0 || status === 204 || status === 205 || status === 304
}
