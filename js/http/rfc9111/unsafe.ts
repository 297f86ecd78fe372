/** What a request that changes something makes out of date (RFC 9111, section 4.4). */

import { type AnswerHead, fieldOf } from './fields.ts'

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY'])

/** Whether a method may change what is at its URL. One that nobody knows may. */
export function isUnsafe(method: string): boolean {
  return !SAFE.has(method)
}

/** The URLs whose answers are to be given up after `answer` came to an unsafe request: its own, and others of its origin that it names or led to. */
export function outdatedBy(url: string, { status, headers }: AnswerHead, end = url): string[] {
  if (status < 200 || status > 399) return []
  const urls = new Set([url])
  for (const text of [end, fieldOf(headers, 'location'), fieldOf(headers, 'content-location')]) {
    const named = resolve(text, url)
    if (named !== undefined) urls.add(named)
  }
  return [...urls]
}

function resolve(text: string | undefined, base: string): string | undefined {
  if (text === undefined || !URL.canParse(text, base)) return undefined
  const url = new URL(text, base)
  url.hash = ''
  // Of other origins nobody here may say anything.
  return url.origin === new URL(base).origin ? url.href : undefined
}
