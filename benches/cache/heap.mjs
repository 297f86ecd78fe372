// Run as a process of its own, with --expose-gc: bytes of heap and buffers per entry of one contestant, and what an empty cache costs.

import { contestants } from './contestants.mjs'

const [name, entries] = [process.argv[2], Number(process.argv[3])]
const { make } = contestants.find(one => one.name === name)
const keys = Array.from({ length: entries }, (_, at) => `user:${at}:profile`)
const values = keys.map((_, at) => ({ at }))
make(10).set('warm', values[0])

const before = used()
const cache = make(entries)
const empty = used()
for (let at = 0; at < entries; at += 1) cache.set(keys[at], values[at])
const full = used()
if (cache.get(keys[entries - 1]) !== values[entries - 1]) throw new Error('not filled')
console.log(JSON.stringify({ bytesPerEntry: (full - before) / entries, bytesEmpty: empty - before }))

function used() {
  for (let round = 0; round < 3; round += 1) globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
