// npm run bench [-- --json] [--markdown] [--save FILE] [--strict]: whether shelflife became slower than the baseline says, in less than a minute.
//
// What is compared are ratios to peers, of rounds that alternate in one process, so that the baseline of one machine serves on another. Six processes
// one after the other, since each has luck of its own; where something seems worse, or better, six more have to say the same. It ends with 0 whatever it
// finds, but for --strict. --save writes the run; saved over benches/regression/baseline.json, it is the new baseline.

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { arch, availableParallelism, cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { compareRuns, comparisonMarkdown, comparisonText, createRun } from 'shelflife'

const PROCESSES = 6
/** Machines differ by more than what one of them sees. */
const MIN_EFFECT = 0.1
const EXIT = { regressed: 1, inconclusive: 2 }
const BASELINE = new URL('regression/baseline.json', import.meta.url)

const { values: given } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    markdown: { type: 'boolean', default: false },
    save: { type: 'string' },
    strict: { type: 'boolean', default: false },
  },
})
const base = existsSync(BASELINE) ? JSON.parse(readFileSync(BASELINE, 'utf8')) : undefined
const now = measure()
if (given.save !== undefined) writeFileSync(given.save, `${JSON.stringify(now)}\n`)
if (base === undefined) {
  console.error(`there is no baseline to compare with; --save ${fileURLToPath(BASELINE)} makes one`)
  process.exit()
}
let comparison = compareRuns(base, now, { minEffect: MIN_EFFECT })
const moved = comparison.metrics.some(({ verdict }) => verdict === 'regressed' || verdict === 'improved')
if (moved) comparison = compareRuns(base, now, { minEffect: MIN_EFFECT, confirm: [measure()] })
if (given.json) console.log(JSON.stringify({ run: now, comparison }, null, 2))
else process.stdout.write((given.markdown ? comparisonMarkdown : comparisonText)(comparison))
if (given.strict) process.exitCode = EXIT[comparison.verdict] ?? 0

function measure() {
  const script = fileURLToPath(new URL('regression/process.mjs', import.meta.url))
  const runs = Array.from({ length: PROCESSES }, () => {
    const { stdout, stderr, status } = spawnSync(process.execPath, [script], { encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
    return JSON.parse(stdout)
  })
  const metrics = Object.keys(runs[0]).map(name => [name, { unit: 'x', samples: runs.map(run => run[name]) }])
  const environment = { node: process.version, arch: arch(), cpu: cpus()[0]?.model ?? 'unknown', cpus: availableParallelism() }
  return createRun({ metrics: Object.fromEntries(metrics), environment })
}
