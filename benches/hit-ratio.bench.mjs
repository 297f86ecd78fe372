// npm run bench:hit-ratio -- --traces DIR [--policy P] [--seed N] [--robust] [--json]: how many reads the cache machine answers, natively.
//
// Each DIR/NAME.u32.gz is a trace: unsigned 32-bit little-endian key ids, one an access, each a read that loads on a miss.
// With --robust, the policy is held against LRU on traces derived from these and at other sizes, each over six seeds: how far
// below LRU it ends where it is worst.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { derived } from './hit-ratio/derived.mjs'
import { build, measure } from './hit-ratio/measure.mjs'

const SHARES = [
  ['0.1%', 0.001],
  ['1%', 0.01],
  ['5%', 0.05],
  ['10%', 0.1],
  ['25%', 0.25],
]
const OTHER_SHARES = [
  ['2%', 0.02],
  ['7%', 0.07],
  ['15%', 0.15],
  ['40%', 0.4],
]
const SEEDS = 6
const SUFFIX = '.u32.gz'
const POLICIES = ['lru', 's3fifo', 'tinylfu', 'auto']

const options = parse()
const traces = readTraces(options.traces)
if (!build()) process.exit(1)
const report = options.robust ? await againstLru(options) : await ofTraces(options)
if (options.json) console.log(JSON.stringify(report, null, 2))

async function ofTraces({ policy, seed, json }) {
  const measured = await measure(traces, { policy, seed, shares: SHARES })
  const cells = measured.flat()
  const real = measured.filter(([{ trace }]) => !trace.startsWith('pattern-'))
  const means = { real: mean(real.map(ofOneTrace => mean(ofOneTrace.map(({ hitRatio }) => hitRatio)))) }
  if (!json) {
    for (const { trace, size, entries, hitRatio } of cells)
      console.log(`${trace.padEnd(20)} ${size.padStart(5)} ${String(entries).padStart(8)} ${percent(hitRatio)} %`)
    console.log(`${policy}: ${percent(means.real)} % in the mean of the ${real.length} real traces`)
  }
  return { policy, seed: Number(seed), cells, means }
}

async function againstLru({ policy, json }) {
  const family = [...derived(traces)]
  const lru = (await measure(family, { policy: 'lru', seed: '1', shares: OTHER_SHARES })).flat()
  const cells = lru.map(cell => ({ ...cell, lru: cell.hitRatio, hitRatio: 0, worst: Number.POSITIVE_INFINITY }))
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const measured = (await measure(family, { policy, seed: String(seed), shares: OTHER_SHARES })).flat()
    for (const [at, { hitRatio }] of measured.entries()) {
      const cell = cells[at]
      cell.hitRatio += hitRatio / SEEDS
      cell.worst = Math.min(cell.worst, hitRatio - cell.lru)
    }
  }
  cells.sort((one, other) => one.worst - other.worst)
  const means = { lru: mean(cells.map(cell => cell.lru)), [policy]: mean(cells.map(cell => cell.hitRatio)) }
  const below = cells.filter(({ worst }) => worst < -0.02).length
  if (!json) {
    console.log('points to LRU in the worst of the seeds; LRU; mean of the seeds')
    for (const { trace, size, worst, lru: base, hitRatio } of cells.slice(0, 12))
      console.log(`${percent(worst)} ${percent(base)} ${percent(hitRatio)}  ${trace} at ${size}`)
    console.log(
      `${policy}: ${percent(means[policy])} %, LRU ${percent(means.lru)} %, in the mean of ${cells.length} cells; ${below} of them more than 2 points below LRU`,
    )
  }
  return { policy, seeds: SEEDS, cells, means, below }
}

function readTraces(directory) {
  const files = readdirSync(directory).filter(file => file.endsWith(SUFFIX))
  if (files.length === 0) {
    console.error(`there is no *${SUFFIX} in ${directory}`)
    process.exit(2)
  }
  return files.sort().map(file => {
    const bytes = gunzipSync(readFileSync(join(directory, file)))
    const ids = new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength - (bytes.byteLength % 4)))
    return { name: file.slice(0, -SUFFIX.length), ids }
  })
}

function parse() {
  const { values } = parseArgs({
    options: {
      traces: { type: 'string' },
      policy: { type: 'string', default: 'auto' },
      seed: { type: 'string', default: '1' },
      robust: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  })
  if (values.traces === undefined || !POLICIES.includes(values.policy) || !/^\d{1,9}$/.test(values.seed)) {
    console.error(`usage: npm run bench:hit-ratio -- --traces DIR [--policy ${POLICIES.join('|')}] [--seed N] [--robust] [--json]`)
    process.exit(2)
  }
  return values
}

function percent(ratio) {
  return (ratio * 100).toFixed(2).padStart(6)
}

function mean(numbers) {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length
}
