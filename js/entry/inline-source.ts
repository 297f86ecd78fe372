/** Bytes of the core, carried inside the bundle as text; `scripts/core.mjs` writes it. */

import type { WasmBytes } from '../wasm-types.ts'

/** Characters that mean something inside a string literal; the text does without them. */
const LEFT_OUT = [36, 39, 92, 96]
const FIRST = 32
const PRINTABLE = 95 - LEFT_OUT.length
const ESCAPES = 2

/** The bytes that `text` stands for. */
export function inlined(alphabet: string, text: string): WasmBytes {
  const places = new Uint8Array(128)
  for (let code = FIRST, place = 0; code < 127; code += 1) if (!LEFT_OUT.includes(code)) places[code] = place++
  const byteAt = Array.from({ length: 256 }, (_, at) => Number.parseInt(alphabet.slice(at * 2, at * 2 + 2), 16))
  const bytes = new Uint8Array(text.length)
  let length = 0
  for (let at = 0; at < text.length; at += 1) {
    const place = places[text.charCodeAt(at)] as number
    // The frequent bytes come first in the alphabet; behind them, the rare ones, numbered by two characters.
    const rank = place >= ESCAPES ? place - ESCAPES : PRINTABLE - ESCAPES + place * PRINTABLE + (places[text.charCodeAt(++at)] as number)
    bytes[length++] = byteAt[rank] as number
  }
  return bytes.subarray(0, length)
}
