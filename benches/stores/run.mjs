// One contestant in a folder, in a process of its own: writes, or reopens and reads. Prints what each entry cost.

import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { contestants } from './contestants.mjs'

const RANDOM_READS = 2000

const [, , name, given, path, phase] = process.argv
const count = Number(given)
const { open } = contestants[name]
const keyOf = id => `user:${id}`
const user = id => ({
  id,
  name: `User Number ${id}`,
  email: `user${id}@example.org`,
  address: { street: `${id} Main Street`, city: ['Berlin', 'Lagos', 'Quito'][id % 3], zip: String(10_000 + id) },
  roles: ['reader', id % 7 === 0 ? 'admin' : 'writer'],
  created: new Date(1.6e12 + id * 1e7).toISOString(),
  score: (id * 2654435761) % 1000,
})

console.log(JSON.stringify(await (phase === 'write' ? write() : read())))
process.exit()

async function write() {
  const entries = Array.from({ length: count }, (_, id) => [keyOf(id), user(id)])
  const store = await open(path)
  const ms = await timed(() => store.write(entries))
  await store.close()
  return { 'write all and flush': (ms * 1000) / count, 'on disk': sizeOf(path) / count }
}

async function read() {
  const keys = Array.from({ length: count }, (_, id) => keyOf(id))
  const some = Array.from({ length: RANDOM_READS }, (_, at) => keys[(at * 48_271) % count])
  const before = used()
  let store
  const opening = await timed(async () => {
    store = await open(path)
  })
  const memory = used() - before
  const reading = await timed(async () => {
    const found = await store.readAll(keys)
    if (found.length !== count || found.some((value, id) => value?.id !== id)) throw new Error('something else was read than was written')
  })
  const random = await timed(async () => {
    for (const key of some) await store.read(key)
  })
  await store.close()
  return {
    'reopen and read all': ((opening + reading) * 1000) / count,
    'random read': (random * 1000) / RANDOM_READS,
    'in memory after reopening': memory / count,
  }
}

async function timed(work) {
  const began = performance.now()
  await work()
  return performance.now() - began
}

/** Bytes of heap, buffers and WebAssembly, which counts as buffers. */
function used() {
  globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function sizeOf(path) {
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.blocks === undefined ? stat.size : stat.blocks * 512
  return readdirSync(path).reduce((sum, entry) => sum + sizeOf(join(path, entry)), 0)
}
