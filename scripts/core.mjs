// The core: cargo (release, one .wasm) -> the glue of wasm-bindgen -> wasm-opt -> js/core/generated.
// Its parts are separate so that setup can run the slow ones side by side.

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './run.mjs'
import { root, target, wasmEnv } from './toolchain.mjs'

export const generated = join(root, 'js/core/generated')

const WASM = 'wasm32-unknown-unknown'
/** What rustc emits for wasm32 today; every runtime we serve has had them for years. */
const FEATURES = ['bulk-memory', 'reference-types', 'mutable-globals', 'sign-ext', 'nontrapping-float-to-int', 'multivalue']
const bindgenFiles = ['scripts/bindgen/Cargo.toml', 'scripts/bindgen/Cargo.lock', 'scripts/bindgen/src/main.rs']
const bindgenStamp = join(target, 'bindgen/stamp')
const coreStamp = join(generated, 'stamp')

/** Whether the generated core is what the sources say. */
export const coreIsCurrent = () => stampIs(coreStamp, coreInputs())

/** Whether the tool that makes the glue is built. */
export const bindgenIsCurrent = () => stampIs(bindgenStamp, hashOf(bindgenFiles))

/** Compiles the tool that makes the glue. */
export async function compileBindgen() {
  await run('cargo', ['build', '--release', '--manifest-path', 'scripts/bindgen/Cargo.toml', '--target-dir', join(target, 'bindgen')])
  writeFileSync(bindgenStamp, hashOf(bindgenFiles))
}

/** Compiles the crate for wasm32. */
export async function compileCore() {
  await run('cargo', ['build', '--release', '--lib', '--target', WASM, '--target-dir', target], { env: wasmEnv() })
}

/** Makes js/core/generated out of what the two compilations gave. */
export async function bindCore() {
  const inputs = coreInputs()
  rmSync(generated, { recursive: true, force: true })
  mkdirSync(generated, { recursive: true })
  await run(join(target, 'bindgen/release/bindgen'), [join(target, WASM, 'release/shelflife.wasm'), generated])
  letBundlesDropClasses(join(generated, 'shelflife.js'))
  const raw = join(generated, 'shelflife_bg.wasm')
  const optimised = join(generated, 'shelflife.wasm')
  const features = FEATURES.map(feature => `--enable-${feature}`)
  await run(process.execPath, [join(root, 'node_modules/binaryen/bin/wasm-opt'), '-O3', ...features, raw, '-o', optimised])
  const bytes = readFileSync(optimised)
  if (!WebAssembly.validate(bytes)) throw new Error('this Node cannot load the core that was built')
  // Hexadecimal, not base64: whole bytes stay visible to a compressor, 31 kB against 41 kB under brotli.
  writeFileSync(join(generated, 'wasm-inline.js'), `export const hex = '${bytes.toString('hex')}'\n`)
  writeFileSync(join(generated, 'wasm-inline.d.ts'), 'export const hex: string\n')
  rmSync(raw)
  writeFileSync(coreStamp, inputs)
}

/**
 * The glue gives each class a `Symbol.dispose` by an assignment after it, which keeps every class in every bundle. Nothing of ours
 * disposes of handles that way.
 */
function letBundlesDropClasses(file) {
  const glue = readFileSync(file, 'utf8')
  const freed = glue.replace(/^if \(Symbol\.dispose\) .*\n/gm, '')
  if (freed === glue) throw new Error('the glue of wasm-bindgen has changed: it assigns no Symbol.dispose any more')
  writeFileSync(file, freed)
}

/** One hash over files, their names included; a missing file counts as missing. */
export function hashOf(files) {
  const hash = createHash('sha256')
  for (const file of files) {
    hash.update(`${file}\0`)
    if (existsSync(join(root, file))) hash.update(readFileSync(join(root, file)))
  }
  return hash.digest('hex')
}

/** Every file below a folder of this checkout, sorted, as paths from its root. */
export function filesBelow(folder) {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort()
}

export function stampIs(file, value) {
  return existsSync(file) && readFileSync(file, 'utf8') === value
}

function coreInputs() {
  return hashOf([...filesBelow('src'), 'Cargo.toml', 'Cargo.lock', ...bindgenFiles, 'scripts/core.mjs', 'scripts/toolchain.mjs'])
}
