/** The core's bytes, carried inside the bundle. */

import { base64 } from '../core/generated/wasm-inline.js'

/** What the door compiles. */
export function wasmSource(): BufferSource | WebAssembly.Module {
  if (typeof Buffer === 'function') return Buffer.from(base64, 'base64')
  const text = atob(base64)
  const bytes = new Uint8Array(text.length)
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at)
  return bytes
}
