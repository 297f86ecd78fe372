// Workers of the installed package: Node as it is, a page without a bundler (see tests/e2e), and what Vite makes of a worker of one's own.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { build as esbuild } from 'esbuild'
import { build as vite } from 'vite'
import { launchChromium, serve, skip } from '../e2e/chromium.mjs'
import { filesOf, installTarball, runInNode, write } from './installed.mjs'

const { folder, remove } = installTarball()
after(remove)

write(folder, 'double.js', 'export const handler = items => items.map(item => item * 2)\n')
write(folder, 'double.worker.js', "import { serve } from 'shelflife/worker'\nimport { handler } from './double.js'\nserve(handler)\n")
const EXPECTED = ['ok', [0, 2, 4, 6, 8]]

/** @param {string} module */
const using = module => `
  const { status, results, errors } = await processBatch([0, 1, 2, 3, 4], { module: ${module}, workers: 2, batchSize: 2 })
  const answer = [status, results.map(({ value, reason }) => value ?? String(reason))]
`

test('Node finds the script of a worker beside the package', () => {
  const text = `import { processBatch } from 'shelflife'\n${using("new URL('./double.js', import.meta.url)")}console.log(JSON.stringify(answer))\n`
  assert.deepEqual(runInNode(write(folder, 'node.js', text)), EXPECTED)
  const slim = text.replace("'shelflife'", "'shelflife/slim'").replace(
    'const {',
    `import { readFileSync } from 'node:fs'
       import { useCore } from 'shelflife/slim'
       useCore(new WebAssembly.Module(readFileSync(new URL(import.meta.resolve('shelflife/core.wasm')))))
       const {`,
  )
  assert.deepEqual(runInNode(write(folder, 'slim-node.js', slim)), EXPECTED)
})

test('Node runs what esbuild makes of a worker of one’s own', async () => {
  const text = `import { Worker } from 'node:worker_threads'\nimport { processBatch } from 'shelflife'
    ${using("() => new Worker(new URL('./double.worker.js', import.meta.url))")}console.log(JSON.stringify(answer))\n`
  const entryPoints = [write(folder, 'own.js', text), join(folder, 'double.worker.js')]
  const outdir = join(folder, 'bundles')
  const { warnings } = await esbuild({ entryPoints, outdir, bundle: true, format: 'esm', platform: 'node', logLevel: 'error' })
  assert.deepEqual([warnings, runInNode(join(outdir, 'own.js'))], [[], EXPECTED])
})

for (const [form, module] of /** @type {const} */ ([
  ['a worker of one’s own', "() => new Worker(new URL('./double.worker.js', import.meta.url), { type: 'module' })"],
  ['a module without imports', "new URL('./double.js', import.meta.url)"],
])) {
  test(`Chromium runs what Vite makes of ${form}`, { skip }, async () => {
    write(folder, 'page.js', `import { processBatch } from 'shelflife'\n${using(module)}globalThis.answer = answer\n`)
    write(folder, 'index.html', '<!doctype html><title>workers</title><script type="module" src="./page.js"></script>')
    await vite({
      root: folder,
      logLevel: 'error',
      configFile: false,
      build: { outDir: 'bundles/vite', emptyOutDir: true, target: 'es2022' },
    })
    const made = join(folder, 'bundles/vite')
    const files = Object.fromEntries(filesOf(made).map(file => [`/${file === 'index.html' ? '' : file}`, readFileSync(join(made, file))]))
    const server = await serve(files)
    const browser = await launchChromium()
    try {
      const page = await browser.newPage()
      await page.goto(server.origin)
      await page.waitForFunction('globalThis.answer !== undefined', undefined, { timeout: 10_000 })
      assert.deepEqual(await page.evaluate('globalThis.answer'), EXPECTED)
    } finally {
      await browser.close()
      await server.close()
    }
  })
}
