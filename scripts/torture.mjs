#!/usr/bin/env node
// `npm run torture`: long runs of the random tests, split over processes. SHELFLIFE_SEQUENCES, SHELFLIFE_SCHEDULES,
// SHELFLIFE_INVALIDATIONS, SHELFLIFE_TIERS and SHELFLIFE_ABORTS say how many (0 for none), SHELFLIFE_SEED where to begin, SHELFLIFE_PROCESSES how many at once. Ends at the
// first that goes wrong and names its seed.

import { fork } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { root, target } from './toolchain.mjs'

const BUNDLE = join(target, 'torture.mjs')
/** Seeds for one process at a time: a second or two. */
const SLICE = 2000

if (process.send === undefined) await main()
else serve()

async function main() {
  const { setupOrExit } = await import('./setup.mjs')
  await setupOrExit('run')
  const { build } = await import('esbuild')
  mkdirSync(target, { recursive: true })
  await build({
    ...{ entryPoints: [join(root, 'tests/js/model/torture.ts')], outfile: BUNDLE, bundle: true, format: 'esm', platform: 'node' },
    ...{ target: 'node20', sourcemap: 'inline', logLevel: 'error' },
  })
  const { ordeals } = await import(pathToFileURL(BUNDLE).href)
  const seed = numberIn('SHELFLIFE_SEED', 0)
  const processes = Math.max(1, numberIn('SHELFLIFE_PROCESSES', availableParallelism()))
  const results = []
  for (const [at, { name, variable, usual }] of ordeals.entries()) {
    const count = numberIn(variable, usual)
    if (count === 0) continue
    console.error(`${count} ${name}: seeds ${seed} to ${seed + count - 1}, ${processes} processes`)
    const began = performance.now()
    const seen = await runAll(at, { seed, count, processes })
    const seconds = (performance.now() - began) / 1000
    console.error(`  none went wrong, ${(count / seconds).toFixed(0)} a second`)
    results.push({ name, firstSeed: seed, count, divergences: 0, seconds: Number(seconds.toFixed(1)), seen })
  }
  console.log(JSON.stringify(results, null, 2))
}

/** Gives slices to processes until all are done; what all of them saw. */
async function runAll(ordeal, { seed, count, processes }) {
  const seen = {}
  const end = seed + count
  let next = seed
  let done = 0
  const children = Array.from({ length: Math.min(processes, Math.ceil(count / SLICE)) }, () =>
    fork(fileURLToPath(import.meta.url), { execArgv: ['--enable-source-maps'] }),
  )
  const work = child =>
    new Promise((resolve, reject) => {
      const give = () => {
        if (next >= end) return resolve()
        const slice = Math.min(SLICE, end - next)
        child.send({ ordeal, seed: next, count: slice })
        next += slice
      }
      child.on('message', ({ failure, counts }) => {
        if (failure !== undefined) return reject(new Error(failure))
        for (const [what, number] of Object.entries(counts)) seen[what] = (seen[what] ?? 0) + number
        done += SLICE
        if (done % (SLICE * 50) === 0) console.error(`  ${done} of ${count}`)
        give()
      })
      child.on('error', reject)
      child.on('exit', code => reject(new Error(`a process ended with ${code}`)))
      give()
    })
  try {
    await Promise.all(children.map(work))
    return seen
  } catch (error) {
    for (const child of children) child.kill('SIGKILL')
    console.error(error.message)
    process.exit(1)
  } finally {
    for (const child of children) child.kill()
  }
}

/** One of the processes. */
function serve() {
  const loaded = import(pathToFileURL(BUNDLE).href)
  process.on('disconnect', () => process.exit(1))
  process.on('message', async ({ ordeal, seed, count }) => {
    try {
      const { ordeals } = await loaded
      const counts = await ordeals[ordeal].run(count, seed)
      answer({ counts })
    } catch (error) {
      answer({ failure: `${error.stack}\n${error.cause?.stack ?? ''}` })
    }
  })
}

/** Where nobody listens any more, another process has found something, and that is the message to be read. */
function answer(message) {
  if (process.connected) process.send(message, () => {})
}

function numberIn(variable, usual) {
  const given = process.env[variable]
  const number = given === undefined ? usual : Number(given)
  if (!Number.isSafeInteger(number) || number < 0) throw new Error(`${variable} must be a whole number, not ${given}`)
  return number
}
