#!/usr/bin/env node
// What `import { createCache } from 'shelflife'` adds to a bundle: esbuild, minified, brotli.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { brotliCompressSync } from 'node:zlib'
import { root } from './toolchain.mjs'

export const BUDGET_BYTES = 60_000

/** The size in bytes of what importing `name` of the built package adds to a bundle. */
export async function addedBytes(name) {
  const { build } = await import('esbuild')
  const made = await build({
    stdin: { contents: `import { ${name} } from './dist/index.js'\nglobalThis.kept = ${name}`, resolveDir: root },
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
    external: ['node:*'],
    logLevel: 'error',
  })
  return { minified: made.outputFiles[0].contents.length, brotli: brotliCompressSync(made.outputFiles[0].contents).length }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  if (!existsSync(join(root, 'dist/index.js'))) throw new Error('dist/ is not built')
  const { minified, brotli } = await addedBytes('createCache')
  console.log(
    `createCache adds ${(brotli / 1000).toFixed(1)} kB brotli (${(minified / 1000).toFixed(1)} kB minified); the budget is ${BUDGET_BYTES / 1000} kB`,
  )
  if (brotli > BUDGET_BYTES) process.exitCode = 1
}
