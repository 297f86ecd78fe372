/** Writes to the store of the kind in `argv[2]`, at the path in `argv[3]`, until it is killed. Says what it is about to do, and what has been acknowledged, line by line. */

import { writeSync } from 'node:fs'
import { systemClock } from '../../../js/clock.ts'
import { storeContext } from '../../../js/core/tier-core.ts'
import { killedStore } from './killed-store.ts'

const [, , kind = '', path = '', first = '1'] = process.argv
const tier = killedStore(kind, path).openTier(storeContext(systemClock))
await tier.open()
say(`state ${tier.stats().state} ${JSON.stringify(tier.stats().errors)}\n`)

/** At once; where the reader is slow the pipe may be full. */
function say(line: string): void {
  for (let bytes = Buffer.from(line); bytes.length > 0; ) {
    try {
      bytes = bytes.subarray(writeSync(1, bytes))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    }
  }
}

let serial = Number(first)
async function work(): Promise<never> {
  for (;;) {
    const own = serial
    serial += 1
    const key = `key:${Math.floor(Math.random() * 200)}`
    const persist = own % 11 === 0 ? 'durable' : 'stored'
    const isDelete = own % 7 === 0
    say(`${isDelete ? 'delete' : 'set'} ${own} ${key}\n`)
    if (isDelete) await tier.deleteMany([key], { persist })
    else {
      const value = { own, text: `${own};`.repeat(own % 13 === 0 ? 4000 : own % 150) }
      await tier.setMany([{ key, entry: { value, writtenAt: Date.now(), expiresAt: Number.POSITIVE_INFINITY } }], { persist })
    }
    say(`ack ${own}\n`)
  }
}
await Promise.all(Array.from({ length: 8 }, work))
