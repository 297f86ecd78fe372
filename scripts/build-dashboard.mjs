// The page of www/dashboard, as files with their types: what `shelflife/admin` carries. Of the package it imports types only.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './toolchain.mjs'

const folder = join(root, 'www/dashboard')

/** By the name under which each is served. */
export async function dashboardFiles() {
  const { build } = await import('esbuild')
  const { outputFiles } = await build({
    entryPoints: { dashboard: join(folder, 'main.ts'), style: join(folder, 'dashboard.css') },
    outdir: folder,
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    charset: 'utf8',
    logLevel: 'warning',
  })
  const built = ending => outputFiles.find(({ path }) => path.endsWith(ending)).text
  const read = file => readFileSync(join(root, 'www', file), 'utf8')
  return {
    'index.html': { type: 'text/html; charset=utf-8', body: read('dashboard/index.html') },
    'dashboard.js': { type: 'text/javascript; charset=utf-8', body: built('dashboard.js') },
    'dashboard.css': { type: 'text/css; charset=utf-8', body: built('style.css') },
    'icon.svg': { type: 'image/svg+xml', body: read('icon.svg') },
  }
}
