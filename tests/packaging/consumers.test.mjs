// The installed package in the hands of those who use it: Node, esbuild, Vite, a page without a bundler, TypeScript.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { build as esbuild } from 'esbuild'
import { build as vite } from 'vite'
import { launchChromium, serve, skip } from '../e2e/chromium.mjs'
import { filesOf, installTarball, PARTS, root, runInNode, write } from './installed.mjs'

const { folder, shelflife, remove } = installTarball()
after(remove)

/** Two entries fit; `a` was used after `b`, so `b` makes room. */
const USE = `
export function use({ createMemoryCache }) {
  const cache = createMemoryCache({ max: 2 })
  cache.set('a', 1)
  cache.set('b', 2)
  cache.get('a')
  cache.set('c', 3)
  return ['a', 'b', 'c'].map(key => cache.get(key) ?? null)
}
`
const EXPECTED = [1, null, 3]
const PAGE = '<!doctype html><title>consumer</title><script type="module" src="/main.js"></script>'
write(folder, 'use.js', USE)
const main = write(folder, 'main.js', `import * as all from 'shelflife'\nimport { use } from './use.js'\nglobalThis.answer = use(all)\n`)
const printing = write(folder, 'printing.js', "import './main.js'\nconsole.log(JSON.stringify(globalThis.answer))\n")

/**
 * Loads a page whose script leaves something in `answer`.
 * @param {Record<string, string | Uint8Array>} files
 */
async function answerInChromium(files) {
  const server = await serve(files)
  const browser = await launchChromium()
  try {
    const page = await browser.newPage()
    const broken = new Promise((_, reject) => page.on('pageerror', reject))
    await page.goto(server.origin)
    await Promise.race([page.waitForFunction('globalThis.answer !== undefined'), broken])
    return await page.evaluate('globalThis.answer')
  } finally {
    await browser.close()
    await server.close()
  }
}

/**
 * The beginning of a part of the core, as bundles carry it.
 * @param {string} part
 */
async function inlined(part) {
  return (await import(`../../js/core/generated/${part}/inline.js`)).text.slice(0, 2000)
}

/** @param {import('esbuild').BuildOptions} options */
async function bundled(options) {
  const made = await esbuild({ bundle: true, format: 'esm', minify: true, write: false, logLevel: 'error', ...options })
  return made.outputFiles?.[0]?.text ?? ''
}

test('plain Node imports it', () => {
  assert.deepEqual(runInNode(printing), EXPECTED)
})

test('its import alone loads nothing of `fetch`', () => {
  const loaded = "process.moduleLoadList.filter(name => name.includes('undici'))"
  assert.deepEqual(runInNode(write(folder, 'idle.js', `import 'shelflife'\nconsole.log(JSON.stringify(${loaded}))\n`)), [])
})

test('npx shelflife compare says what became slower, and ends with a code for it', () => {
  const samples = (/** @type {number} */ factor) => Array.from({ length: 40 }, (_, at) => factor * (10 + ((at * 7) % 5)))
  const base = write(folder, 'runs/base.json', JSON.stringify({ load: samples(1) }))
  const slower = write(folder, 'runs/slower.json', JSON.stringify({ load: samples(2) }))
  const compare = (/** @type {string[]} */ ...args) =>
    spawnSync('npx', ['--no-install', 'shelflife', ...args], { cwd: folder, encoding: 'utf8', shell: process.platform === 'win32' })
  const { status, stdout } = compare('compare', base, slower, '--json')
  assert.equal(status, 1)
  assert.equal(JSON.parse(stdout).metrics[0].verdict, 'regressed')
  assert.equal(compare('compare', base, base).status, 0)
  assert.equal(compare('compare', base, 'gone.json').status, 66)
  assert.deepEqual([compare('juggle').status, compare().status], [64, 64])
})

test('a program in CommonJS requires it', () => {
  const text = `const { createMemoryCache } = require('shelflife')
    const { LRUCache } = require('shelflife/lru-cache')
    console.log(JSON.stringify([createMemoryCache().set('a', 1), new LRUCache({ max: 3 }).max]))`
  assert.deepEqual(runInNode(write(folder, 'required.cjs', text)), [true, 3])
})

