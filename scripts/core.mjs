// The core: cargo (release, a .wasm for each part) -> the glue of wasm-bindgen -> wasm-opt -> js/core/generated/<part>.
// The steps are separate so that setup can run the slow ones side by side.

import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './run.mjs'
import { root, target, wasmEnv } from './toolchain.mjs'

export const generated = join(root, 'js/core/generated')

/**
 * The parts of the core: modules of their own, so that a bundle carries only those it uses, and the machines (cargo features) in each.
 * `shelflife` is `core.wasm`: all that `shelflife/slim` needs, in one module. Stores bring their own part, there too.
 */
export const PARTS = {
  cache: ['cache'],
  schedule: ['schedule'],
  batch: ['batch'],
  metrics: ['metrics'],
  segments: ['segments'],
  lz4: ['lz4'],
  shelflife: ['cache', 'schedule', 'batch', 'metrics'],
}

const WASM = 'wasm32-unknown-unknown'
/** What rustc emits for wasm32 today; every runtime we serve has had them for years. */
const FEATURES = ['bulk-memory', 'reference-types', 'mutable-globals', 'sign-ext', 'nontrapping-float-to-int', 'multivalue']
const bindgenFiles = [
  'scripts/bindgen/Cargo.toml',
  'scripts/bindgen/Cargo.lock',
  'scripts/bindgen/src/main.rs',
  'scripts/bindgen/src/panics.rs',
]
const bindgenStamp = join(target, 'bindgen/stamp')
const compiled = join(target, 'parts')

/** Whether the generated core is what the sources say. */
export const coreIsCurrent = () => staleParts().length === 0

/** Builds for debugging: panics with their messages, and handles that show their machines; a third larger. */
const isDebug = process.env.SHELFLIFE_DEBUG_CORE === '1'

const staleParts = () => Object.keys(PARTS).filter(part => !stampIs(join(generated, part, 'stamp'), inputsOf(part)))

/** Whether the tool that makes the glue is built. */
export const bindgenIsCurrent = () => stampIs(bindgenStamp, hashOf(bindgenFiles))

/** Compiles the tool that makes the glue. */
export async function compileBindgen() {
  await run('cargo', ['build', '--release', '--manifest-path', 'scripts/bindgen/Cargo.toml', '--target-dir', join(target, 'bindgen')])
  writeFileSync(bindgenStamp, hashOf(bindgenFiles))
}

/**
 * Compiles the crate for wasm32, once for each part that has changed; its dependencies are compiled once for all. Without places and values in the messages of panics, which nobody sees in a release, it is 7 %
 * smaller and carries no path. The flags are not stable yet, so the compiler has to be asked to take them.
 */
export async function compileCore() {
  const env = wasmEnv({ RUSTC_BOOTSTRAP: '1' })
  if (!isDebug) env.CARGO_ENCODED_RUSTFLAGS = [env.CARGO_ENCODED_RUSTFLAGS, '-Zlocation-detail=none', '-Zfmt-debug=none'].join('\x1f')
  const build = ['build', '--release', '--lib', '--target', WASM, '--target-dir', target, '--no-default-features', '--features']
  mkdirSync(compiled, { recursive: true })
  for (const part of staleParts()) {
    const features = isDebug ? [...PARTS[part], 'inspect'] : PARTS[part]
    await run('cargo', [...build, features.join()], { env })
    copyFileSync(join(target, WASM, 'release/shelflife.wasm'), join(compiled, `${part}.wasm`))
  }
}

/** Makes js/core/generated out of what the two compilations gave. */
export async function bindCore() {
  await Promise.all(staleParts().map(bindPart))
}

async function bindPart(part) {
  const inputs = inputsOf(part)
  const folder = join(generated, part)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  await run(join(target, 'bindgen/release/bindgen'), [join(compiled, `${part}.wasm`), folder, ...(isDebug ? ['keep-panics'] : [])])
  trimGlue(join(folder, 'shelflife.js'))
  const raw = join(folder, 'shelflife_bg.wasm')
  const optimised = join(folder, 'shelflife.wasm')
  const features = FEATURES.map(feature => `--enable-${feature}`)
  await run(process.execPath, [join(root, 'node_modules/binaryen/bin/wasm-opt'), '-O3', ...features, raw, '-o', optimised])
  const bytes = readFileSync(optimised)
  if (!WebAssembly.validate(bytes)) throw new Error(`this Node cannot load the part '${part}' of the core that was built`)
  const { alphabet, text } = asText(bytes)
  writeFileSync(join(folder, 'inline.js'), `export const alphabet = '${alphabet}'\nexport const text = '${text}'\n`)
  writeFileSync(join(folder, 'inline.d.ts'), 'export const alphabet: string\nexport const text: string\n')
  rmSync(raw)
  writeFileSync(join(folder, 'stamp'), inputs)
}

