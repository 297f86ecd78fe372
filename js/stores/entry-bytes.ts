/**
 * A value and its facts to bytes and back. Without facts the bytes are those of the value alone; with facts they begin
 * with a byte that no encoded value begins with, the length of the facts in four bytes, and the facts as JSON. The era alone,
 * which most entries of a store in which something was given up have, is another such byte and a double.
 */

import { decode, type Encoded, encode, encodeAsText } from '../codec.ts'
import { ShelflifeError } from '../errors.ts'
import type { EntryFacts, TierEntry } from './tier.ts'

const WITH_FACTS = 3
const WITH_ERA = 4
const HEAD = 5
const ERA_HEAD = 9

/** @throws ShelflifeError `ERR_CODEC` when the value cannot be kept. */
export function encodeEntry({ value, facts }: Pick<TierEntry, 'value' | 'facts'>): Uint8Array {
  const body = encode(value)
  if (facts === undefined) return body
  if (facts.era !== undefined && hasOneKey(facts)) {
    const bytes = new Uint8Array(ERA_HEAD + body.length)
    bytes[0] = WITH_ERA
    new DataView(bytes.buffer).setFloat64(1, facts.era, true)
    bytes.set(body, ERA_HEAD)
    return bytes
  }
  const text = new TextEncoder().encode(JSON.stringify(facts))
  const bytes = new Uint8Array(HEAD + text.length + body.length)
  bytes[0] = WITH_FACTS
  new DataView(bytes.buffer).setUint32(1, text.length, true)
  bytes.set(text, HEAD)
  bytes.set(body, HEAD + text.length)
  return bytes
}

/** The same, left as text where that is possible. */
export function encodeEntryAsText(entry: Pick<TierEntry, 'value' | 'facts'>): Encoded {
  return entry.facts === undefined ? encodeAsText(entry.value) : encodeEntry(entry)
}

/** @throws ShelflifeError `ERR_CODEC` when the bytes are no encoded entry. */
export function decodeEntry(bytes: Encoded): Pick<TierEntry, 'value' | 'facts'> {
  if (typeof bytes === 'string') return { value: decode(bytes) }
  const body = bodyIn(bytes, 0)
  if (body === 0) return { value: decode(bytes) }
  if (body >= bytes.length) throw new ShelflifeError('ERR_CODEC', 'an entry without a value')
  return { value: decode(bytes.subarray(body)), facts: factsIn(bytes.subarray(0, body)) }
}

/** Where the value of an entry begins that lies in `bytes` from `start` on: behind its facts. Damaged bytes may say a place beyond the end. */
export function bodyIn(bytes: Uint8Array, start: number): number {
  if (bytes[start] === WITH_ERA) return start + ERA_HEAD
  if (bytes[start] !== WITH_FACTS) return start
  const [a = 0, b = 0, c = 0, d = 0] = [bytes[start + 1], bytes[start + 2], bytes[start + 3], bytes[start + 4]]
  return start + HEAD + ((a | (b << 8) | (c << 16) | (d << 24)) >>> 0)
}

/** The facts in the bytes of an entry before its value. */
export function factsIn(head: Uint8Array): EntryFacts {
  if (head[0] === WITH_ERA) return { era: new DataView(head.buffer, head.byteOffset).getFloat64(1, true) }
  return readFacts(head.subarray(HEAD))
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

function hasOneKey(facts: EntryFacts): boolean {
  let count = 0
  for (const _ in facts) count += 1
  return count === 1
}
