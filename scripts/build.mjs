#!/usr/bin/env node
// The core, then TypeScript -> dist/. `--core` stops after the core and its glue, which is all that the TypeScript sources need to run.
// What has not changed since the last time is left alone.

import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { bindCore, bindgenIsCurrent, compileBindgen, compileCore, coreIsCurrent, filesBelow, generated, hashOf, stampIs } from './core.mjs'
import { ProgramFailed, run } from './run.mjs'
import { notes, root } from './toolchain.mjs'

const dist = join(root, 'dist')
const packageStamp = join(notes, 'dist')

/** Whether dist/ is what the sources say. */
export const packageIsCurrent = () => coreIsCurrent() && stampIs(packageStamp, packageInputs()) && filesBelow('dist').length > 0

export async function buildCore() {
  if (coreIsCurrent()) return
  await Promise.all([compileCore(), bindgenIsCurrent() || compileBindgen()])
  await bindCore()
}

/** esbuild for what runs, tsc for the types. */
export async function buildPackage() {
  if (packageIsCurrent()) return
  const { build } = await import('esbuild')
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
  const entries = ['index', 'testing', 'lru-cache', 'cache-manager', 'stores/indexeddb', 'stores/fs'].map(name => ({
    in: join(root, `js/${name}.ts`),
    out: name,
  }))
  // The glue has side effects, as wasm-bindgen writes it. In a file of its own it is dropped from bundles that use nothing of the core.
  const door = { in: join(root, 'js/core/door.ts'), out: 'chunks/core' }
  await build({ ...shared, entryPoints: [...entries, door], splitting: true, chunkNames: 'chunks/[name]-[hash]' })
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
  await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '--project', 'tsconfig.build.json'])
  // The types of `shelflife/testing` lead through the door to those of the glue, which tsc does not copy.
  cpSync(join(generated, 'shelflife.d.ts'), join(dist, 'types/core/generated/shelflife.d.ts'))
  mkdirSync(notes, { recursive: true })
  writeFileSync(packageStamp, packageInputs())
}

function packageInputs() {
  return hashOf([...filesBelow('js'), 'package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'scripts/build.mjs'])
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    if (!coreIsCurrent()) console.error('build: the core: cargo, wasm-bindgen, wasm-opt')
    await buildCore()
    if (!process.argv.includes('--core') && !packageIsCurrent()) {
      console.error('build: the package: esbuild, tsc')
      await buildPackage()
    }
  } catch (error) {
    console.error(error instanceof ProgramFailed ? `${error.output}\nbuild: ${error.message}` : error)
    process.exitCode = 1
  }
}
