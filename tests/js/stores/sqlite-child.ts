/** Another process with a cache over the file of SQLite at `argv[2]`: does what it is told, and says when that is stored. */

import { createCache } from '../../../js/index.ts'
import { sqlite } from '../../../js/stores/sqlite.ts'
import { drivers } from './sqlite-drivers.ts'

const [, , path = '', name = ''] = process.argv
const driver = drivers.find(([one]) => one === name)?.[1]
const cache = createCache<number>({ persist: 'stored', store: sqlite({ path, pollInterval: 5, ...(driver && { driver }) }) })
await cache.get('nothing')

process.on('message', async ([what, key, value]: [string, string, number]) => {
  if (what === 'close') {
    await cache.close()
    process.exit(0)
  } else if (what === 'set') await cache.set(key, value)
  else if (what === 'delete') await cache.delete(key)
  else if (what === 'tag') await cache.invalidateTags([`tag of ${key}`])
  else if (what === 'pattern') await cache.invalidate(`${key}*`)
  else if (what === 'clear') await cache.clear()
  process.send?.([what === 'get' ? await cache.get(key) : cache.memory.peek(key)])
})
process.send?.('ready')
