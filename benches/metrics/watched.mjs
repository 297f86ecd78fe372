// A hit in a cache that nobody watches, and in one that reports to a registry and is watched by a monitor and an advisor, curve and all.

import { createAdvisor, createMemoryCache, createMonitor, createRegistry } from 'shelflife'
import { median } from '../cache/rounds.mjs'

const ENTRIES = 10_000
const HITS = 400_000
const ROUNDS = 41
const keys = Array.from({ length: ENTRIES }, (_, at) => `key:${at}`)
const order = Int32Array.from({ length: HITS }, (_, at) => (at * 7919) % ENTRIES)

/** The two run in turns, the first one of a round being the other each time. The ratio of a round is that of its two times. */
export function watchedHit() {
  const registry = createRegistry()
  const monitor = createMonitor({ registry })
  const [alone, watched] = [
    createMemoryCache({ max: ENTRIES, ttl: '1h' }),
    createMemoryCache({ max: ENTRIES, ttl: '1h', metrics: registry }),
  ]
  monitor.watch('watched', watched)
  const advisor = createAdvisor(monitor)
  for (const cache of [alone, watched]) for (const key of keys) cache.set(key, key)
  const time = cache => {
    const began = process.hrtime.bigint()
    for (let at = 0; at < HITS; at += 1) if (cache.get(keys[order[at]]) === undefined) throw new Error('a miss')
    return Number(process.hrtime.bigint() - began) / HITS
  }
  for (let warm = 0; warm < 3; warm += 1) for (const cache of [alone, watched]) time(cache)
  const rounds = Array.from({ length: ROUNDS }, (_, round) => {
    const both = round % 2 === 0 ? [time(alone), time(watched)] : [time(watched), time(alone)].reverse()
    // What the log says is worked off, and told, between rounds as between the ticks of a clock.
    monitor.snapshot()
    return { off: both[0], on: both[1], ratio: both[1] / both[0] }
  })
  advisor.close()
  monitor.close()
  const ratios = rounds.map(({ ratio }) => ratio).sort((a, b) => a - b)
  return {
    rounds: ROUNDS,
    offNs: median(rounds.map(({ off }) => off)),
    onNs: median(rounds.map(({ on }) => on)),
    ratio: median(rounds.map(({ on }) => on)) / median(rounds.map(({ off }) => off)),
    ratioInterval: intervalOfMedian(ratios),
  }
}

/** The order statistics between which the median of all rounds lies in 95 of 100 cases (binomial). @param {number[]} sorted */
function intervalOfMedian(sorted) {
  const half = 0.98 * Math.sqrt(sorted.length)
  const middle = sorted.length / 2
  return [sorted[Math.max(0, Math.floor(middle - half))], sorted[Math.min(sorted.length - 1, Math.ceil(middle + half))]]
}
