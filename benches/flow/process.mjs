// What an item costs of many that go through one function, and how much memory a million of them take.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import pMap, { pMapIterable } from 'p-map'
import { processBatch } from 'shelflife'

const COUNT = 100_000
const MILLION = 1_000_000
const MARKS = [100_000, 500_000, MILLION]

const items = Array.from({ length: COUNT }, (_, at) => at)
const one = async item => item + 1
const many = async batch => batch.map(item => item + 1)

async function* from(count, look) {
  for (let at = 0; at < count; at += 1) {
    look?.(at)
    yield at
  }
  look?.(count)
}

async function sumOfBatches(input, options) {
  const handler = options.batchSize === 1 ? async ([item]) => [item + 1] : many
  let sum = 0
  for (const { value } of (await processBatch(input, handler, options)).results) sum += value
  return sum
}

async function sumOfItems(input, concurrency) {
  let sum = 0
  for (const value of await pMap(input, one, { concurrency })) sum += value
  return sum
}

const contestants = input => [
  { name: 'shelflife processBatch, 100 at once', run: () => sumOfBatches(input(), { batchSize: 100, concurrency: 4 }) },
  { name: 'shelflife processBatch, one by one', run: () => sumOfBatches(input(), { batchSize: 1, concurrency: 64 }) },
  { name: 'p-map', run: () => sumOfItems(input(), 64) },
]

export const workloads = [
  {
    title: `an item of an array of ${COUNT}, ns`,
    base: 'p-map',
    operations: COUNT,
    rounds: 7,
    warmUp: 2,
    contestants: contestants(() => items),
  },
  {
    title: `an item of ${COUNT} from an async iterable, ns`,
    base: 'p-map',
    operations: COUNT,
    rounds: 7,
    warmUp: 2,
    contestants: contestants(() => from(COUNT)),
  },
]

/** The heap in MB, as rows: what is in use when so many items have been read. */
export async function memory() {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc')
  const rows = []
  const measured = async (name, run) => {
    const heap = []
    gc()
    const before = process.memoryUsage().heapUsed
    const begun = performance.now()
    await run(
      from(MILLION, at => {
        if (!MARKS.includes(at)) return
        gc()
        heap.push((process.memoryUsage().heapUsed - before) / 1e6)
      }),
    )
    rows.push({ name, marks: MARKS, heap, seconds: (performance.now() - begun) / 1000 })
  }
  await measured("shelflife processBatch, results: 'none'", input => processBatch(input, many, { results: 'none' }))
  await measured('p-map, pMapIterable', async input => {
    for await (const _ of pMapIterable(input, one, { concurrency: 64 }));
  })
  await measured('shelflife processBatch', input => processBatch(input, many))
  await measured('p-map', input => pMap(input, one, { concurrency: 64 }))
  return rows
}
