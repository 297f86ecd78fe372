#!/usr/bin/env node
// Who may know whom. Each rule reads the tree below `base` and gives its violations as lines; none means it holds.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { pathToFileURL } from 'node:url'
import { PARTS } from './core.mjs'
import { root } from './toolchain.mjs'

/** Rust modules that every room may use. All others are siblings. */
const RUST_LEAVES = ['time', 'column', 'slab', 'wheel', 'histogram', 'window', 'hash', 'rng']
const WASM_CRATES = /\b(wasm_bindgen|js_sys|web_sys|serde_wasm_bindgen|console_error_panic_hook)\s*(?:::|[\](;]|as\b)/

/** Rooms of js/ that know nobody above: they may import each other and nothing else of js/. */
const JS_LEAVES = [
  'bytes',
  'errors',
  'options',
  'clock',
  'next-task',
  'glob',
  'abort-watch',
  'after-promises',
  'late-signal',
  'report',
  'wasm-types',
  'codec',
  'stores',
  'tier',
  'streams',
  'files',
  'http/transport',
]
/** What the core may import besides leaves: how its bytes are found. */
const JS_CORE = ['core', 'entry/inline-source', 'entry/slim-source', ...JS_LEAVES]

/** What the core may ask of JavaScript, without the hash that wasm-bindgen appends. Whatever is new here costs a call across the border. */
const WASM_IMPORTS = [
  /^__wbindgen_init_externref_table$/,
  /^__wbindgen_(cast|generic)_[0-9a-f]+$/,
  /^__wbg___wbindgen_(throw|is_|boolean_get|number_get|string_get|bigint_get|debug_string|in|jsval_|copy_to_typed_array)/,
  /^__wbindgen_(throw|object_|is_|string_|number_|error_new)/,
  /^__wbg_(Error|Number|String|entries|get|getwithrefkey|set|new|next|done|value|isArray|isSafeInteger|iterator|length|from|call|prototypesetcall|instanceof_(ArrayBuffer|Map|Uint8Array))/,
]

export const rules = {
  'Rust siblings do not import each other': rustSiblings,
  'only src/wasm names wasm_bindgen': wasmNames,
  'only js/core imports the generated glue': glueImports,
  'every handle belongs to a part of the core': handlesInParts,
  'leaves of js/ do not import upward': leavesUpward,
  'www uses the package by its public name': wwwImports,
  'the core asks only allowed things of JavaScript': wasmImports,
}

function rustSiblings(base) {
  return rustFiles(base).flatMap(({ file, code }) => {
    const [room, ...rest] = file.slice('src/'.length).replace(/\.rs$/, '').split('/')
    if (room === 'lib' || room === 'wasm') return []
    const depth = 1 + rest.filter(part => part !== 'mod').length
    return roomsNamed(code, depth)
      .filter(other => other !== room && !RUST_LEAVES.includes(other) && moduleExists(base, other))
      .map(other => `${file} imports its sibling ${other}`)
  })
}

