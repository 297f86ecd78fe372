/**
 * A value and its facts to bytes and back. Without facts the bytes are those of the value alone; with facts they begin
 * with a byte that no encoded value begins with, the length of the facts in four bytes, and the facts as JSON.
 */

import { decode, encode } from '../codec.ts'
import { ShelflifeError } from '../errors.ts'
import type { EntryFacts, TierEntry } from './tier.ts'

const WITH_FACTS = 3
const HEAD = 5

/** @throws ShelflifeError `ERR_CODEC` when the value cannot be kept. */
export function encodeEntry({ value, facts }: Pick<TierEntry, 'value' | 'facts'>): Uint8Array {
  const body = encode(value)
  if (facts === undefined) return body
  const text = new TextEncoder().encode(JSON.stringify(facts))
  const bytes = new Uint8Array(HEAD + text.length + body.length)
  bytes[0] = WITH_FACTS
  new DataView(bytes.buffer).setUint32(1, text.length, true)
  bytes.set(text, HEAD)
  bytes.set(body, HEAD + text.length)
  return bytes
}

/** @throws ShelflifeError `ERR_CODEC` when the bytes are no encoded entry. */
export function decodeEntry(bytes: Uint8Array): Pick<TierEntry, 'value' | 'facts'> {
  if (bytes[0] !== WITH_FACTS) return { value: decode(bytes) }
  if (bytes.length < HEAD) throw new ShelflifeError('ERR_CODEC', 'an entry without an end')
  const end = HEAD + new DataView(bytes.buffer, bytes.byteOffset).getUint32(1, true)
  if (end >= bytes.length) throw new ShelflifeError('ERR_CODEC', 'an entry without a value')
  return { value: decode(bytes.subarray(end)), facts: readFacts(bytes.subarray(HEAD, end)) }
}

function readFacts(bytes: Uint8Array): EntryFacts {
  let facts: unknown
  try {
    facts = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new ShelflifeError('ERR_CODEC', 'the facts of an entry are damaged', { cause })
  }
  if (typeof facts !== 'object' || facts === null || Array.isArray(facts)) {
    throw new ShelflifeError('ERR_CODEC', 'the facts of an entry are not an object')
  }
  return facts
}
