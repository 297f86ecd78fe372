/** Which requests may be answered from the cache, and which responses may be kept: the private, careful part of RFC 9111. */

import type { StoredResponse } from './record.ts'

/**
 * Headers under which an answer may be kept. With any other (a key, a tenant, a range, a condition) the answer may be for this caller
 * only, and nothing in the URL would say so.
 */
const HARMLESS = new Set(['accept', 'accept-language', 'accept-encoding', 'user-agent', 'cache-control', 'pragma', 'dnt', 'priority'])
/** Those of them that choose between answers. */
const CHOOSING = ['accept', 'accept-language']

/** How a request may use the cache. */
export interface CacheUse {
  readonly key: string
  /** Whether a kept response answers it. */
  readonly read: boolean
}

/** `undefined` when the request may not use the cache. */
export function cacheUse(method: string, url: string, headers: Headers | undefined, init: RequestInit): CacheUse | undefined {
  if (method !== 'GET' || init.credentials === 'include' || init.cache === 'no-store') return undefined
  let key = `GET ${url}`
  if (headers !== undefined) {
    for (const name of headers.keys()) if (!HARMLESS.has(name)) return undefined
    for (const name of CHOOSING) if (headers.has(name)) key += `\n${name}: ${headers.get(name)}`
  }
  return { key, read: init.cache !== 'reload' && init.cache !== 'no-cache' }
}

/** Whether a response may be kept for whoever asks next. */
export function isStorable({ status, headers }: StoredResponse): boolean {
  if (status !== 200) return false
  return headers.every(([name, value]) => {
    switch (name) {
      case 'set-cookie':
        return false
      case 'cache-control':
        return !/(?:^|[\s,])(?:no-store|no-cache|private)(?:$|[\s,;=])/i.test(value)
      case 'vary':
        return value.split(',').every(field => /^\s*(?:accept-encoding)?\s*$/i.test(field))
      default:
        return true
    }
  })
}

/** The response's own `max-age` in milliseconds, if it names one. */
export function maxAgeMs({ headers }: StoredResponse): number | undefined {
  for (const [name, value] of headers) {
    if (name !== 'cache-control') continue
    const seconds = /(?:^|[\s,])max-age="?(\d+)/i.exec(value)?.[1]
    if (seconds !== undefined) return Number(seconds) * 1000
  }
  return undefined
}
