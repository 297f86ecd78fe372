/** Takes the lock of the folder in `argv[2]`, or opens a tier there and works with it when `argv[3]` says so; says how that went, line by line, until it is killed. */

import { writeSync } from 'node:fs'
import { systemClock } from '../../../js/clock.ts'
import { storeContext } from '../../../js/core/tier-core.ts'
import { lockFolder } from '../../../js/stores/fs/lock.ts'
import { fileSystem } from '../../../js/stores/fs.ts'

const [, , path = '', what = 'lock'] = process.argv
if (what === 'lock') {
  writeSync(1, `${(await lockFolder(path)) === undefined ? 'taken' : 'ours'}\n`)
  setInterval(() => {}, 1000)
} else {
  const tier = fileSystem({ path }).openTier(storeContext(systemClock))
  const set = (key: string, value: unknown) =>
    tier.setMany([{ key, entry: { value, writtenAt: Date.now(), expiresAt: Number.POSITIVE_INFINITY } }], { persist: 'stored' })
  await tier.open()
  await set('theirs', 1)
  await set('deleted', 1)
  await tier.deleteMany(['deleted'], { persist: 'stored' })
  await tier.invalidate({ prefix: 'given' })
  writeSync(1, `${tier.stats().state}\n`)
  setInterval(() => {}, 1000)
}
