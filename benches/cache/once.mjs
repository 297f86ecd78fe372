// What happens once: making a cache, filling it, and the end of everything at the same moment.

import { createMemoryCache } from 'shelflife'
import { ManualClock } from 'shelflife/testing'
import { contestants } from './contestants.mjs'
import { median } from './rounds.mjs'

/** Milliseconds to make a cache for `max` entries. */
export function construction(max) {
  return contestants.map(({ name, make }) => ({ name, ms: median(Array.from({ length: 7 }, () => timed(() => make(max)))) }))
}

/** The longest single block, and all blocks together, while `entries` expire at once. */
export function expiryOfEverything(entries) {
  const clock = new ManualClock()
  const cache = createMemoryCache({ max: entries, ttl: 1000, clock })
  for (let at = 0; at < entries; at += 1) cache.set(`user:${at}:profile`, at)
  let [longestMs, totalMs, slices] = [0, 0, 0]
  while (cache.size > 0) {
    const ms = timed(() => clock.advance(slices === 0 ? 1001 : 1))
    longestMs = Math.max(longestMs, ms)
    totalMs += ms
    slices += 1
  }
  return { entries, slices, longestMs, totalMs }
}

function timed(run) {
  const start = performance.now()
  run()
  return performance.now() - start
}
