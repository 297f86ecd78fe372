// npm run bench:flow [-- --json] [--only batcher,queue]: what batches, queues and policies cost, beside the packages that people use today.

import { parseArgs } from 'node:util'
import { compareAsync } from './cache/rounds.mjs'

const parts = {
  batcher: () => import('./flow/batcher.mjs'),
  queue: () => import('./flow/queue.mjs'),
  policies: () => import('./flow/policies.mjs'),
}
const { values: given } = parseArgs({ options: { json: { type: 'boolean', default: false }, only: { type: 'string' } } })
const report = []
for (const part of given.only?.split(',') ?? Object.keys(parts)) {
  for (const { title, base, operations, rounds, warmUp, contestants } of (await parts[part]()).workloads) {
    const rows = await compareAsync(contestants, { operations, base, ...(rounds && { rounds, warmUp }) })
    report.push({ title, base, rows })
    if (given.json) continue
    console.log(`\n${title}`)
    for (const { name, nsPerOperation, ratio } of rows)
      console.log(`  ${name.padEnd(34)}${nsPerOperation.toFixed(1).padStart(12)}${ratio.toFixed(2).padStart(9)} x ${base}`)
  }
}
if (given.json) console.log(JSON.stringify(report, null, 2))
