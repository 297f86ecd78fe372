// npm run bench:metrics [-- --json]: what recording costs, and what a scrape of many series does to the event loop, beside prom-client,
// OpenTelemetry and hdr-histogram-js.

import { parseArgs } from 'node:util'
import { compare } from './cache/rounds.mjs'
import { workloads } from './metrics/cost.mjs'
import { scrapes } from './metrics/scrape.mjs'
import { watchedHit } from './metrics/watched.mjs'

const { values: given } = parseArgs({ options: { json: { type: 'boolean', default: false } } })
const report = []
for (const { title, base, operations, contestants } of workloads) {
  const rows = compare(contestants, { operations, base })
  report.push({ title, base, rows })
  if (given.json) continue
  console.log(`\n${title}`)
  for (const { name, nsPerOperation, ratio } of rows) {
    const times = ratio < 1 ? `${(1 / ratio).toFixed(1)}x cheaper` : `${ratio.toFixed(2)} x ${base}`
    console.log(`  ${name.padEnd(44)}${nsPerOperation.toFixed(1).padStart(9)}   ${times}`)
  }
}
const watched = watchedHit()
report.push({ title: 'a hit, watched and not', ...watched })
if (!given.json) {
  const { rounds, offNs, onNs, ratio, ratioInterval } = watched
  const [low, high] = ratioInterval
  console.log(
    `\na hit, ns: ${offNs.toFixed(1)} unwatched, ${onNs.toFixed(1)} watched; ${ratio.toFixed(3)}x (95 %: ${low.toFixed(3)} to ${high.toFixed(3)}, ${rounds} rounds)`,
  )
}
const title = 'scrape of 10 000 histogram series, ms'
const rows = await scrapes()
report.push({ title, rows })
if (given.json) console.log(JSON.stringify(report, null, 2))
else {
  console.log(`\n${title}`)
  for (const { name, total, block, bytes } of rows)
    console.log(
      `  ${name.padEnd(28)}${total.toFixed(0).padStart(5)} in all, the loop blocked for ${block.toFixed(1)} at most, ${(bytes / 1e6).toFixed(1)} MB`,
    )
}
