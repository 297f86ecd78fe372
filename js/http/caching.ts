/** Which requests may use the cache and under which name, and what of an answer is kept, for how long. The rules are those of `rfc9111/`. */

import type { RequestLimits } from './options.ts'
import { isStoredResponse, type StoredResponse } from './record.ts'
import { type Directives, directivesOf, SILENT } from './rfc9111/directives.ts'
import type { Fields } from './rfc9111/fields.ts'
import type { Heuristic, Times } from './rfc9111/freshness.ts'
import { freshnessOf, judge, type Verdict } from './rfc9111/reuse.ts'
import { type Keeping, keptFields, refusalOf } from './rfc9111/storable.ts'
import { CONDITIONS, hasValidator } from './rfc9111/validation.ts'
import { variantOf, varyOf } from './rfc9111/vary.ts'

/**
 * Headers under which an answer may be kept for everybody. With any other (a key, a tenant) the answer may be for this caller only, and
 * nothing in the URL would say so: then it takes a partition.
 */
const HARMLESS = new Set(['accept', 'accept-language', 'accept-encoding', 'user-agent', 'cache-control', 'pragma', 'dnt', 'priority'])
/** Those of them that usually choose between answers, said in `Vary` or not. */
const CHOOSING = ['accept', 'accept-language']
const NO_FIELDS: Fields = []
/** How long an answer is kept after its time when its origin can be asked about it. */
const KEPT_TO_VALIDATE_MS = 86_400_000

/** The modes of `fetch` in which a cache is used. */
export type CacheMode = 'default' | 'reload' | 'no-cache' | 'force-cache' | 'only-if-cached'

/** How a request may use the cache. */
export interface CacheUse {
  /** The name of what all variants share. */
  readonly key: string
  readonly mode: CacheMode
  /** What the request itself says about caching. */
  readonly asked: Directives
  readonly headers: Fields
  readonly partitioned: boolean
  /** The answer to GET serves HEAD, too; that to HEAD is not kept, but its fields may be news of that to GET. */
  readonly method: 'GET' | 'HEAD'
}

/** What stands in the place of an answer that has variants: the fields that choose between them. */
export interface Variants {
  readonly vary: readonly string[]
}

/** What is put into the cache, and how. */
export interface Keepsake {
  readonly record: StoredResponse
  /** The fields that choose between variants, beyond those in the key. */
  readonly vary: readonly string[]
  /** Milliseconds; `undefined`: as long as the cache says. */
  readonly ttl: number | undefined
  /** How long it is of use after that. */
  readonly retention: number
  readonly memoryOnly: boolean
}

/** `undefined` when the request may not use the cache. */
export function cacheUse(
  method: string,
  url: string,
  headers: Headers | undefined,
  init: RequestInit,
  partition: string | undefined,
): CacheUse | undefined {
  if (method !== 'GET' && method !== 'HEAD') return undefined
  const { cache: mode = 'default', redirect = 'follow' } = init
  // What is kept was followed to its end, and checked against nothing.
  if (mode === 'no-store' || redirect !== 'follow' || (init.integrity ?? '') !== '') return undefined
  if (init.credentials === 'include' && partition === undefined) return undefined
  // A partition is escaped, so that none can look like another followed by something.
  let key = partition === undefined ? `GET ${url}` : `GET ${url}\npartition ${JSON.stringify(partition)}`
  const partitioned = partition !== undefined
  if (headers === undefined) return { key, mode, asked: SILENT, headers: NO_FIELDS, partitioned, method }
  const fields = [...headers]
  for (const [name] of fields) if (isOwnBusiness(name) || (!partitioned && !HARMLESS.has(name))) return undefined
  const asked = directivesOf(fields)
  if (asked.noStore) return undefined
  for (const name of CHOOSING) if (headers.has(name)) key += `\n${name}: ${headers.get(name)}`
  return { key, mode: asked.onlyIfCached && mode === 'default' ? 'only-if-cached' : mode, asked, headers: fields, partitioned, method }
}

/** What asks for something else than the whole answer as it is now. */
function isOwnBusiness(name: string): boolean {
  return name === 'range' || CONDITIONS.includes(name)
}

/** The key of the variant that a request chooses; its own where its answer has none. */
export function variantKey({ key, headers }: CacheUse, vary: readonly string[]): string {
  return key + variantOf(vary, headers)
}

/** Whether `value`, found under one of our keys, says that there are variants. */
export function isVariants(value: unknown): value is Variants {
  return Array.isArray((value as Partial<Variants> | undefined)?.vary) && !isStoredResponse(value)
}

/** What is to be done with `record`, which is kept, for a request at `now`. */
export function verdictOn(record: StoredResponse, { mode, asked }: CacheUse, now: number): Verdict {
  const { freshness } = record
  if (mode === 'no-cache') return 'validate'
  // Made by somebody who let the cache say how long it lasts.
  const verdict = freshness === undefined ? 'fresh' : judge(freshness, asked, now)
  const anyAge = mode === 'force-cache' || (mode === 'only-if-cached' && !asked.onlyIfCached)
  return anyAge && (verdict === 'validate' || verdict === 'while-revalidating') ? 'stale' : verdict
}

/** What is kept of an answer; `undefined` when nothing may be, or nothing of it would be of use. */
export function keepsakeOf(
  use: CacheUse,
  record: StoredResponse,
  times: Times,
  limits: RequestLimits,
  keeping: Omit<Keeping, 'partitioned'> & { readonly heuristic: Heuristic },
): Keepsake | undefined {
  const said = directivesOf(record.headers)
  const whose = { shared: keeping.shared, hidesCookies: keeping.hidesCookies, partitioned: use.partitioned }
  if (refusalOf(use, record, use.asked, said, whose) !== undefined) return undefined
  const { lifetime, ...rest } = freshnessOf(record, said, times, whose, { ...limits, heuristic: keeping.heuristic })
  // Whether the redirects on the way may be kept is not known, unless they are for good: only the caller's own word is enough.
  if (record.redirected && record.lasting !== true && limits.ttl === undefined) return undefined
  if (lifetime === undefined && record.status !== 200) return undefined
  // What to ask by may be hidden from us, and not from the platform.
  const canValidate = hasValidator(record.headers) || keeping.hidesCookies
  if (rest.unconfirmed && !canValidate) return undefined
  const retention = Math.max(canValidate ? KEPT_TO_VALIDATE_MS : 0, rest.staleWhileRevalidate, rest.staleIfError)
  const left = lifetime === undefined ? undefined : Math.max(0, lifetime - Math.max(0, times.receivedAt - rest.born))
  if (left === 0 && retention === 0) return undefined
  const headers = keptFields(record.headers, said, whose)
  const freshness = { ...rest, lifetime: lifetime ?? Number.POSITIVE_INFINITY }
  return {
    record: { ...record, headers, freshness },
    vary: (varyOf(record.headers) as string[]).filter(name => !CHOOSING.includes(name)),
    ttl: left === undefined ? undefined : left + retention,
    retention: left === undefined ? retention : 0,
    memoryOnly: said.private !== false && !use.partitioned,
  }
}
