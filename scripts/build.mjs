#!/usr/bin/env node
// The core, then TypeScript -> dist/. `--core` stops after the core and its glue, which is all that the TypeScript sources need to run.
// What has not changed since the last time is left alone.

import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { dashboardFiles } from './build-dashboard.mjs'
import {
  bindCore,
  bindgenIsCurrent,
  compileBindgen,
  compileCore,
  coreIsCurrent,
  filesBelow,
  generated,
  hashOf,
  PARTS,
  stampIs,
} from './core.mjs'
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
  const entries = [
    'index',
    'testing',
    'admin',
    'lru-cache',
    'cache-manager',
    'keyv',
    'prom-client',
    'opentelemetry',
    'workers',
    'worker',
    'stores/indexeddb',
    'stores/fs',
    'stores/sqlite',
    'stores/keyv',
    'stores/redis',
    'cli/shelflife',
  ].map(name => ({
    in: join(root, `js/${name}.ts`),
    out: name,
  }))
  entries.push({ in: join(root, 'js/http/transports/undici.ts'), out: 'transports/undici' })
  // The glue has side effects, as wasm-bindgen writes it. With a file for each part, bundles leave out the parts they do not use.
  const parts = Object.keys(PARTS)
    .filter(part => part !== 'shelflife')
    .map(part => ({ in: join(root, `js/core/parts/${part}.ts`), out: `chunks/core-${part}` }))
  const boot = { in: join(root, 'js/worker-boot.ts'), out: 'chunks/worker-boot' }
  const page = await dashboardFiles()
  const withDashboard = {
    name: 'with-dashboard',
    setup: ({ onLoad }) =>
      onLoad({ filter: /admin[\\/]page\.ts$/ }, () => ({ contents: `export const FILES = ${JSON.stringify(page)}`, loader: 'js' })),
  }
  const split = { splitting: true, chunkNames: 'chunks/[name]-[hash]' }
  await build({ ...shared, ...split, entryPoints: [...entries, ...parts, boot], plugins: [withDashboard] })
  const bringYourOwnCore = {
    name: 'bring-your-own-core',
    setup: ({ onLoad }) =>
      onLoad({ filter: /core[\\/]parts[\\/]\w+\.ts$/ }, ({ path }) =>
        path.endsWith('whole.ts')
          ? undefined
          : { contents: "export * from './whole.ts'", loader: 'ts', resolveDir: join(root, 'js/core/parts') },
      ),
  }
  await build({ ...shared, entryPoints: [{ in: join(root, 'js/entry/slim.ts'), out: 'slim' }], plugins: [bringYourOwnCore] })
  cpSync(join(generated, 'shelflife/shelflife.wasm'), join(dist, 'core.wasm'))
  await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '--project', 'tsconfig.build.json'])
  mkdirSync(notes, { recursive: true })
  writeFileSync(packageStamp, packageInputs())
}

function packageInputs() {
  const dashboard = [...filesBelow('www/dashboard'), 'www/icon.svg', 'scripts/build-dashboard.mjs']
  return hashOf([
    ...filesBelow('js'),
    ...dashboard,
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'scripts/build.mjs',
  ])
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
