// npm run bench:stores [-- --json] [--entries N] [--rounds N] [--only name,name]: stores on Node, beside peers. Each contestant has a
// process and a folder of its own in every round; what is printed is the median, for each entry, so that those which write a file an
// entry may be measured with fewer.

import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { median } from './cache/rounds.mjs'
import { contestants } from './stores/contestants.mjs'

const BASE = 'better-sqlite3'
const UNITS = {
  'write all and flush': 'µs',
  'reopen and read all': 'µs',
  'random read': 'µs',
  'on disk': 'bytes',
  'in memory after reopening': 'bytes',
}
const { values: given } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    entries: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
})
const run = promisify(execFile)
const child = fileURLToPath(new URL('stores/run.mjs', import.meta.url))
const names = given.only?.split(/,(?! )/) ?? Object.keys(contestants)
const measured = Object.fromEntries(names.map(name => [name, []]))
for (let round = 0; round < Number(given.rounds); round += 1) {
  for (const name of names) {
    const count = Math.ceil(Number(given.entries) * (contestants[name].share ?? 1))
    const folder = mkdtempSync(join(tmpdir(), 'shelflife-bench-'))
    const phase = async what => JSON.parse((await run(process.execPath, ['--expose-gc', child, name, String(count), folder, what])).stdout)
    try {
      measured[name].push({ ...(await phase('write')), ...(await phase('read')) })
    } catch (error) {
      console.error(`${name} is left out: ${String(error.stderr ?? error).trim()}`)
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
}
const medians = {}
for (const [name, rounds] of Object.entries(measured)) {
  if (rounds.length === 0) continue
  medians[name] = Object.fromEntries(Object.keys(rounds[0]).map(what => [what, median(rounds.map(costs => costs[what]))]))
}
if (given.json) console.log(JSON.stringify({ entries: Number(given.entries), rounds: Number(given.rounds), base: BASE, medians }, null, 2))
else print()

function print() {
  console.log(`${given.entries} entries of about 250 bytes; for each entry, and how many times as much as ${BASE}`)
  for (const [what, unit] of Object.entries(UNITS)) {
    console.log(`\n${what}, ${unit}`)
    for (const [name, { [what]: cost }] of Object.entries(medians)) {
      const base = medians[BASE]?.[what]
      const ratio = base === undefined ? '' : `  ${(cost / base).toFixed(2).padStart(8)} x`
      console.log(`  ${name.padEnd(28)}${cost.toFixed(2).padStart(10)}${ratio}`)
    }
  }
}
