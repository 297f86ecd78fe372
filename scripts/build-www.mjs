// The pages of www/ -> www/dist/. Bundled against dist/, as a user's bundler would; well under a second.

import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Builds the pages. dist/ must be there. */
export async function buildWww() {
  const { build } = await import('esbuild')
  const out = join(root, 'www/dist')
  rmSync(out, { recursive: true, force: true })
  mkdirSync(out, { recursive: true })
  await build({
    entryPoints: [join(root, 'www/main.ts'), join(root, 'www/style.css')],
    outdir: out,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    charset: 'utf8',
    logLevel: 'warning',
    // Chunks of dist/ are imported for their order as well; they have no side effects.
    logOverride: { 'ignored-bare-import': 'silent' },
    // Without tsconfig's `paths`, `shelflife` is what package.json exports.
    tsconfigRaw: {},
  })
  for (const name of ['index.html', 'icon.svg']) copyFileSync(join(root, 'www', name), join(out, name))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildWww()
