// npm run bench:cache [-- --json] [--full] [--entries N]: what a cache costs, beside the caches that people use today.
//
// Without --full: hits and get-or-set at 10 000 entries, string keys. With it: every workload at 1 000, 100 000 and 1 000 000
// entries, string and integer keys, construction, memory, expiry of everything, and getOrSet.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { BASE, contestants } from './cache/contestants.mjs'
import { compare } from './cache/rounds.mjs'
import { contestantsOf, OPERATIONS, workloads } from './cache/workloads.mjs'

const { json, full, entries } = parse(process.argv.slice(2))
const report = { node: process.version, operations: OPERATIONS, base: BASE, speed: [] }

for (const size of entries ?? (full ? [1000, 100_000, 1_000_000] : [10_000])) {
  for (const [name, workload] of Object.entries(workloads)) {
    if (!full && name !== 'hit' && name !== 'zipfGetOrSet') continue
    for (const integers of full && name !== 'hitFreshStrings' ? [false, true] : [false]) {
      const rows = compare(
        contestantsOf(workload).map(({ name: contestant, make }) => ({ name: contestant, run: workload.prepare(make, size, integers) })),
        { operations: OPERATIONS, base: BASE, rounds: size > 100_000 ? 9 : 15 },
      )
      const measured = { workload: name, title: workload.title, entries: size, keys: integers ? 'integers' : 'strings', rows }
      report.speed.push(measured)
      if (!json) print(`${workload.title}; ${size} entries, ${measured.keys}`, rows, BASE)
    }
  }
}

if (full) {
  const { construction, expiryOfEverything } = await import('./cache/once.mjs')
  const { getOrSetOnHits } = await import('./cache/get-or-set.mjs')
  Object.assign(report, {
    getOrSet: await getOrSetOnHits(),
    construction: construction(1_000_000),
    expiry: expiryOfEverything(1_000_000),
    memory: contestants.map(({ name }) => ({ name, ...heapOf(name, 1_000_000) })),
  })
  if (!json) {
    print('getOrSet on a hit', report.getOrSet, 'shelflife')
    for (const part of ['construction', 'expiry', 'memory']) console.log(`\n${part}`, report[part])
  }
}
if (json) console.log(JSON.stringify(report, null, 2))

function heapOf(name, size) {
  const script = fileURLToPath(new URL('cache/heap.mjs', import.meta.url))
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--expose-gc', '--max-old-space-size=8192', script, name, `${size}`], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

function print(title, rows, base) {
  console.log(`\n${title}`)
  for (const { name, nsPerOperation, ratio } of rows) {
    console.log(`  ${name.padEnd(20)} ${nsPerOperation.toFixed(1).padStart(8)} ns  ${ratio.toFixed(2).padStart(6)} x ${base}`)
  }
}

function parse(args) {
  const given = { json: false, full: false, entries: undefined }
  for (let at = 0; at < args.length; at += 1) {
    if (args[at] === '--json') given.json = true
    else if (args[at] === '--full') given.full = true
    else if (args[at] === '--entries' && Number.isSafeInteger(Number(args[at + 1])) && Number(args[at + 1]) > 0)
      given.entries = [Number(args[++at])]
    else {
      console.error('usage: npm run bench:cache -- [--json] [--full] [--entries N]')
      process.exit(2)
    }
  }
  return given
}
