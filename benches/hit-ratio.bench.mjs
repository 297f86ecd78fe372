// npm run bench:hit-ratio -- --traces DIR [--policy P] [--seed N] [--json]: how many reads the cache machine answers, natively.
//
// Each DIR/NAME.u32.gz is a trace: unsigned 32-bit little-endian key ids, one an access, each a read that loads on a miss.
// Sizes are shares of the distinct keys, at least 100 entries; sizes that would be the same are one.

import { spawn, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { root, target, toolEnv } from '../scripts/toolchain.mjs'

const SHARES = [
  ['0.1%', 0.001],
  ['1%', 0.01],
  ['5%', 0.05],
  ['10%', 0.1],
  ['25%', 0.25],
]
const FEWEST_ENTRIES = 100
const SUFFIX = '.u32.gz'
const POLICIES = ['lru', 's3fifo', 'tinylfu', 'auto']

const { traces, policy, seed, json } = parseArgs({
  options: {
    traces: { type: 'string' },
    policy: { type: 'string', default: 'auto' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
}).values
if (traces === undefined || !POLICIES.includes(policy) || !/^\d{1,9}$/.test(seed)) {
  console.error(`usage: npm run bench:hit-ratio -- --traces DIR [--policy ${POLICIES.join('|')}] [--seed N] [--json]`)
  process.exit(2)
}
const files = readdirSync(traces).filter(file => file.endsWith(SUFFIX))
if (files.length === 0) {
  console.error(`there is no *${SUFFIX} in ${traces}`)
  process.exit(2)
}

const built = spawnSync('cargo', ['build', '--quiet', '--release', '--example', 'hit-ratio'], {
  cwd: root,
  env: toolEnv({ CARGO_TARGET_DIR: target }),
  stdio: ['ignore', 'ignore', 'inherit'],
})
if (built.status !== 0) process.exit(1)

const waiting = files.sort().map((file, at) => ({ file, at }))
const measured = []
await Promise.all(Array.from({ length: Math.min(availableParallelism(), 4) }, measureNext))
const cells = measured.flat()
const real = measured.filter(([{ trace }]) => !trace.startsWith('pattern-'))
const means = { real: mean(real.map(ofOneTrace => mean(ofOneTrace.map(({ hitRatio }) => hitRatio)))) }

if (json) console.log(JSON.stringify({ policy, seed: Number(seed), cells, means }, null, 2))
else {
  for (const { trace, size, entries, hitRatio } of cells)
    console.log(`${trace.padEnd(20)} ${size.padStart(5)} ${String(entries).padStart(8)} ${(hitRatio * 100).toFixed(2).padStart(7)} %`)
  console.log(`${policy}: ${(means.real * 100).toFixed(2)} % in the mean of the ${real.length} real traces`)
}

async function measureNext() {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) measured[next.at] = await measure(next.file)
}

async function measure(file) {
  const bytes = gunzipSync(readFileSync(join(traces, file)))
  const ids = new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength - (bytes.byteLength % 4)))
  const distinct = new Set(ids).size
  const sizes = sizesFor(distinct)
  const hits = await replay(bytes, Array.from(sizes.keys()))
  return Array.from(sizes, ([entries, size], at) => ({
    trace: file.slice(0, -SUFFIX.length),
    size,
    entries,
    hitRatio: hits[at] / ids.length,
  }))
}

/** Labels by the number of entries. */
function sizesFor(distinct) {
  const sizes = new Map()
  for (const [label, share] of SHARES) {
    const entries = Math.floor(distinct * share)
    if (entries <= FEWEST_ENTRIES) sizes.set(FEWEST_ENTRIES, String(FEWEST_ENTRIES))
    else if (!sizes.has(entries)) sizes.set(entries, label)
  }
  return sizes
}

function replay(bytes, sizes) {
  return new Promise((resolve, reject) => {
    const program = spawn(join(target, 'release/examples/hit-ratio'), [policy, seed, ...sizes.map(String)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    let output = ''
    program.stdout.setEncoding('utf8').on('data', text => {
      output += text
    })
    program.on('error', reject)
    program.on('close', code =>
      code === 0 ? resolve(output.trim().split('\n').map(Number)) : reject(new Error(`hit-ratio ended with ${code}`)),
    )
    program.stdin.on('error', reject)
    program.stdin.end(bytes)
  })
}

function mean(numbers) {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length
}
