/**
 * Values to bytes and back, with the same types on every tier.
 *
 * The first byte says the form. JSON text in UTF-8 is the form of what JSON keeps exactly, since the engine's own
 * parser beats ours (see docs/decisions); everything else takes the tagged form of `codec/write.ts`: `undefined`, `-0`, `NaN`,
 * BigInt, Date, Map, Set, RegExp, ArrayBuffer and its views, Error, sparse arrays, cycles and shared references.
 * As with structured clones, objects of a class come back as plain objects with their own properties, a
 * view as a view on its own bytes, a `Buffer` as a `Uint8Array`. Functions, symbols and handles are refused with `ERR_CODEC`.
 *
 * The decoder is total: any bytes give a value or `ERR_CODEC`, in time and memory bounded by their number.
 */

import { readTagged } from './codec/read.ts'
import { isCleanJson, MAX_DEPTH } from './codec/shape.ts'
import { writeTagged } from './codec/write.ts'
import { isShelflifeError, ShelflifeError } from './errors.ts'

/** First bytes; 3 and 4 stand before the facts of an entry, see `stores/entry-bytes.ts`. */
const JSON_FORM = 1
const TAGGED_FORM = 2

/** Texts up to this length are copied unit by unit, which takes less than asking the platform. */
const SHORT_TEXT = 512

/** Encoded values lie one behind the other in chunks of this size; a larger value has bytes of its own. */
const CHUNK = 65_536

/** What stands for {@link JSON_FORM} in a text. */
const JSON_MARK = '\x01'

/** The bytes of a value; or, where it is JSON, a text that becomes them ({@link bytesOf}). Of ASCII each unit becomes one byte. */
export type Encoded = Uint8Array | string

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
let chunk = new Uint8Array(0)
let used = 0

/**
 * The bytes of `value`. They may lie in a buffer with others: do not transfer it.
 *
 * @throws ShelflifeError `ERR_CODEC` when the value, or something in it, cannot be kept, or is nested deeper than 1 000 levels.
 */
export function encode(value: unknown): Uint8Array {
  try {
    if (isCleanJson(value)) return encodeText(JSON.stringify(value))
    return writeTagged(value, TAGGED_FORM)
  } catch (cause) {
    throw unencodable(cause)
  }
}

/**
 * The same, left as text where that is possible: many of those become bytes in less time together.
 *
 * @throws ShelflifeError `ERR_CODEC`, as {@link encode}.
 */
export function encodeAsText(value: unknown): Encoded {
  try {
    if (isCleanJson(value)) return JSON_MARK + JSON.stringify(value)
    return writeTagged(value, TAGGED_FORM)
  } catch (cause) {
    throw unencodable(cause)
  }
}

/** What {@link encode} would have given. */
export function bytesOf(encoded: Encoded): Uint8Array {
  return typeof encoded === 'string' ? encodeText(encoded.slice(1)) : encoded
}

/**
 * The value of `bytes`. Nothing in it shares memory with them.
 *
 * @throws ShelflifeError `ERR_CODEC` when they are no encoded value.
 */
export function decode(bytes: Encoded): unknown {
  try {
    if (typeof bytes === 'string') return JSON.parse(bytes.slice(1))
    if (bytes[0] === JSON_FORM) return parseJson(bytes.subarray(1))
    if (bytes[0] === TAGGED_FORM) return readTagged(bytes, 1)
  } catch (cause) {
    if (isShelflifeError(cause)) throw cause
    throw new ShelflifeError('ERR_CODEC', 'the bytes are not an encoded value', { cause })
  }
  throw new ShelflifeError('ERR_CODEC', bytes.length === 0 ? 'no bytes' : `a form that this version does not know: ${bytes[0]}`)
}

/** Where the JSON text of an encoded value begins, which lies in `bytes` from `start` to `end`; -1 when it has another form. */
export function jsonIn(bytes: Uint8Array, start: number, end: number): number {
  return bytes[start] === JSON_FORM && start + 1 < end ? start + 1 : -1
}

/** What JSON text in UTF-8 says. Throws what the platform throws when it is none. */
export function parseJson(bytes: Uint8Array): unknown {
  return JSON.parse(decoder.decode(bytes))
}

export { MAX_DEPTH }

function unencodable(cause: unknown): unknown {
  return isShelflifeError(cause) ? cause : new ShelflifeError('ERR_CODEC', 'the value cannot be encoded', { cause })
}

function encodeText(text: string): Uint8Array {
  // A UTF-16 unit takes at most three bytes.
  const most = text.length * 3 + 1
  if (most > CHUNK) {
    const own = encoder.encode(` ${text}`)
    own[0] = JSON_FORM
    return own
  }
  if (chunk.length - used < most) {
    chunk = new Uint8Array(CHUNK)
    used = 0
  }
  const start = used
  chunk[start] = JSON_FORM
  if (text.length <= SHORT_TEXT && copyAscii(text, chunk, start + 1)) {
    used += 1 + text.length
    return chunk.subarray(start, used)
  }
  used += 1 + encoder.encodeInto(text, chunk.subarray(start + 1)).written
  return chunk.subarray(start, used)
}

/** Whether all of `text` is ASCII; only then `bytes` holds it at `start`. */
function copyAscii(text: string, bytes: Uint8Array, start: number): boolean {
  let all = 0
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    all |= unit
    bytes[start + at] = unit
  }
  return all < 128
}
