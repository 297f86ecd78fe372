/**
 * Encoded entries as text, for stores that keep text only: a head (mark, checksum, writtenAt, expiresAt), then JSON where the
 * value is JSON, else base64.
 */

import { seedOf } from './checksum.ts'
import { decodeEntry } from './entry-bytes.ts'
import type { TierEntry } from './tier.ts'

/** What it begins with; another one for another form. */
const MARK = 'sl1'
const FORM = /^sl1\|(\w+)\|([^|]*)\|([^|]*)\|([jb])/
/** The first byte of an encoded value that is JSON. */
const JSON_FORM = 1
const CHUNK = 8192

/** The text of an entry: `bytes` are what `encodeEntry` made. */
export function textOf(key: string, bytes: Uint8Array, expiresAt: number, writtenAt: number): string {
  const body = bytes[0] === JSON_FORM ? `j${new TextDecoder().decode(bytes.subarray(1))}` : `b${toBase64(bytes)}`
  const end = expiresAt === Number.POSITIVE_INFINITY ? '' : expiresAt
  const rest = `|${writtenAt}|${end}|${body}`
  return `${MARK}|${checkOf(key, rest)}${rest}`
}

/**
 * The entry of `key`, or `'damaged'` when the text is not what {@link textOf} has made for that key. What is no text is what `expand` makes of it;
 * where that takes its time, so does the answer, and it is what `expand` says that is wrong then.
 */
export function entryOfText(
  key: string,
  text: string,
  expand: (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>,
): TierEntry | 'damaged' | Promise<TierEntry> {
  const [head, check = '', written, end, form] = FORM.exec(text) ?? []
  if (head === undefined || check !== checkOf(key, text.slice(MARK.length + 1 + check.length))) return 'damaged'
  try {
    const body = text.slice(head.length)
    const times = { expiresAt: end === '' ? Number.POSITIVE_INFINITY : Number(end), writtenAt: Number(written) }
    if (form === 'j') return { value: JSON.parse(body) as unknown, ...times }
    const bytes = expand(fromBase64(body))
    return bytes instanceof Promise ? bytes.then(expanded => ({ ...decodeEntry(expanded), ...times })) : { ...decodeEntry(bytes), ...times }
  } catch {
    return 'damaged'
  }
}

function checkOf(key: string, rest: string): string {
  return (seedOf(key + rest) >>> 0).toString(36)
}

function toBase64(bytes: Uint8Array): string {
  let binary = ''
  for (let at = 0; at < bytes.length; at += CHUNK) binary += String.fromCharCode(...bytes.subarray(at, at + CHUNK))
  return btoa(binary)
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), unit => unit.charCodeAt(0))
}
