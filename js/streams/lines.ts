/** Lines of a stream of bytes, and the values of NDJSON: one at a time, whatever their number. */

import { joined } from '../bytes.ts'
import { ShelflifeError } from '../errors.ts'

/** Options of {@link ndjson} and {@link jsonArray}. */
export interface ItemOptions {
  /** The largest single item, in bytes; a larger one is refused with `ERR_PARSE`, before it is held. Default: 16 MB. */
  readonly maxItemBytes?: number
}

/** What items are read from: the body of a `Response`, or any iterable of bytes. */
export type ByteSource = ReadableStream<Uint8Array> | AsyncIterable<Uint8Array> | Iterable<Uint8Array>

export const MAX_ITEM_BYTES = 16_777_216

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

/**
 * The lines of `source`, without their ends (`\n` or `\r\n`); the last needs none. Bytes are cut at line ends first and read as UTF-8 then, so
 * that a character may be split between pieces. Leaving the loop early cancels the source.
 */
export async function* lines(
  source: ByteSource,
  { maxItemBytes = MAX_ITEM_BYTES }: ItemOptions = {},
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let held: Uint8Array[] = []
  let size = 0
  let number = 0
  const line = (last: Uint8Array) => {
    number += 1
    const whole = held.length === 0 ? last : joined([...held, last], size + last.byteLength)
    held = []
    size = 0
    const end = whole.at(-1) === CARRIAGE_RETURN ? whole.byteLength - 1 : whole.byteLength
    try {
      return decoder.decode(whole.subarray(0, end))
    } catch (cause) {
      throw unreadable(`line ${number} is not UTF-8`, cause)
    }
  }
  for await (const piece of piecesOf(source)) {
    let start = 0
    for (let end = piece.indexOf(LINE_FEED); end >= 0; end = piece.indexOf(LINE_FEED, start)) {
      if (size + end - start > maxItemBytes) throw unreadable(`line ${number + 1} is longer than ${maxItemBytes} bytes`)
      yield line(piece.subarray(start, end))
      start = end + 1
    }
    if (start === piece.byteLength) continue
    // A copy: whoever makes the pieces may use their memory again.
    held.push(piece.slice(start))
    size += piece.byteLength - start
    if (size > maxItemBytes) throw unreadable(`line ${number + 1} is longer than ${maxItemBytes} bytes`)
  }
  if (size > 0) yield line(new Uint8Array())
}

/**
 * The values of a stream of JSON texts, one a line (NDJSON, JSON Lines). Empty lines are passed over.
 *
 * ```ts
 * const response = await fetch.stream('https://example.com/events')
 * for await (const event of ndjson<Event>(response.body)) handle(event)
 * ```
 *
 * @throws ShelflifeError `ERR_PARSE` at the first line that is none, after those before it; what the source throws.
 */
export async function* ndjson<T = unknown>(source: ByteSource | null, options: ItemOptions = {}): AsyncGenerator<T, void, undefined> {
  if (source === null) return
  let number = 0
  for await (const line of lines(source, options)) {
    number += 1
    if (line.trim() !== '') yield parsed(line, `line ${number}`) as T
  }
}

/** The pieces of `source`; it is cancelled when the loop around them is left. */
export async function* piecesOf(source: ByteSource): AsyncGenerator<Uint8Array, void, undefined> {
  if (!(source instanceof ReadableStream)) {
    yield* source
    return
  }
  // Not by its own iterator, which some browsers lack.
  const reader = source.getReader()
  let isDone = false
  try {
    for (;;) {
      const { done, value } = await reader.read()
      isDone = done
      if (done) return
      if (value.byteLength > 0) yield value
    }
  } catch (error) {
    isDone = true
    throw error
  } finally {
    if (!isDone) await reader.cancel().catch(() => undefined)
    reader.releaseLock()
  }
}

/** The value of a JSON text, or `ERR_PARSE` that says where it stands. */
export function parsed(text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw unreadable(`${where} is not JSON: ${(cause as Error).message}`, cause)
  }
}

export function unreadable(message: string, cause?: unknown): ShelflifeError {
  return new ShelflifeError('ERR_PARSE', message, cause === undefined ? {} : { cause })
}