test('a package that a store or a transport needs is named when it is missing', () => {
  const text = `
    import { createCache, createFetch } from 'shelflife'
    import { redis } from 'shelflife/stores/redis'
    import { undiciTransport } from 'shelflife/transports/undici'
    const cache = createCache({ store: redis({ url: 'redis://127.0.0.1:1' }) })
    const stored = await cache.set('a', 1, { persist: 'stored' }).catch(error => error.message)
    const sent = await createFetch({ fetch: undiciTransport(), retry: false })('http://127.0.0.1:1/').catch(error => error.message)
    console.log(JSON.stringify([stored, sent]))
    process.exit()`
  const [stored, sent] = runInNode(write(folder, 'missing.js', text))
  assert.match(stored, /the package redis .* has to be installed/)
  assert.match(sent, /the package undici .* has to be installed/)
})

test('every subpath can be imported in Node', () => {
  const manifest = JSON.parse(readFileSync(join(shelflife, 'package.json'), 'utf8'))
  const code = Object.keys(manifest.exports)
    .filter(path => !/\.(wasm|json)$/.test(path))
    .map(path => `names[${JSON.stringify(path)}] = Object.keys(await import(${JSON.stringify(join('shelflife', path))})).length`)
    .join('\n')
  const names = runInNode(write(folder, 'subpaths.js', `const names = {}\n${code}\nconsole.log(JSON.stringify(names))\n`))
  for (const [path, count] of Object.entries(names)) assert.ok(count > 0, `${path} exports nothing`)
})

test('Node runs what esbuild makes of it', async () => {
  const text = await bundled({ entryPoints: [printing], platform: 'node' })
  assert.deepEqual(runInNode(write(folder, 'bundles/esbuild.mjs', text)), EXPECTED)
})

test('Chromium runs what esbuild makes of it', { skip }, async () => {
  const text = await bundled({ entryPoints: [main] })
  assert.deepEqual(await answerInChromium({ '/': PAGE, '/main.js': text }), EXPECTED)
})

test('Chromium runs what Vite makes of it', { skip }, async () => {
  write(folder, 'index.html', '<!doctype html><title>consumer</title><script type="module" src="./main.js"></script>')
  await vite({ root: folder, logLevel: 'error', configFile: false, build: { outDir: 'bundles/vite' } })
  const made = join(folder, 'bundles/vite')
  const files = Object.fromEntries(filesOf(made).map(file => [`/${file === 'index.html' ? '' : file}`, readFileSync(join(made, file))]))
  assert.deepEqual(await answerInChromium(files), EXPECTED)
})

test('a page without a bundler runs it', { skip }, async () => {
  const files = Object.fromEntries(
    filesOf(join(shelflife, 'dist')).map(file => [`/shelflife/${file}`, readFileSync(join(shelflife, 'dist', file))]),
  )
  const script = readFileSync(main, 'utf8').replace("'shelflife'", "'/shelflife/index.js'")
  assert.deepEqual(await answerInChromium({ ...files, '/': PAGE, '/main.js': script, '/use.js': USE }), EXPECTED)
})

test('slim takes the core that Node read', () => {
  const wasm = createRequire(main).resolve('shelflife/core.wasm')
  const text = `
    import { readFileSync } from 'node:fs'
    import * as all from 'shelflife/slim'
    import { use } from './use.js'
    let code
    try { use(all) } catch (error) { code = error.code }
    all.useCore(new WebAssembly.Module(readFileSync(${JSON.stringify(wasm)})))
    console.log(JSON.stringify([code, ...use(all)]))`
  assert.deepEqual(runInNode(write(folder, 'slim.js', text)), ['ERR_WASM_UNAVAILABLE', ...EXPECTED])
})

test('slim takes the core that a page streamed', { skip }, async () => {
  const text = `
    import * as all from 'shelflife/slim'
    import { use } from './use.js'
    all.useCore(await WebAssembly.compileStreaming(fetch('/core.wasm')))
    globalThis.answer = use(all)`
  const script = await bundled({ entryPoints: [write(folder, 'slim-page.js', text)] })
  const core = readFileSync(join(shelflife, 'dist/core.wasm'))
  assert.ok(!script.includes(await inlined('cache')), 'slim carries no core')
  assert.deepEqual(await answerInChromium({ '/': PAGE, '/main.js': script, '/core.wasm': core }), EXPECTED)
})

