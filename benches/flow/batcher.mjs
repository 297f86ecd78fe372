// What a key costs that is loaded in a batch: 1 000 keys asked for in one go, each for the first time, and again.

import DataLoader from 'dataloader'
import { createBatcher } from 'shelflife'

const KEYS = 1000
const TIMES = 20

const keys = Array.from({ length: KEYS }, (_, id) => `user:${id}`)
const loadMany = async asked => asked.map(key => key.length)

const makers = {
  'shelflife createBatcher': () => createBatcher(loadMany, { maxBatchSize: 100 }),
  DataLoader: () => new DataLoader(loadMany, { maxBatchSize: 100 }),
}

/** @type {{ title: string, base: string, operations: number, contestants: { name: string, run(): Promise<number> }[] }[]} */
export const workloads = [
  {
    title: 'load of a key in a batch of 100, ns',
    base: 'DataLoader',
    operations: KEYS * TIMES,
    contestants: Object.entries(makers).map(([name, make]) => ({ name, run: () => loadAll(make, false) })),
  },
  {
    title: 'load of a key that is remembered, ns',
    base: 'DataLoader',
    operations: KEYS * TIMES,
    contestants: Object.entries(makers).map(([name, make]) => {
      const loader = make()
      return { name, run: () => loadAll(() => loader, true) }
    }),
  },
]

async function loadAll(make, together) {
  let sum = 0
  for (let time = 0; time < TIMES; time += 1) {
    const loader = make()
    const loads = []
    for (const key of keys) loads.push(loader.load(key))
    const values = await Promise.all(loads)
    for (const value of values) sum += value
    if (!together) loader.clearAll()
  }
  return sum
}
