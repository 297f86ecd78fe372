#!/usr/bin/env node
// What imports of the built package add to a bundle: esbuild, minified, brotli. `createCache` has a budget (law L6).

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { brotliCompressSync } from 'node:zlib'
import { PARTS } from './core.mjs'
import { root } from './toolchain.mjs'

export const BUDGET_BYTES = 60_000
/** Never written. */
const OUT = 'bundle'

/** Imports whose sizes are worth watching: what is named after `#`, or everything, of a file of dist/. */
const WATCHED = [
  'index#createMemoryCache',
  'index#createCache',
  'index#createFetch',
  'index#processBatch',
  'index#createRegistry',
  'stores/indexeddb',
  'stores/fs',
  'stores/sqlite',
  'stores/keyv',
  'stores/redis',
  'transports/undici',
  'admin',
  'lru-cache',
  'index',
  'slim',
]

/**
 * The sizes in bytes of what importing `watched` adds to a bundle, and the parts of the core it carries. What is loaded only when it is
 * needed is a file of its own, and not counted.
 */
export async function added(watched) {
  const { build } = await import('esbuild')
  const [file, name] = watched.split('#')
  const names = name === undefined ? '* as kept' : `{ ${name} as kept }`
  const made = await build({
    stdin: { contents: `import ${names} from './dist/${file}.js'\nglobalThis.kept = kept`, resolveDir: root },
    bundle: true,
    minify: true,
    format: 'esm',
    splitting: true,
    outdir: OUT,
    metafile: true,
    write: false,
    external: ['node:*', 'redis', 'undici'],
    logLevel: 'error',
    charset: 'utf8',
    absWorkingDir: root,
  })
  const contents = Buffer.concat(loadedAtOnce(made, { entry: `${OUT}/stdin.js`, folder: root }))
  const text = contents.toString()
  const texts = await Promise.all(Object.keys(PARTS).map(async part => [part, await inlinedText(part)]))
  const parts = texts.filter(([, inlined]) => text.includes(inlined)).map(([part]) => part)
  return { minified: contents.length, brotli: brotliCompressSync(contents).length, parts }
}

/** The bytes of the entry and of all that it imports statically, of what esbuild made in `folder`. */
export function loadedAtOnce({ outputFiles, metafile: { outputs } }, { entry, folder }) {
  const wanted = [entry]
  for (const file of wanted) {
    for (const { path, kind } of outputs[file].imports) {
      if (kind === 'import-statement' && path in outputs && !wanted.includes(path)) wanted.push(path)
    }
  }
  return wanted.map(file => outputFiles.find(({ path }) => path === join(folder, file)).contents)
}

async function inlinedText(part) {
  return (await import(`../js/core/generated/${part}/inline.js`)).text
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  if (!existsSync(join(root, 'dist/index.js'))) throw new Error('dist/ is not built')
  const kB = bytes => `${(bytes / 1000).toFixed(1)} kB`.padStart(9)
  console.log(`${'import'.padEnd(26)}   brotli  minified  parts of the core`)
  for (const watched of WATCHED) {
    const { minified, brotli, parts } = await added(watched)
    console.log(`${watched.padEnd(24)}${kB(brotli)} ${kB(minified)}  ${parts.join(', ') || '-'}`)
  }
  const { brotli } = await added('index#createCache')
  console.log(`createCache adds ${kB(brotli).trim()} brotli; the budget is ${BUDGET_BYTES / 1000} kB`)
  if (brotli > BUDGET_BYTES) process.exitCode = 1
}
