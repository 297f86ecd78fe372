/** A response at rest: plain data that a cache can keep, and the standard `Response` made of it. */

import type { Ending } from '../core/schedule-core.ts'
import { ShelflifeError } from '../errors.ts'
import { HttpStatusError } from './errors.ts'

/** A complete response as plain data; any codec and any tier can carry it. */
export interface StoredResponse {
  readonly status: number
  readonly statusText: string
  /** In lower case. Without `x-cache`: that is for us to say. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** After redirects. */
  readonly url: string
  readonly redirected: boolean
  /** Decoded. */
  readonly body: Uint8Array
  /** Where the platform shows nothing but that there is an answer: of another origin with `mode: 'no-cors'`, of a redirect with `'manual'`. */
  readonly type?: OpaqueType
}

/** The types of answers that nobody may read. Their status is 0. */
export type OpaqueType = 'opaque' | 'opaqueredirect'

/** See {@link OpaqueType}. */
export function isOpaque(type: string): type is OpaqueType {
  return type === 'opaque' || type === 'opaqueredirect'
}

/** Where a response came from: the value of its `x-cache` header. */
export type Source = 'hit' | 'miss' | 'coalesced'

/** The constructor of `Response` takes no higher one. */
const HIGHEST_STATUS = 599

const parsed = new WeakMap<StoredResponse, unknown>()

/** Whether `value`, found under one of our keys, is one of our responses. */
export function isStoredResponse(value: unknown): value is StoredResponse {
  const { status, headers, body } = (value ?? {}) as Partial<StoredResponse>
  return typeof status === 'number' && Array.isArray(headers) && body instanceof Uint8Array
}

/** A fresh `Response`; the body is copied, so whoever consumes it cannot change the record. */
export function toResponse(record: StoredResponse, source: Source): Response {
  return new RecordedResponse(record, [...record.headers, ['x-cache', source]] as [string, string][])
}

/** The body as JSON, parsed once for each record. `gaveUp` says why a failed request was not tried again. */
export function toJson(record: StoredResponse, gaveUp: Ending): unknown {
  if (parsed.has(record)) return parsed.get(record)
  if (record.status < 200 || record.status > 299) throw new HttpStatusError(record, toText(record), gaveUp)
  let value: unknown
  try {
    value = JSON.parse(toText(record))
  } catch (cause) {
    throw new ShelflifeError('ERR_PARSE', `the body of ${record.url} is not JSON: ${(cause as Error).message}`, { cause })
  }
  parsed.set(record, value)
  return value
}

/** The platform lets only its own responses have a URL; this one remembers it, and its clones do. */
class RecordedResponse extends Response {
  readonly #record: StoredResponse

  constructor(record: StoredResponse, headers: HeadersInit) {
    const { status, statusText, body, type } = record
    super(hasNullBody(status) ? null : (body as Uint8Array<ArrayBuffer>), {
      status: type ? HIGHEST_STATUS : Math.min(status, HIGHEST_STATUS),
      statusText,
      headers,
    })
    this.#record = record
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
    return new RecordedResponse(this.#record, new Headers(this.headers))
  }
}

function toText(record: StoredResponse): string {
  return new TextDecoder().decode(record.body)
}

/** Statuses that cannot have a body: the constructor of `Response` refuses even an empty one. */
function hasNullBody(status: number): boolean {
  return status === 0 || status === 204 || status === 205 || status === 304
}
