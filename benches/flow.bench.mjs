// npm run bench:flow [-- --json] [--only batcher,queue,fetch]: what batches, queues, policies and requests cost, beside the packages that people use today.

import { parseArgs } from 'node:util'
import { compareAsync } from './cache/rounds.mjs'

const parts = {
  batcher: () => import('./flow/batcher.mjs'),
  process: () => import('./flow/process.mjs'),
  workers: () => import('./flow/workers.mjs'),
  queue: () => import('./flow/queue.mjs'),
  policies: () => import('./flow/policies.mjs'),
  fetch: () => import('./flow/fetch.mjs'),
}
const { values: given } = parseArgs({ options: { json: { type: 'boolean', default: false }, only: { type: 'string' } } })
const report = []
for (const part of given.only?.split(',') ?? Object.keys(parts)) {
  const { workloads, memory } = await parts[part]()
  for (const { title, base, operations, rounds, warmUp, contestants, note } of workloads) {
    const rows = await compareAsync(contestants, { operations, base, ...(rounds && { rounds, warmUp }) })
    const noted = await note?.()
    report.push({ title, base, rows, ...(noted && { note: noted }) })
    if (given.json) continue
    console.log(`\n${title}`)
    for (const { name, nsPerOperation, ratio } of rows)
      console.log(`  ${name.padEnd(34)}${nsPerOperation.toFixed(1).padStart(12)}${ratio.toFixed(2).padStart(9)} x ${base}`)
    if (noted) console.log(`  ${noted}`)
  }
  if (memory === undefined) continue
  const rows = await memory()
  const title = `MB in use when ${rows[0].marks.join(', ')} items have been read`
  report.push({ title, rows })
  if (given.json) continue
  console.log(`\n${title}`)
  for (const { name, heap, seconds } of rows)
    console.log(`  ${name.padEnd(42)}${heap.map(mb => mb.toFixed(1).padStart(8)).join('')}   in ${seconds.toFixed(1)} s`)
}
if (given.json) console.log(JSON.stringify(report, null, 2))
