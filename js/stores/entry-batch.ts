/**
 * Entries that lie in one payload, decoded together: the values that are JSON are parsed as one array, which takes less time than one
 * after the other. All that is not their text becomes white space, and each of their marks a comma.
 */

import { jsonIn, parseJson } from '../codec.ts'
import { bodyIn, decodeEntry, factsIn } from './entry-bytes.ts'
import type { TierEntry } from './tier.ts'

/** An entry without its times. */
export type Decoded = Pick<TierEntry, 'value' | 'facts'>

/** Of fewer, each is decoded by itself. */
const FEW = 3

const [SPACE, ZERO, COMMA, OPEN, CLOSE] = [0x20, 0x30, 0x2c, 0x5b, 0x5d]

/**
 * The entries in `payload` from each of `starts` to the same of `ends`; `undefined` in place of one that is no encoded entry. They have to be
 * known to be whole: fragments of JSON that happen to make sense one behind the other would be believed.
 */
export function decodeEntries(payload: Uint8Array, starts: readonly number[], ends: readonly number[]): (Decoded | undefined)[] {
  const bodies = starts.map((start, at) => jsonIn(payload, bodyIn(payload, start), ends[at] as number))
  const values = starts.length < FEW ? undefined : parseTogether(payload, starts, ends, bodies)
  return starts.map((start, at) => {
    const body = bodies[at] as number
    try {
      if (values === undefined || body < 0) return decodeEntry(payload.subarray(start, ends[at]))
      if (body === start + 1) return { value: values[at] }
      return { value: values[at], facts: factsIn(payload.subarray(start, body - 1)) }
    } catch {
      return undefined
    }
  })
}

/** The values whose text begins at `bodies`, anything for others. `undefined` when they cannot be parsed together. */
function parseTogether(
  payload: Uint8Array,
  starts: readonly number[],
  ends: readonly number[],
  bodies: readonly number[],
): readonly unknown[] | undefined {
  let length = 1
  for (let at = 0; at < starts.length; at += 1) length += (ends[at] as number) - (starts[at] as number)
  const text = new Uint8Array(length)
  let to = 0
  for (let at = 0; at < starts.length; ) {
    const first = starts[at] as number
    let end = first
    let next = at
    // What lies one behind the other is copied at once.
    for (; next < starts.length && starts[next] === end; next += 1) end = ends[next] as number
    text.set(payload.subarray(first, end), to)
    for (; at < next; at += 1) {
      const size = (ends[at] as number) - (starts[at] as number)
      const body = bodies[at] as number
      if (body < 0) {
        if (size < 2) return undefined
        text.fill(SPACE, to, to + size)
        text[to + 1] = ZERO
      } else if (body > (starts[at] as number) + 1) text.fill(SPACE, to, to + body - (starts[at] as number))
      text[to] = at === 0 ? OPEN : COMMA
      to += size
    }
  }
  text[to] = CLOSE
  try {
    const values = parseJson(text)
    return Array.isArray(values) && values.length === starts.length ? values : undefined
  } catch {
    return undefined
  }
}
