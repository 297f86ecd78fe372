// Where this checkout finds its Rust toolchain and cargo's programs.

import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
/** What setup remembers about this checkout. */
export const notes = join(root, '.setup')
export const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target')
export const cargoHome = process.env.CARGO_HOME ?? join(homedir(), '.cargo')
/** Cargo programs of this checkout only, for a machine that has another version of them in its own place. */
export const ownPrograms = join(notes, 'cargo')
export const wasmToolchainNote = join(notes, 'wasm-toolchain')

/** The environment for every tool: cargo's programs are found even where the shell has not been told of them. */
export function toolEnv(extra = {}) {
  return { ...process.env, PATH: [join(ownPrograms, 'bin'), join(cargoHome, 'bin'), process.env.PATH].join(delimiter), ...extra }
}

/**
 * The same for what builds for wasm32. The toolchain is SHELFLIFE_WASM_TOOLCHAIN, else the one that setup made, else the default one.
 * Paths of this machine are kept out of what is built.
 */
export function wasmEnv(extra = {}) {
  const name = process.env.SHELFLIFE_WASM_TOOLCHAIN ?? (existsSync(wasmToolchainNote) ? readFileSync(wasmToolchainNote, 'utf8').trim() : '')
  const flags = [`--remap-path-prefix=${cargoHome}=/cargo`, `--remap-path-prefix=${root}=/shelflife`]
  return toolEnv({
    ...(name === '' ? {} : { RUSTUP_TOOLCHAIN: name }),
    CARGO_ENCODED_RUSTFLAGS: [process.env.CARGO_ENCODED_RUSTFLAGS, ...flags].filter(Boolean).join('\x1f'),
    ...extra,
  })
}
