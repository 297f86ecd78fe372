/** A process with a cache over the store of the kind in `argv[2]`, at the place in `argv[3]`, which ends by itself: `argv[4]` says from where on it has nothing to do. */

import Keyv from 'keyv'
import { createCache } from '../../../js/index.ts'
import { keyvStore } from '../../../js/stores/keyv.ts'
import { redis } from '../../../js/stores/redis.ts'
import { killedStore } from './killed-store.ts'

const [, , kind = '', place = '', scene = ''] = process.argv

function store() {
  if (kind === 'redis') return redis({ url: place })
  return kind === 'keyv' ? keyvStore(new Keyv()) : killedStore(kind, place)
}

const cache = createCache<string>({ store: store(), ttl: '1h' })
if (scene === 'idle' || scene === 'closed') {
  await cache.set('a', 'stored', { persist: 'stored' })
  await cache.get('none')
}
if (scene !== 'made') void cache.set('b', 'queued')
if (scene === 'closed') await cache.close()
// Nothing waits for this process but what the cache has begun.
process.stdout.write('done\n')
