/** A process of its own that opens the folder another one filled, reads the same keys and says what it took. */

import { openClient, percentiles } from './client.mjs'
import { drive } from './drive.mjs'

/** @typedef {{ reads: number, wrong: number, errors: string[], seconds: number, openMs: number, p50Ms: number, p95Ms: number, p99Ms: number }} Reopened */

process.once('message', async message => {
  const { folder, url, keys, width } = /** @type {{ folder: string, url: string, keys: number[], width: number }} */ (message)
  const began = performance.now()
  const client = openClient({ folder, url })
  const timed = client.timer.with({ phase: 'restart' })
  let openMs = 0
  let wrong = 0
  /** @type {string[]} */
  const errors = []
  await drive(keys, width, client.read, (index, { ms, value, error }, at) => {
    timed.observe(ms / 1000)
    if (at === 0) openMs = performance.now() - began
    if (error !== undefined) errors.push(String(error))
    else if (value?.index !== index) wrong += 1
    if (at % 100 === 99) process.send?.({ advance: 100 })
  })
  /** @type {Reopened} */
  const answer = {
    reads: keys.length,
    wrong,
    errors: errors.slice(0, 5),
    seconds: (performance.now() - began) / 1000,
    openMs,
    ...percentiles(client, 'restart'),
  }
  await client.close()
  process.send?.({ answer }, () => process.disconnect())
})
