/** Asking an origin whether what is kept is still right, and what follows from its answer (RFC 9111, section 4.3). */

import { type AnswerHead, type Fields, fieldOf } from './fields.ts'

/** Fields with which a request asks conditionally by itself; the answer is then for who asks, and not for a cache. */
export const CONDITIONS: readonly string[] = ['if-none-match', 'if-modified-since', 'if-match', 'if-unmodified-since', 'if-range']

/** What a 304 must not change: it has no body, so it cannot speak of one. Cookies are for once. */
const OF_THE_BODY = new Set([
  'content-length',
  'content-encoding',
  'content-range',
  'content-md5',
  'transfer-encoding',
  'set-cookie',
  'set-cookie2',
])

/** The fields to add to a request, so that an origin need not send what is kept; none where it has nothing to compare. */
export function conditionsOf(kept: Fields): Fields {
  const conditions: [string, string][] = []
  const etag = fieldOf(kept, 'etag')
  const lastModified = fieldOf(kept, 'last-modified')
  if (etag !== undefined && isEntityTag(etag)) conditions.push(['if-none-match', etag])
  if (lastModified !== undefined) conditions.push(['if-modified-since', lastModified])
  return conditions
}

/** Whether an origin can be asked about what is kept. */
export function hasValidator(kept: Fields): boolean {
  return kept.some(([name]) => name === 'etag' || name === 'last-modified')
}

/** Whether a 304 speaks of what is kept, and not of a version that somebody between had. */
export function confirms(notModified: Fields, kept: Fields): boolean {
  const tag = fieldOf(notModified, 'etag')
  const own = fieldOf(kept, 'etag')
  return tag === undefined || own === undefined || opaque(tag) === opaque(own)
}

/** The fields of what is kept after a 304: those it brings take the place of those of the same name. */
export function updated(kept: Fields, notModified: Fields): Fields {
  const news = notModified.filter(([name]) => !OF_THE_BODY.has(name))
  const named = new Set(news.map(([name]) => name))
  // An old age would count again.
  return [...kept.filter(([name]) => name !== 'age' && !named.has(name)), ...news]
}

/**
 * What the answer to a HEAD says of what is kept for GET: still the same, so that its fields are news (`'same'`); another, so that it is
 * to be given up (`'other'`); or nothing. A length alone confirms nothing.
 */
export function compareHead(head: AnswerHead, kept: AnswerHead): 'same' | 'other' | 'unknown' {
  if (head.status !== 200 || kept.status !== 200) return 'unknown'
  const [tag, date, length] = ['etag', 'last-modified', 'content-length'].map(name => {
    const [now, before] = [fieldOf(head.headers, name), fieldOf(kept.headers, name)]
    return now === undefined || before === undefined ? undefined : opaque(now) === opaque(before)
  })
  if (tag === false || date === false || length === false) return 'other'
  return tag === true || date === true ? 'same' : 'unknown'
}

/** Quotes are part of it; what has none would be read as something else. */
function isEntityTag(text: string): boolean {
  return /^(?:W\/)?"[^"]*"$/.test(text)
}

function opaque(tag: string): string {
  return tag.replace(/^W\//, '')
}