/** The modules of the crate that `code` names: `crate::x`, `crate::{x, y::z}`, or enough `super::` to come to the root. */
function roomsNamed(code, depth) {
  const named = []
  for (const match of code.matchAll(/\b(?:crate|((?:super::)*super))\s*::\s*(?:(\w+)|\{)/g)) {
    const [whole, supers = '', name] = match
    if (supers !== '' && supers.split('::').length < depth) continue
    if (name !== undefined) named.push(name)
    else named.push(...headsOfGroup(code.slice(match.index + whole.length)))
  }
  return named
}

/** The first names inside a brace group, given what follows its opening brace. */
function headsOfGroup(text) {
  const heads = []
  let depth = 0
  let head = ''
  for (const char of text) {
    if (char === '{') depth += 1
    else if (char === '}' && depth === 0) break
    else if (char === '}') depth -= 1
    else if (char === ',' && depth === 0) {
      heads.push(head)
      head = ''
    } else if (depth === 0) head += char
  }
  return [...heads, head].map(text => /\w+/.exec(text)?.[0]).filter(Boolean)
}

function moduleExists(base, name) {
  return existsSync(join(base, `src/${name}.rs`)) || existsSync(join(base, `src/${name}/mod.rs`))
}

function wasmNames(base) {
  return rustFiles(base)
    .filter(({ file }) => !file.startsWith('src/wasm/'))
    .flatMap(({ file, code }) => (WASM_CRATES.test(code) ? [`${file} names ${WASM_CRATES.exec(code)[1]}`] : []))
}

/** A handle that no feature holds back would be carried by all parts; one whose feature no part has, by none. What `inspect` adds is for none. */
function handlesInParts(base) {
  const file = 'src/wasm/mod.rs'
  if (!existsSync(join(base, file))) return []
  const machines = Object.values(PARTS).flat()
  const mods = withoutComments(readFileSync(join(base, file), 'utf8')).matchAll(/(?:#\[cfg\(feature = "(\w+)"\)\]\s*)?\bmod (\w+);/g)
  return Array.from(mods).flatMap(([, feature, name]) =>
    machines.includes(feature) || name === 'inspect' ? [] : [`${file}: no part of the core has ${name}`],
  )
}

function glueImports(base) {
  return importsBelow(base, 'js').flatMap(({ file, to }) => {
    if (!to.includes('core/generated/') || file.startsWith('js/core/')) return []
    return [`${file} imports ${to}`]
  })
}

function leavesUpward(base) {
  return importsBelow(base, 'js').flatMap(({ file, to, typeOnly }) => {
    if (to.includes('core/generated/')) return []
    // A tier brings the parts of the core that keep its directory and make bytes fewer. Of the driver, which it is lent, it names the types.
    if (inRooms(file, ['tier']) && (inRooms(to, ['core/segments-core', 'core/lz4-core']) || (typeOnly && inRooms(to, ['core'])))) return []
    const allowed = inRooms(file, JS_LEAVES) ? JS_LEAVES : inRooms(file, ['core']) ? JS_CORE : undefined
    return allowed === undefined || inRooms(to, allowed) ? [] : [`${file} imports ${to}`]
  })
}

function inRooms(file, rooms) {
  const path = file.slice('js/'.length)
  return rooms.some(room => path === `${room}.ts` || path.startsWith(`${room}/`) || (room.includes('/') && path.startsWith(room)))
}

function wwwImports(base) {
  return importsBelow(base, 'www').flatMap(({ file, to }) => (/^(js|dist)\//.test(to) ? [`${file} imports ${to}`] : []))
}

function wasmImports(base) {
  const file = join(base, 'dist/core.wasm')
  if (!existsSync(file)) return ['dist/core.wasm is not built']
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(readFileSync(file)))
  return imports
    .filter(({ module, name }) => module !== './shelflife_bg.js' || !WASM_IMPORTS.some(allowed => allowed.test(name)))
    .map(({ module, name }) => `the core imports ${module} ${name}`)
}

function rustFiles(base) {
  return filesOf(base, 'src', /\.rs$/).map(file => ({ file, code: withoutComments(readFileSync(join(base, file), 'utf8')) }))
}

/** Every relative import below a folder, type-only ones too, as paths from `base`. */
function importsBelow(base, folder) {
  return filesOf(base, folder, /\.(ts|mts|js|mjs|tsx|jsx)$/).flatMap(file => {
    const code = withoutComments(readFileSync(join(base, file), 'utf8'))
    const found = code.matchAll(/(?:(\bimport\s+type\b[^'"]*\bfrom)|\bfrom|\bimport|\bimport\s*\()\s*['"](\.{1,2}\/[^'"]+)['"]/g)
    return Array.from(found, ([, typed, to]) => ({ file, to: normalize(join(dirname(file), to)), typeOnly: typed !== undefined }))
  })
}

function filesOf(base, folder, kind) {
  if (!existsSync(join(base, folder))) return []
  return readdirSync(join(base, folder), { recursive: true })
    .map(file => `${folder}/${file}`)
    .filter(file => kind.test(file) && !/(^|\/)(generated|node_modules|dist)\//.test(file))
}

function withoutComments(code) {
  return code.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1')
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const [rule, find] of Object.entries(rules)) {
    const violations = find(root)
    console.log(`${violations.length === 0 ? 'ok' : 'FAILED'} ${rule}${violations.map(line => `\n  ${line}`).join('')}`)
    if (violations.length > 0) process.exitCode = 1
  }
}
