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

/**
 * The entry in `bytes`, of which `text` is what `textOf` gives, where that is known.
 *
 * @throws ShelflifeError `ERR_CODEC` when the bytes are no encoded entry.
 */
export function decodeEntry(bytes: Encoded, text?: string): Pick<TierEntry, 'value' | 'facts'> {
  if (typeof bytes === 'string') return { value: decode(bytes) }
  if (bytes[0] === WITH_ERA && bytes.length > ERA_HEAD) {
    const era = new DataView(bytes.buffer, bytes.byteOffset).getFloat64(1, true)
    return { value: decode(bytes.subarray(ERA_HEAD), text?.slice(ERA_HEAD)), facts: { era } }
  }
  if (bytes[0] !== WITH_FACTS) return { value: decode(bytes, text) }
  if (bytes.length < HEAD) throw new ShelflifeError('ERR_CODEC', 'an entry without an end')
  const end = HEAD + new DataView(bytes.buffer, bytes.byteOffset).getUint32(1, true)
  if (end >= bytes.length) throw new ShelflifeError('ERR_CODEC', 'an entry without a value')
  return { value: decode(bytes.subarray(end), text?.slice(end)), facts: readFacts(bytes.subarray(HEAD, end)) }
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
