/** The core's bytes, carried inside the bundle. */

import { hex } from '../core/generated/wasm-inline.js'

/** What the door compiles. */
export function wasmSource(): BufferSource | WebAssembly.Module {
  if (typeof Buffer === 'function') return Buffer.from(hex, 'hex')
  const { fromHex } = Uint8Array as { fromHex?: (text: string) => Uint8Array<ArrayBuffer> }
  return fromHex === undefined ? decode(hex) : fromHex.call(Uint8Array, hex)
}

/** For runtimes without `Uint8Array.fromHex` (2025). */
function decode(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length / 2)
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = Number.parseInt(text.slice(at * 2, at * 2 + 2), 16)
  return bytes
}
