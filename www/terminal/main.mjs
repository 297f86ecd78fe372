#!/usr/bin/env node
// The main job of `npm start`. Progress goes to stderr, the answer to stdout.

import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { buildWww } from '../../scripts/build-www.mjs'
import { startOrigin } from '../origin/start.mjs'
import { mainJob } from './main-job.mjs'
import { progressOn } from './progress.mjs'
import { reportText } from './report.mjs'

const USAGE = `npm start -- [options]

  --once          end after the report; without it the dashboard is served until Ctrl-C
  --json          print the report as JSON on stdout (npm start --silent keeps npm from adding to it)
  --dashboard     serve the dashboard at once, without the run in the terminal
  --port <n>      port of origin and dashboard (default: a free one)
  --seed <n>      seed of traffic, latency and faults (default: 1)
  --reads <n>     reads of the cold and the warm phase (default: 20000)
  --keys <n>      keys they are spread over (default: 5000)`

const { json, once, dashboard, help, ...numbers } = options()
if (help) {
  console.log(USAGE)
} else {
  const progress = progressOn()
  const pages = join(fileURLToPath(new URL('..', import.meta.url)), 'dist')
  if (!once) await buildWww()
  const origin = await startOrigin({ port: numbers.port, seed: numbers.seed, ...(once ? {} : { pages }) }).catch(error => {
    if (error.code !== 'EADDRINUSE') throw error
    console.error(`port ${numbers.port} is taken: choose another with --port, or leave it out`)
    process.exit(1)
  })
  try {
    if (!dashboard) await runMainJob(origin, progress)
    if (!once) await serveUntilInterrupted(origin, progress)
  } finally {
    await origin.close()
  }
}

/**
 * @param {import('../origin/start.mjs').Origin} origin
 * @param {ReturnType<typeof progressOn>} progress
 */
async function runMainJob(origin, progress) {
  const { seed, reads, keys } = numbers
  const { records } = await origin.state()
  progress.say(`shelflife: ${records.cities} cities on ${origin.url}, answered in 2 to 8 ms`)
  const folder = join(process.cwd(), '.shelflife', 'demo')
  const figures = await mainJob({ origin, folder, seed, reads, keys, progress })
  const ok = figures.expectations.every(one => one.ok)
  if (json) console.log(JSON.stringify({ ok, node: process.versions.node, options: { seed, reads, keys }, ...figures }, null, 2))
  else console.log(reportText(figures, { colour: process.stdout.isTTY === true }))
  if (!ok) process.exitCode = 1
}

/**
 * @param {import('../origin/start.mjs').Origin} origin
 * @param {ReturnType<typeof progressOn>} progress
 */
async function serveUntilInterrupted(origin, progress) {
  progress.say(`The dashboard: ${origin.url}/   (Ctrl-C ends it)`)
  // A signal alone does not hold the process.
  const hold = setInterval(() => {}, 60_000)
  await new Promise(resolve => process.once('SIGINT', resolve).once('SIGTERM', resolve))
  clearInterval(hold)
}

function options() {
  const values = given()
  /** @param {'port' | 'seed' | 'reads' | 'keys'} name @param {number} least @param {number} most */
  const number = (name, least, most) => {
    const value = Number(values[name])
    if (Number.isSafeInteger(value) && value >= least && value <= most) return value
    return refuse(`--${name} must be an integer from ${least} to ${most}`)
  }
  return {
    ...values,
    port: number('port', 0, 65_535),
    seed: number('seed', 0, 2 ** 31 - 1),
    reads: number('reads', 100, 1_000_000),
    keys: number('keys', 100, 80_000),
  }
}

function given() {
  try {
    return parseArgs({
      options: {
        once: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        dashboard: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
        port: { type: 'string', default: '0' },
        seed: { type: 'string', default: '1' },
        reads: { type: 'string', default: '20000' },
        keys: { type: 'string', default: '5000' },
      },
    }).values
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error))
  }
}

/**
 * @param {string} why
 * @returns {never}
 */
function refuse(why) {
  console.error(`${why}\n\n${USAGE}`)
  process.exit(2)
}
