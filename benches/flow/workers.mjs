// What threads bring where an item keeps the processor busy for about 1 ms, and what they cost where it does not.

import { Piscina } from 'piscina'
import { processBatch } from 'shelflife'
import { createWorkers } from 'shelflife/workers'
import handler from './workers/handler.mjs'

const module = new URL('workers/handler.mjs', import.meta.url)
const BUSY = 200
const LIGHT = 50_000

const busy = Array.from({ length: BUSY }, () => ({ do: 'spin', n: 200_000 }))
const light = Array.from({ length: LIGHT }, (_, n) => ({ do: 'increment', n }))

const crews = new Map()
function crew(workers) {
  if (!crews.has(workers)) crews.set(workers, createWorkers({ module, workers }))
  return crews.get(workers)
}
let piscina

const sum = values => values.reduce((total, value) => total + value, 0)

async function inThreads(items, workers, batchSize) {
  const { results } = await processBatch(items, crew(workers).handler, { batchSize, concurrency: workers })
  return sum(results.map(({ value }) => value))
}

async function inPiscina(items, batchSize) {
  piscina ??= new Piscina({ filename: module.href, minThreads: 2, maxThreads: 2 })
  const batches = []
  for (let at = 0; at < items.length; at += batchSize) batches.push(piscina.run(items.slice(at, at + batchSize)))
  return sum((await Promise.all(batches)).flat())
}

async function here(items, batchSize) {
  const { results } = await processBatch(items, handler, { batchSize, concurrency: 1 })
  return sum(results.map(({ value }) => value))
}

const contestants = (items, batchSize) => [
  { name: 'shelflife, this thread', run: () => here(items, batchSize) },
  { name: 'shelflife, 1 worker', run: () => inThreads(items, 1, batchSize) },
  { name: 'shelflife, 2 workers', run: () => inThreads(items, 2, batchSize) },
  { name: 'piscina, 2 threads', run: () => inPiscina(items, batchSize) },
]

export const workloads = [
  {
    title: 'an item of 1 ms, 5 at once, ns',
    base: 'shelflife, this thread',
    operations: BUSY,
    rounds: 5,
    warmUp: 2,
    contestants: contestants(busy, 5),
  },
  {
    title: 'an item of next to nothing, 100 at once, ns',
    base: 'piscina, 2 threads',
    operations: LIGHT,
    rounds: 7,
    warmUp: 2,
    contestants: contestants(light, 100),
  },
]
