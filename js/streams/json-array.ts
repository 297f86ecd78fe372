/**
 * The items of one large JSON array, one at a time. Only where items begin and end is found here, byte by byte; each is then parsed by
 * the engine. Structure is ASCII in UTF-8, so no byte of another character can be taken for it.
 */

import { joined } from '../bytes.ts'
import { type ByteSource, type ItemOptions, MAX_ITEM_BYTES, parsed, piecesOf, unreadable } from './lines.ts'

const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
/** How a UTF-8 text may begin, though it should not. */
const MARK = [0xef, 0xbb, 0xbf]

type Place = 'before' | 'first' | 'item' | 'next' | 'behind'

/**
 * The items of the JSON array that `source` is.
 *
 * ```ts
 * const response = await fetch.stream('https://example.com/all.json')
 * for await (const city of jsonArray<City>(response.body)) index(city)
 * ```
 *
 * @throws ShelflifeError `ERR_PARSE` at the first item that is none, after those before it, and for what is no array or ends within it;
 *   what the source throws.
 */
export async function* jsonArray<T = unknown>(source: ByteSource | null, options: ItemOptions = {}): AsyncGenerator<T, void, undefined> {
  const cutter = new ItemCutter(options.maxItemBytes ?? MAX_ITEM_BYTES)
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let number = 0
  if (source !== null) {
    for await (const piece of piecesOf(source)) {
      for (const bytes of cutter.cut(piece)) {
        yield parsed(read(decoder, bytes, number), `item ${number}`) as T
        number += 1
      }
    }
  }
  cutter.end()
}

function read(decoder: TextDecoder, bytes: Uint8Array, number: number): string {
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw unreadable(`item ${number} is not UTF-8`, cause)
  }
}

/** Finds where items begin and end, over all pieces. */
class ItemCutter {
  readonly #maxBytes: number
  #place: Place = 'before'
  /** Of arrays and objects that are open within the item. */
  #depth = 0
  #isText = false
  #isEscaped = false
  /** Bytes before the array. */
  #skipped = 0
  #held: Uint8Array[] = []
  #size = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The items that end within `piece`. */
  *cut(piece: Uint8Array): Generator<Uint8Array, void, undefined> {
    let start = 0
    for (let at = 0; at < piece.byteLength; at += 1) {
      const byte = piece[at] as number
      if (this.#place !== 'item') {
        if (!this.#enters(byte)) continue
        start = at
      }
      if (!this.#endsBefore(byte)) continue
      yield this.#taken(piece.subarray(start, at))
      this.#place = byte === COMMA ? 'next' : 'behind'
    }
    if (this.#place === 'item') this.#hold(piece.slice(start))
  }

  /** The source has ended. */
  end(): void {
    if (this.#place !== 'behind') throw unreadable(this.#place === 'before' ? 'the text is no JSON array' : 'the JSON array has no end')
  }

  /** Whether an item begins with `byte`, which stands outside of items. */
  #enters(byte: number): boolean {
    if (isSpace(byte)) return false
    if (this.#place === 'before') {
      if (byte === MARK[this.#skipped] && this.#skipped < MARK.length) this.#skipped += 1
      else if (byte === OPEN_ARRAY && (this.#skipped === 0 || this.#skipped === MARK.length)) this.#place = 'first'
      else throw unreadable('the text is no JSON array')
      return false
    }
    if (this.#place === 'behind') throw unreadable('something stands behind the JSON array')
    if (byte === CLOSE_ARRAY && this.#place === 'first') {
      this.#place = 'behind'
      return false
    }
    if (byte === COMMA || byte === CLOSE_ARRAY) throw unreadable('the JSON array has an item that is missing')
    this.#place = 'item'
    return true
  }

  /** Whether the item ends before `byte`. */
  #endsBefore(byte: number): boolean {
    if (this.#isText) {
      if (this.#isEscaped) this.#isEscaped = false
      else if (byte === BACKSLASH) this.#isEscaped = true
      else if (byte === QUOTE) this.#isText = false
      return false
    }
    if (byte === QUOTE) this.#isText = true
    else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) this.#depth += 1
    else if (this.#depth === 0) return byte === COMMA || byte === CLOSE_ARRAY
    else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) this.#depth -= 1
    return false
  }

  /** A copy: whoever makes the pieces may use their memory again. */
  #hold(part: Uint8Array): void {
    this.#held.push(part)
    this.#size += part.byteLength
    if (this.#size > this.#maxBytes) throw unreadable(`an item is larger than ${this.#maxBytes} bytes`)
  }

  #taken(last: Uint8Array): Uint8Array {
    const size = this.#size + last.byteLength
    if (size > this.#maxBytes) throw unreadable(`an item is larger than ${this.#maxBytes} bytes`)
    const whole = this.#held.length === 0 ? last : joined([...this.#held, last], size)
    this.#held = []
    this.#size = 0
    return whole
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}
