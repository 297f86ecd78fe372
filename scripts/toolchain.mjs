// Which Rust toolchain builds for wasm32: SHELFLIFE_WASM_TOOLCHAIN, else the one that setup made, else the default one.

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const note = join(dirname(dirname(fileURLToPath(import.meta.url))), '.setup/wasm-toolchain')

/** The environment variables that make cargo, wasm-bindgen and wasm-pack use it. */
export function wasmToolchain() {
  const name = process.env.SHELFLIFE_WASM_TOOLCHAIN ?? (existsSync(note) ? readFileSync(note, 'utf8').trim() : '')
  return name === '' ? {} : { RUSTUP_TOOLCHAIN: name }
}