/** Characters that stand for themselves in a string literal, in any encoding. */
const PRINTABLE = Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at)).filter(char => !"'\\\\`$".includes(char))
/** The first of them announce a rare byte: with the character behind them they number those. */
const ESCAPES = 2

/**
 * Kinds of characters, and the bytes that get them. A compressor foretells a character by the kinds of the two before it (RFC 7932, section
 * 7.1: digits, small letters, capitals, signs), so bytes of one role get characters of one kind, which takes 2 % off the core.
 */
const ROLES = [
  // What names a local, a branch on a condition, and bytes behind which a number goes on.
  { kind: /[0-9]/, plays: byte => byte === 0x0d || (byte >= 0x20 && byte <= 0x23) || byte >= 0x80 },
  // Small numbers: of locals, labels and places. 0x0b is the end of a block.
  { kind: /[a-z]/, plays: byte => byte < 0x20 && byte !== 0x0b },
  // Comparisons and sums.
  { kind: /[A-Z]/, plays: byte => byte >= 0x45 && byte <= 0x7e },
]

/**
 * Bytes as text that a compressor still understands: the most frequent ones are a character each, the others two. Under brotli the
 * core takes 43 kB so, against 45 kB in hexadecimal and 56 kB in base64. `alphabet` lists the bytes, in hexadecimal, in the order of their characters.
 */
function asText(bytes) {
  const counts = new Array(256).fill(0)
  for (const byte of bytes) counts[byte] += 1
  const ranked = [...counts.keys()].sort((a, b) => counts[b] - counts[a])
  const frequent = byCharacter(ranked.slice(0, PRINTABLE.length - ESCAPES))
  const rare = ranked.slice(PRINTABLE.length - ESCAPES).sort((a, b) => a - b)
  const written = new Map(frequent.map((byte, at) => [byte, PRINTABLE[ESCAPES + at]]))
  for (const [at, byte] of rare.entries())
    written.set(byte, PRINTABLE[Math.floor(at / PRINTABLE.length)] + PRINTABLE[at % PRINTABLE.length])
  return { alphabet: Buffer.from([...frequent, ...rare]).toString('hex'), text: Array.from(bytes, byte => written.get(byte)).join('') }
}

/** Bytes, the most frequent first, in the order of the characters that they get: where a role has no room for all, the others get signs. */
function byCharacter(bytes) {
  const characters = PRINTABLE.slice(ESCAPES)
  const waiting = new Set(bytes)
  const placed = new Array(characters.length)
  for (const { kind, plays } of ROLES) {
    const places = [...characters.keys()].filter(at => kind.test(characters[at]))
    const players = [...waiting].filter(plays).slice(0, places.length)
    for (const [at, byte] of players.sort((a, b) => a - b).entries()) {
      placed[places[at]] = byte
      waiting.delete(byte)
    }
  }
  const others = [...waiting].sort((a, b) => a - b)
  return Array.from(placed, byte => byte ?? others.shift())
}

/** What the glue does that nothing of ours needs. */
const SUPERFLUOUS = [
  // An assignment after each class, which keeps every class in every bundle. We free handles by `free`.
  /^if \(Symbol\.dispose\) .*\n/gm,
  // Whether the object is of an instance that is gone: the door knows that before it calls.
  /^ +if \(this\.__wbg_inst !== undefined .*\n.*throw.*\n +\}\n/gm,
  // The mark that this would go by.
  /^ +Object\.defineProperty\(this, '__wbg_inst', .*\n/gm,
  // Arguments as an older version took them.
  / else \{\n +console\.warn\('using deprecated parameters for `initSync\(\)`.*\n +\}/g,
  // Whether a panic that was caught has asked for a new instance: ours trap.
  /^ +__wbg_call_guard\(\);\n/gm,
]

/** Leaves out of the glue what costs every bundle something and does nothing for us. */
function trimGlue(file) {
  let glue = readFileSync(file, 'utf8')
  for (const superfluous of SUPERFLUOUS) {
    if (glue.search(superfluous) < 0) throw new Error(`the glue of wasm-bindgen has changed: it has nothing like ${superfluous} any more`)
    glue = glue.replaceAll(superfluous, '')
  }
  writeFileSync(file, glue)
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

/** The machines of other parts are not compiled for this one. */
function inputsOf(part) {
  const others = Object.values(PARTS)
    .flat()
    .filter(machine => !PARTS[part].includes(machine))
  const sources = filesBelow('src').filter(file => !others.includes(/^src\/(?:wasm\/)?(\w+)/.exec(file)?.[1]))
  const inputs = hashOf([...sources, 'Cargo.toml', 'Cargo.lock', ...bindgenFiles, 'scripts/core.mjs', 'scripts/toolchain.mjs'])
  return isDebug ? `${inputs} for debugging` : inputs
}
