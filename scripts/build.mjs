#!/usr/bin/env node
// cargo (release, one .wasm) -> wasm-bindgen -> wasm-opt -> TypeScript -> dist/.
// `--core` stops after the core and its glue, which is all that the TypeScript sources need to run.
// The core is left out when its inputs have not changed.

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { wasmToolchain } from './toolchain.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const generated = join(root, 'js/core/generated')
const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target')
const bin = name => join(root, 'node_modules/.bin', name)

buildCore()
if (!process.argv.includes('--core')) await buildPackage()

function buildCore() {
  const stamp = join(generated, 'stamp')
  const inputs = inputHash()
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === inputs) return
  say('the core: cargo, wasm-bindgen, wasm-opt')
  run('cargo', ['build', '--quiet', '--release', '--lib', '--target', 'wasm32-unknown-unknown', '--target-dir', target], {
    ...process.env,
    ...wasmToolchain(),
  })
  run('cargo', ['build', '--quiet', '--release', '--manifest-path', 'scripts/bindgen/Cargo.toml', '--target-dir', join(target, 'bindgen')])
  rmSync(generated, { recursive: true, force: true })
  mkdirSync(generated, { recursive: true })
  run(join(target, 'bindgen/release/bindgen'), [join(target, 'wasm32-unknown-unknown/release/shelflife.wasm'), generated])
  const raw = join(generated, 'shelflife_bg.wasm')
  const optimised = join(generated, 'shelflife.wasm')
  run('node', [
    bin('wasm-opt'),
    '-O3',
    '--enable-bulk-memory',
    '--enable-reference-types',
    '--enable-mutable-globals',
    '--enable-sign-ext',
    '--enable-nontrapping-float-to-int',
    '--enable-multivalue',
    raw,
    '-o',
    optimised,
  ])
  const bytes = readFileSync(optimised)
  WebAssembly.Module.exports(new WebAssembly.Module(bytes))
  writeFileSync(join(generated, 'wasm-inline.js'), `export const base64 = '${bytes.toString('base64')}'\n`)
  writeFileSync(join(generated, 'wasm-inline.d.ts'), 'export const base64: string\n')
  rmSync(raw)
  writeFileSync(stamp, inputs)
}

async function buildPackage() {
  say('the package: esbuild, tsc')
  const { build } = await import('esbuild')
  const dist = join(root, 'dist')
  rmSync(dist, { recursive: true, force: true })
  const shared = {
    bundle: true,
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
    outdir: dist,
    outbase: join(root, 'js'),
    logLevel: 'warning',
    external: ['node:*', 'undici', 'redis', 'keyv', 'better-sqlite3'],
    charset: 'utf8',
  }
  const entries = ['index.ts', 'testing.ts', 'stores/indexeddb.ts', 'stores/fs.ts'].map(name => join(root, 'js', name))
  await build({ ...shared, entryPoints: entries, splitting: true, chunkNames: 'chunks/[name]-[hash]' })
  const bringYourOwnCore = {
    name: 'bring-your-own-core',
    setup: ({ onLoad }) =>
      onLoad({ filter: /entry[\\/]inline-source\.ts$/ }, () => ({
        contents: "export { wasmSource } from './slim-source.ts'",
        loader: 'ts',
        resolveDir: join(root, 'js/entry'),
      })),
  }
  await build({ ...shared, entryPoints: [{ in: join(root, 'js/entry/slim.ts'), out: 'slim' }], plugins: [bringYourOwnCore] })
  cpSync(join(generated, 'shelflife.wasm'), join(dist, 'core.wasm'))
  run('node', [bin('tsc'), '--project', 'tsconfig.build.json'])
}

function inputHash() {
  const hash = createHash('sha256')
  const files = [
    ...walk('src'),
    'Cargo.toml',
    'Cargo.lock',
    ...walk('scripts/bindgen/src'),
    'scripts/bindgen/Cargo.toml',
    'scripts/build.mjs',
  ]
  for (const file of files) if (existsSync(join(root, file))) hash.update(file).update(readFileSync(join(root, file)))
  return hash.digest('hex')
}

function walk(folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort()
}

function run(command, args, env = process.env) {
  execFileSync(command, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] })
}

function say(line) {
  console.error(`build: ${line}`)
}