test('slim and a store go together', () => {
  const wasm = createRequire(main).resolve('shelflife/core.wasm')
  const text = `
    import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
    import { tmpdir } from 'node:os'
    import { join } from 'node:path'
    import { createCache, useCore } from 'shelflife/slim'
    import { fileSystem } from 'shelflife/stores/fs'
    useCore(new WebAssembly.Module(readFileSync(${JSON.stringify(wasm)})))
    const path = mkdtempSync(join(tmpdir(), 'shelflife-slim-'))
    const values = []
    for (const value of [1, 2]) {
      const cache = createCache({ store: fileSystem({ path }) })
      values.push((await cache.get('a')) ?? null)
      await cache.set('a', value, { persist: 'stored' })
      await cache.close()
    }
    rmSync(path, { recursive: true })
    console.log(JSON.stringify(values))`
  assert.deepEqual(runInNode(write(folder, 'slim-store.js', text)), [null, 1])
})

for (const [imported, carried] of /** @type {const} */ ([
  ["import { createMemoryCache } from 'shelflife'", ['cache']],
  ["import { createCache } from 'shelflife'", ['cache']],
  ["import { createFetch } from 'shelflife'", ['schedule']],
  ["import { processBatch } from 'shelflife'", ['batch']],
  ["import { createRegistry } from 'shelflife'", ['metrics']],
  // In one file there is no later.
  ["import { indexedDB } from 'shelflife/stores/indexeddb'", ['segments', 'lz4']],
])) {
  test(`${imported} carries no other part of the core`, async () => {
    const name = /\{ (\w+) \}/.exec(imported)?.[1]
    const text = await bundled({
      entryPoints: [write(folder, `parts/${name}.js`, `${imported}\nglobalThis.kept = ${name}\n`)],
      charset: 'utf8',
    })
    const parts = []
    for (const part of PARTS) if (text.includes(await inlined(part))) parts.push(part)
    assert.deepEqual(parts, carried)
  })
}

test('a store loads LZ4 when it is asked for it', async () => {
  const entry = write(folder, 'split.js', "import { indexedDB } from 'shelflife/stores/indexeddb'\nglobalThis.kept = indexedDB\n")
  const made = await esbuild({
    bundle: true,
    format: 'esm',
    minify: true,
    write: false,
    splitting: true,
    metafile: true,
    outdir: 'split',
    entryPoints: [entry],
    absWorkingDir: folder,
    charset: 'utf8',
    logLevel: 'error',
  })
  const { loadedAtOnce } = await import(String(new URL('../../scripts/check-size.mjs', import.meta.url)))
  const texts = loadedAtOnce(made, { entry: 'split/split.js', folder }).map((/** @type {Uint8Array} */ bytes) =>
    Buffer.from(bytes).toString(),
  )
  const carries = async (/** @type {string} */ part) => {
    const text = await inlined(part)
    return [texts.some((/** @type {string} */ loaded) => loaded.includes(text)), made.outputFiles.some(file => file.text.includes(text))]
  }
  assert.deepEqual(
    [await carries('segments'), await carries('lz4')],
    [
      [true, true],
      [false, true],
    ],
  )
})

test('a bundle without the core leaves the core out', async () => {
  const entry = write(folder, 'clock.js', "import { systemClock } from 'shelflife'\nconsole.log(systemClock.wall())\n")
  const { length } = await bundled({ entryPoints: [entry] })
  assert.ok(length < 2000, `${length} bytes`)
})

test("cache-manager's names cost less than 1 kB", async () => {
  const text = await bundled({ entryPoints: [write(folder, 'managed.js', "export { fromCache } from 'shelflife/cache-manager'\n")] })
  assert.ok(gzipSync(text).length < 1000, `${gzipSync(text).length} bytes`)
})

test('the types name nothing that TypeScript 5.4 does not know', () => {
  const types = join(shelflife, 'dist/types')
  for (const file of filesOf(types)) {
    const newer = /\b(?:(?:Map|Set|Array|String)Iterator<|(?:Big)?(?:Uint|Int|Float)\d+(?:Clamped)?Array<|DataView<)/.exec(
      readFileSync(join(types, file), 'utf8'),
    )
    assert.equal(newer, null, `${file}: ${newer?.[0]}`)
  }
})

const WITH_DOM = { lib: ['es2023', 'esnext.disposable', 'dom', 'dom.iterable'], types: [] }
/** A program for Node that never heard of pages. */
const WITHOUT_DOM = { lib: ['es2022'], types: ['node'], typeRoots: [join(root, 'node_modules/@types')] }

