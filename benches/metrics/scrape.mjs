// How long a scrape of 10 000 histogram series takes, and the longest time in it in which the event loop does nothing else.

import prom from 'prom-client'
import { createRegistry } from 'shelflife'

const SERIES = 10_000
const SCRAPES = 7

export async function scrapes() {
  const registry = createRegistry({ maxSeries: SERIES })
  const ours = registry.histogram({ name: 'took_seconds', help: 'x', labelNames: ['route'] })
  const promRegistry = new prom.Registry()
  const theirs = new prom.Histogram({ name: 'took_seconds', help: 'x', labelNames: ['route'], registers: [promRegistry] })
  for (let route = 0; route < SERIES; route += 1) {
    for (let sample = 0; sample < 5; sample += 1) {
      const seconds = 0.001 * (1 + ((route * 7 + sample * 131) % 1000))
      ours.observe({ route }, seconds)
      theirs.observe({ route }, seconds)
    }
  }
  return [await measure('shelflife', () => registry.metrics()), await measure('prom-client', () => promRegistry.metrics())]
}

/** Medians over the scrapes, the first left out. */
async function measure(name, scrape) {
  const totals = []
  const blocks = []
  let bytes = 0
  for (let round = 0; round <= SCRAPES; round += 1) {
    const watch = watchLoop()
    const start = performance.now()
    bytes = (await scrape()).length
    totals.push(performance.now() - start)
    blocks.push(await watch())
  }
  const median = values => values.slice(1).toSorted((a, b) => a - b)[SCRAPES >> 1]
  return { name, total: median(totals), block: median(blocks), worst: Math.max(...blocks.slice(1)), bytes }
}

/** Turns of the event loop, as close together as it allows; the longest time between two. */
function watchLoop() {
  let last = performance.now()
  let longest = 0
  let running = true
  const turn = () => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
    if (running) setImmediate(turn)
  }
  setImmediate(turn)
  return () =>
    new Promise(resolve =>
      setImmediate(() => {
        running = false
        resolve(longest)
      }),
    )
}
