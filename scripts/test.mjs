#!/usr/bin/env node
// `npm test`: every check and every test, one line a suite as it ends, what failed in full, and one closing line that counts all.
// `--only name,name` runs some of them, `--list` names them. Two lanes run side by side, cargo's with the packed package, and everything else; what measures time comes last, and alone.

import { parseArgs } from 'node:util'
import { setupOrExit } from './setup.mjs'
import { suites } from './suites.mjs'

const { values } = parseArgs({ options: { only: { type: 'string' }, list: { type: 'boolean' } } })
if (values.list) {
  for (const { name, what } of suites) console.log(`${name.padEnd(16)} ${what}`)
  process.exit()
}
const chosen = choose(values.only)
await setupOrExit('test')

const began = Date.now()
const total = { passed: 0, failed: 0, skipped: 0 }
await Promise.all(['cargo', 'js'].map(runLane))
await runLane('last')
console.log(`in ${((Date.now() - began) / 1000).toFixed(0)} s`)
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : ''
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`)
if (total.failed > 0 || total.passed === 0) process.exitCode = 1

async function runLane(lane) {
  for (const suite of chosen) if (suite.lane === lane) report(suite, await outcome(suite))
}

async function outcome(suite) {
  const from = Date.now()
  let result
  try {
    result = await suite.run()
  } catch (error) {
    result = { failed: 1, output: error.output ?? error.stack }
  }
  const { passed = 0, failed = 0, skipped = 0, output = '', note = '' } = result
  // A runner that found nothing to run is broken, however happy it is.
  if (passed + failed + skipped === 0) return { passed, failed: 1, skipped, output: `${output}\nno test ran`, note, ms: Date.now() - from }
  return { passed, failed, skipped, output, note, ms: Date.now() - from }
}

function report(suite, { passed, failed, skipped, output, note, ms }) {
  total.passed += passed
  total.failed += failed
  total.skipped += skipped
  const counts = [`${passed} passed`, failed > 0 && `${failed} FAILED`, skipped > 0 && `${skipped} skipped`].filter(Boolean).join(', ')
  const mark = failed > 0 ? 'FAILED' : passed === 0 ? 'skip' : 'ok'
  console.log(
    `${mark.padEnd(6)} ${suite.name.padEnd(16)} ${(ms / 1000).toFixed(1).padStart(6)} s  ${counts}${note === '' ? '' : `  (${note})`}`,
  )
  if (failed > 0) console.log(`${output.trimEnd()}\n`)
}

function choose(only) {
  if (only === undefined) return suites
  const names = only.split(',')
  const unknown = names.find(name => !suites.some(suite => suite.name === name))
  if (unknown !== undefined) {
    console.error(`there is no suite '${unknown}': choose from ${suites.map(suite => suite.name).join(', ')}`)
    process.exit(1)
  }
  return suites.filter(suite => names.includes(suite.name))
}