test('readers of OpenTelemetry take our registry, by their types too', () => {
  const sdk = join(root, 'tests/node_modules/@opentelemetry/sdk-metrics')
  const consumer = `
    import { createRegistry } from 'shelflife'
    import { metricProducer } from 'shelflife/opentelemetry'
    import { InMemoryMetricExporter, AggregationTemporality, PeriodicExportingMetricReader, type MetricProducer } from ${JSON.stringify(sdk)}
    const producer: MetricProducer = metricProducer(createRegistry(), { startTime: 0 })
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
    export const reader = new PeriodicExportingMetricReader({ exporter, metricProducers: [producer] })
  `
  const options = { strict: true, noEmit: true, target: 'es2022', module: 'esnext', moduleResolution: 'bundler', skipLibCheck: true }
  write(folder, 'opentelemetry/consumer.ts', consumer)
  const tsconfig = { compilerOptions: { ...options, ...WITHOUT_DOM }, files: ['consumer.ts'] }
  typeCheck(write(folder, 'opentelemetry/tsconfig.json', JSON.stringify(tsconfig)))
})

/** @param {string} project */
function typeCheck(project) {
  try {
    execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', project], { encoding: 'utf8', stdio: 'pipe' })
  } catch (error) {
    assert.fail(/** @type {{ stdout: string }} */ (error).stdout)
  }
}

for (const [module, moduleResolution, platform, known] of /** @type {const} */ ([
  ['nodenext', 'nodenext', 'pages', WITH_DOM],
  ['esnext', 'bundler', 'pages', WITH_DOM],
  ['nodenext', 'nodenext', 'Node', WITHOUT_DOM],
])) {
  test(`TypeScript finds the types (${moduleResolution}, ${platform})`, () => {
    const consumer = `
      ${platform === 'Node' ? "import { Worker as Threads } from 'node:worker_threads'" : ''}
      import { createCache, createFetch, createMemoryCache, processBatch, type Clock } from 'shelflife'
      import { createMemoryCache as slim, useCore } from 'shelflife/slim'
      import { fromCache } from 'shelflife/cache-manager'
      import { LRUCache } from 'shelflife/lru-cache'
      import { fileSystem } from 'shelflife/stores/fs'
      import { indexedDB } from 'shelflife/stores/indexeddb'
      import { redis, redisBus } from 'shelflife/stores/redis'
      import { ManualClock } from 'shelflife/testing'
      import { createWorkers, type Workers } from 'shelflife/workers'
      import { serve, transfer } from 'shelflife/worker'
      import { undiciTransport, type UndiciTransportOptions } from 'shelflife/transports/undici'
      const clock: Clock = new ManualClock()
      const cache = createMemoryCache<string, number>({ max: 10, ttl: '5m', clock })
      const value: number | undefined = cache.get('a')
      // @ts-expect-error a value of the wrong type
      cache.set('a', 'text')
      const options: LRUCache.Options<string, number, { name: string }> = { max: 5, fetchMethod: (key, stale, { context }) => context.name.length }
      const lru = new LRUCache(options)
      const fetched: Promise<number | undefined> = lru.fetch('a', { context: { name: 'Ada' } })
      // @ts-expect-error without the context that this cache demands
      void lru.fetch('a')
      const makeWorker = () => ${platform === 'Node' ? "new Threads('./handler.js')" : "new Worker('./handler.js', { type: 'module' })"}
      const workers: Workers<string, number> = createWorkers({ module: makeWorker, workers: 2 })
      void processBatch(['a'], workers.handler, { results: 'failures', key: item => item.length, onFailure: ({ item }) => console.log(item.length) })
      void processBatch([{ id: 1 }], { module: new URL('file:///handler.js'), key: ({ id }) => id, resume: undefined })
      serve((items: string[]) => items.map(item => transfer(item.length, [])))
      const connections: UndiciTransportOptions = { connectionsPerHost: 4, allowH2: true }
      const fetch = createFetch({ fetch: undiciTransport(connections) })
      console.log(fetch.stats().connections, fromCache(createCache<number>()), fetched, value, slim, useCore, fileSystem, indexedDB, redis, redisBus)
    `
    const tsconfig = {
      compilerOptions: {
        strict: true,
        noEmit: true,
        target: 'es2022',
        ...known,
        module,
        moduleResolution,
        skipLibCheck: false,
      },
      files: ['consumer.ts'],
    }
    write(folder, 'types/consumer.ts', consumer)
    write(folder, 'types/package.json', '{ "type": "module" }')
    typeCheck(write(folder, 'types/tsconfig.json', JSON.stringify(tsconfig)))
  })
}
