// npm run bench:cache [-- --json] [--full] [--entries N] [--engine NAME]: what a cache costs, beside the caches that people use today.
//
// Without --full: hits and get-or-set at 10 000 entries, string keys. With it: every workload at 1 000, 100 000 and 1 000 000
// entries, string and integer keys, construction, memory, expiry of everything, and getOrSet. With --engine all runs in a page of
// `chromium`, `firefox` or `webkit`, but for memory, which a page cannot measure, and getOrSet, whose peers need Node.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { BASE, contestants } from './cache/contestants.mjs'
import { speed } from './cache/speed.mjs'
import { OPERATIONS } from './cache/workloads.mjs'

const { json, full, entries, engine } = parse(process.argv.slice(2))
const options = { sizes: entries ?? (full ? [1000, 100_000, 1_000_000] : [10_000]), full }
const report = engine === undefined ? await inNode() : await inPage()
if (json) console.log(JSON.stringify(report, null, 2))

async function inNode() {
  const about = { engine: `Node ${process.version}`, operations: OPERATIONS, base: BASE, speed: [] }
  for (const measured of speed(options)) {
    about.speed.push(measured)
    printSpeed(measured)
  }
  if (!full) return about
  const { construction, expiryOfEverything } = await import('./cache/once.mjs')
  const { getOrSetOnHits } = await import('./cache/get-or-set.mjs')
  const getOrSet = await getOrSetOnHits()
  print('getOrSet on a hit', getOrSet, 'shelflife')
  const rest = {
    construction: construction(1_000_000),
    expiry: expiryOfEverything(1_000_000),
    memory: contestants.map(({ name }) => ({ name, ...heapOf(name, 1_000_000) })),
  }
  printOnce(rest)
  return { ...about, getOrSet, ...rest }
}

async function inPage() {
  // An isolated page has a clock that is fine enough.
  const headers = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }
  const { engines } = await import('../tests/e2e/engines.mjs')
  const { skip, run } = engines[engine]
  if (skip) throw new Error(skip)
  const { speed: measured, ...rest } = await run(new URL('cache/page.mjs', import.meta.url), options, headers)
  for (const one of measured) printSpeed(one)
  printOnce(rest)
  return { engine, operations: OPERATIONS, base: BASE, speed: measured, ...rest }
}

function heapOf(name, size) {
  const script = fileURLToPath(new URL('cache/heap.mjs', import.meta.url))
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--expose-gc', '--max-old-space-size=8192', script, name, `${size}`], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

function printSpeed({ title, entries: size, keys, rows }) {
  print(`${title}; ${size} entries, ${keys}`, rows, BASE)
}

function printOnce(parts) {
  if (!json) for (const [part, measured] of Object.entries(parts)) console.log(`\n${part}`, measured)
}

function print(title, rows, base) {
  if (json) return
  console.log(`\n${title}`)
  for (const { name, nsPerOperation, ratio } of rows) {
    console.log(`  ${name.padEnd(20)} ${nsPerOperation.toFixed(1).padStart(8)} ns  ${ratio.toFixed(2).padStart(6)} x ${base}`)
  }
}

function parse(args) {
  const given = { json: false, full: false, entries: undefined, engine: undefined }
  for (let at = 0; at < args.length; at += 1) {
    if (args[at] === '--json') given.json = true
    else if (args[at] === '--full') given.full = true
    else if (args[at] === '--engine' && ['chromium', 'firefox', 'webkit'].includes(args[at + 1])) given.engine = args[++at]
    else if (args[at] === '--entries' && Number.isSafeInteger(Number(args[at + 1])) && Number(args[at + 1]) > 0)
      given.entries = [Number(args[++at])]
    else {
      console.error('usage: npm run bench:cache -- [--json] [--full] [--entries N] [--engine NAME]')
      process.exit(2)
    }
  }
  return given
}
