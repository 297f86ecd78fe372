/** A response at rest: plain data that a cache can keep. */

import type { Ending } from '../core/schedule-types.ts'
import { ShelflifeError } from '../errors.ts'
import { HttpStatusError, type RequestTrace } from './errors.ts'
import { type BodyStream, responseOf, textOf } from './recorded-response.ts'
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
  if (record.status < 200 || record.status > 299) throw new HttpStatusError(record, textOf(record.body), gaveUp, trace)
  if (parsed.has(record.body)) return parsed.get(record.body)
  let value: unknown
  try {
    value = JSON.parse(textOf(record.body))
  } catch (cause) {
    throw new ShelflifeError('ERR_PARSE', `the body of ${record.url} is not JSON: ${(cause as Error).message}`, { cause })
  }
  parsed.set(record.body, value)
  return value
}
