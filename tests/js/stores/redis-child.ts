/** Another process with a cache over the Redis at `argv[2]`: does what it is told, and says when it did. */

import { createCache } from '../../../js/index.ts'
import { redis, redisBus } from '../../../js/stores/redis.ts'

const [, , url = '', name = ''] = process.argv
const cache = createCache<number>({ store: redis({ url, prefix: name }), bus: redisBus({ url, channel: `${name}:bus` }) })
const users = cache.namespace<number>('users')
await cache.get('nothing')

process.on('message', async ([what, key, value]: [string, string, number]) => {
  const at = performance.timeOrigin + performance.now()
  if (what === 'close') {
    await cache.close()
    process.exit(0)
  } else if (what === 'set') void cache.set(key, value)
  else if (what === 'set in a namespace') void users.set(key, value)
  else if (what === 'delete') void cache.delete(key)
  else if (what === 'tag') void cache.invalidateTags([`tag of ${key}`])
  else if (what === 'pattern') void cache.invalidate(`${key}*`)
  else void cache.clear()
  process.send?.({ at })
})
process.send?.('ready')
