// A process that works through items, keeps checkpoints in a file, and is killed at some point: `node killed.mjs FOLDER COUNT`.

import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const { processBatch } = await import(new URL('../../../dist/index.js', import.meta.url).href)
const [folder = '.', count = '0'] = process.argv.slice(2)
const file = join(folder, 'token.json')

async function* source() {
  for (let at = 0; at < Number(count); at += 1) yield at
}

const result = await processBatch(
  source(),
  async (/** @type {number[]} */ items) => {
    await new Promise(resolve => setTimeout(resolve, Math.random() * 5))
    appendFileSync(join(folder, 'done.log'), items.map(item => `${item}\n`).join(''))
    return items
  },
  {
    batchSize: 10,
    concurrency: 4,
    results: 'none',
    resume: existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined,
    checkpointInterval: 10,
    onCheckpoint: (/** @type {unknown} */ token) => {
      writeFileSync(`${file}.new`, JSON.stringify(token))
      renameSync(`${file}.new`, file)
    },
  },
)
console.log(JSON.stringify(result.stats))
