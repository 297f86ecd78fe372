// npm run bench:indexeddb [-- --json] [--entries N] [--rounds N] [--only NAME,...] [--engine chromium|firefox|webkit]: pairs in IndexedDB, beside idb-keyval,
// Dexie and localforage, in a page of that engine. All contestants in turn, in one page; medians over the rounds.

import { parseArgs } from 'node:util'
import { engines } from '../tests/e2e/engines.mjs'
import { median } from './cache/rounds.mjs'

const BASE = 'idb-keyval'
const { values: given } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    entries: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
    engine: { type: 'string', default: 'chromium' },
  },
})
const { skip, run } = engines[given.engine] ?? { skip: `no engine is called ${given.engine}` }
if (skip) throw new Error(skip)

// An isolated page has a clock that is fine enough.
const headers = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }
const options = { entries: Number(given.entries), rounds: Number(given.rounds), only: given.only?.split(',') }
const measured = await run(new URL('indexeddb/page.mjs', import.meta.url), options, headers)
const medians = Object.fromEntries(
  Object.entries(measured).map(([name, rounds]) => [
    name,
    Object.fromEntries(Object.keys(rounds[0]).map(what => [what, median(rounds.map(costs => costs[what]))])),
  ]),
)
if (given.json) console.log(JSON.stringify({ engine: given.engine, ...options, base: BASE, medians }, null, 2))
else print()

function print() {
  console.log(`${given.engine}, ${options.entries} entries, medians of ${options.rounds} rounds`)
  for (const what of Object.keys(medians.shelflife)) {
    console.log(`\n${what}`)
    for (const [name, { [what]: ms }] of Object.entries(medians)) {
      if (ms === undefined) continue
      const base = medians[BASE]?.[what]
      const ratio = base === undefined ? '' : `  ${(base / ms).toFixed(2).padStart(6)} x as fast as ${BASE}`
      console.log(`  ${name.padEnd(12)} ${ms.toFixed(2).padStart(10)} ms${ratio}`)
    }
  }
}
