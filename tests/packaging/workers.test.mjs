// Workers of the installed package: Node as it is, a page without a bundler (see tests/e2e), and what bundlers make of a worker of one's own.

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { build as esbuild } from 'esbuild'
import { build as vite } from 'vite'
import { launchChromium, serve, skip } from '../e2e/chromium.mjs'
import { filesOf, installTarball, runInNode, write } from './installed.mjs'

/** Its types are as large as it is. @type {any} */
const webpack = createRequire(import.meta.url)('webpack')

const { folder, remove } = installTarball()
after(remove)
/** @type {import('playwright-core').Browser} */
let browser

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
    `import { readFileSync, writeFileSync } from 'node:fs'
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

test('Node runs what webpack makes of a worker of one’s own', async () => {
  // The name is not imported: webpack 5.112 puts the threads of Node in its place, and makes nonsense of an imported one.
  const text = `import { processBatch } from 'shelflife'
    ${using("() => new Worker(new URL('./double.worker.js', import.meta.url))")}console.log(JSON.stringify(answer))\n`
  const made = await webpacked(write(folder, 'webpack-own.js', text), {
    target: 'node20',
    output: { filename: 'own.cjs', chunkFilename: '[id].cjs' },
  })
  assert.deepEqual(runInNode(join(made, 'own.cjs')), EXPECTED)
})

const PAGE = '<!doctype html><title>workers</title><script type="module" src="./page.js"></script>'

/**
 * By bundler: what it makes of the page, as a folder.
 * @type {Record<string, () => Promise<string>>}
 */
const bundlers = {
  async Vite() {
    const made = join(folder, 'bundles/vite')
    await vite({
      root: folder,
      logLevel: 'error',
      configFile: false,
      build: { outDir: made, emptyOutDir: true, target: 'es2022' },
    })
    return made
  },
  async webpack() {
    const made = await webpacked(join(folder, 'page.js'), { output: { filename: 'page.js' } })
    writeFileSync(join(made, 'index.html'), PAGE)
    return made
  },
}

/**
 * What webpack makes of a module without being told anything about this package. It has nothing to complain of.
 * @param {string} entry
 * @param {{ output: object, target?: string }} more
 */
async function webpacked(entry, { output, ...more }) {
  const path = join(folder, 'bundles/webpack')
  const compiler = webpack({
    mode: 'production',
    context: folder,
    entry,
    output: { path, clean: true, ...output },
    performance: false,
    // Takes most of the time, and is its own business.
    optimization: { minimize: false },
    ...more,
  })
  const stats = await promisify(compiler.run).call(compiler)
  await promisify(compiler.close).call(compiler)
  const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true })
  assert.deepEqual([errors, warnings], [[], []])
  return path
}

/** @param {string} made */
async function answerOf(made) {
  const files = Object.fromEntries(filesOf(made).map(file => [`/${file === 'index.html' ? '' : file}`, readFileSync(join(made, file))]))
  const server = await serve(files)
  const page = await browser.newPage()
  try {
    await page.goto(server.origin)
    await page.waitForFunction('globalThis.answer !== undefined', undefined, { timeout: 10_000 })
    return await page.evaluate('globalThis.answer')
  } finally {
    await page.close()
    await server.close()
  }
}

describe('in Chromium', { skip }, () => {
  before(async () => {
    browser = await launchChromium()
  })
  after(() => browser.close())

  for (const [name, bundle] of Object.entries(bundlers))
    for (const [form, module] of /** @type {const} */ ([
      ['a worker of one’s own', "() => new Worker(new URL('./double.worker.js', import.meta.url), { type: 'module' })"],
      ['a module without imports', "new URL('./double.js', import.meta.url)"],
    ]))
      test(`it runs what ${name} makes of ${form}`, async () => {
        write(folder, 'page.js', `import { processBatch } from 'shelflife'\n${using(module)}globalThis.answer = answer\n`)
        write(folder, 'index.html', PAGE)
        assert.deepEqual(await answerOf(await bundle()), EXPECTED)
      })
})
