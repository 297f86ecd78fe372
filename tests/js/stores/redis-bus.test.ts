import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../../js/clock.ts'
import { storeContext } from '../../../js/core/tier-core.ts'
import { type RedisBusOptions, redis, redisBus } from '../../../js/stores/redis.ts'
import type { StoreChange, Tier } from '../../../js/stores/tier.ts'
import { hasRedis, type RedisServer, startRedis } from './redis-server.ts'

let server: RedisServer
let serial = 0
beforeAll(async () => {
  if (hasRedis) server = await startRedis()
})
afterAll(() => server?.dispose())

interface Peer {
  readonly tier: Tier
  readonly heard: StoreChange[]
}

async function peer(name: string, options: Partial<RedisBusOptions> = {}, hasStore = true): Promise<Peer> {
  const { url } = server
  const heard: StoreChange[] = []
  const bus = redisBus({ url, channel: `${name}:bus`, breaker: { openFor: 50, maxOpenFor: 200 }, ...options })
  const store = hasStore ? redis({ url, prefix: name, breaker: { openFor: 50, maxOpenFor: 200 } }) : undefined
  const tier = bus.share(store).openTier({ ...storeContext(systemClock), onChange: change => heard.push(change) })
  await tier.open()
  return { tier, heard }
}

function set({ tier }: Peer, key: string, value: unknown) {
  return tier.setMany([{ key, entry: { value, writtenAt: Date.now(), expiresAt: Number.POSITIVE_INFINITY } }], { persist: 'memory' })
}

async function until(isSo: () => boolean, ms = 10_000): Promise<void> {
  for (const from = performance.now(); !isSo(); ) {
    if (performance.now() - from > ms) throw new Error('it never came')
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

const fresh = () => {
  serial += 1
  return `bus${serial}`
}

describe.skipIf(!hasRedis)('a bus over Redis', () => {
  test('others hear of a change when the store has it; who changed it does not', async () => {
    const name = fresh()
    const [one, other] = [await peer(name), await peer(name)]
    for (let round = 0; round < 20; round += 1) {
      const before = other.heard.length
      await set(one, 'a', round)
      await until(() => other.heard.length > before)
      expect((await other.tier.getMany(['a']))[0]?.value).toBe(round)
    }
    expect(new Set(other.heard.map(change => JSON.stringify(change)))).toEqual(new Set(['{"keys":["a"]}']))
    await one.tier.deleteMany(['a', 'b\ud800'])
    await until(() => JSON.stringify(other.heard.at(-1)) === '{"keys":["a","b\\ud800"]}')
    await one.tier.invalidate({ tags: ['t'], mode: 'expire' }, { persist: 'memory' })
    await until(() => JSON.stringify(other.heard.at(-1)) === '{"invalidation":{"tags":["t"],"mode":"expire"}}')
    await one.tier.clear()
    await until(() => JSON.stringify(other.heard.at(-1)) === '{"all":true}')
    expect(one.heard).toEqual([])
    expect(one.tier.stats().bus).toMatchObject({ state: 'on', gaps: 0, errors: {} })
    await one.tier.close()
    await other.tier.close()
    expect(one.tier.stats().bus?.state).toBe('closed')
  })

  test('caches in memory tell each other without a store', async () => {
    const name = fresh()
    const [one, other] = [await peer(name, {}, false), await peer(name, {}, false)]
    await set(one, 'a', 1)
    await until(() => other.heard.length === 1)
    expect(await other.tier.getMany(['a'])).toEqual([undefined])
    await one.tier.close()
    await other.tier.close()
  })

  test('what happens in one task is one message, and very much of it is all', async () => {
    const name = fresh()
    const [one, other] = [await peer(name, {}, false), await peer(name, {}, false)]
    for (let at = 0; at < 500; at += 1) void set(one, `k${at % 50}`, at)
    await until(() => other.heard.length === 1)
    expect((other.heard[0] as { keys: string[] }).keys).toHaveLength(50)
    for (let at = 0; at < 10_001; at += 1) void set(one, `k${at}`, at)
    await until(() => other.heard.length === 2)
    expect(other.heard[1]).toEqual({ all: true })
    expect(one.tier.stats().bus?.published).toBe(2)
    await one.tier.close()
    await other.tier.close()
  })

  test('one that was cut off hears afterwards what it missed', async () => {
    const name = fresh()
    const [one, other] = [await peer(name), await peer(name)]
    const clients = String(await server.ask('CLIENT', 'LIST')).split('\n')
    for (const client of clients.filter(line => line.includes('cmd=xread'))) {
      const [, id] = /^id=(\d+)/.exec(client) ?? []
      await server.ask('CLIENT', 'KILL', 'ID', id as string)
    }
    for (let at = 0; at < 30; at += 1) await set(one, `k${at}`, at)
    await until(() => other.heard.flatMap(change => ('keys' in change ? change.keys : [])).length >= 30)
    expect(other.tier.stats().bus).toMatchObject({ gaps: 0 })
    await one.tier.close()
    await other.tier.close()
  })

  test('what was cut off from the stream meanwhile is a gap: all is forgotten', async () => {
    const name = fresh()
    const [one, other] = [await peer(name), await peer(name)]
    await set(one, 'a', 1)
    await until(() => other.heard.length === 1)
    await server.ask('DEL', `${name}:bus`)
    const clients = String(await server.ask('CLIENT', 'LIST')).split('\n')
    for (const client of clients.filter(line => line.includes('cmd=xread'))) {
      const [, id] = /^id=(\d+)/.exec(client) ?? []
      await server.ask('CLIENT', 'KILL', 'ID', id as string)
    }
    await until(() => other.heard.some(change => 'all' in change))
    expect(other.tier.stats().bus?.gaps).toBe(1)
    await set(one, 'b', 1)
    await until(() => JSON.stringify(other.heard.at(-1)) === '{"keys":["b"]}')
    await one.tier.close()
    await other.tier.close()
  })

  test('a number that is missing is a gap, a message that is none too; one that comes twice is nothing', async () => {
    const name = fresh()
    const other = await peer(name, {}, false)
    const say = (text: string) => server.ask('XADD', `${name}:bus`, '*', 'm', text)
    await say(JSON.stringify(['x', 1, [{ keys: ['a'] }]]))
    await say(JSON.stringify(['x', 1, [{ keys: ['a'] }]]))
    await say(JSON.stringify(['x', 2, [{ keys: ['b'] }]]))
    await until(() => other.heard.length === 2)
    await say(JSON.stringify(['x', 4, [{ keys: ['c'] }]]))
    const none = [
      { nonsense: 1 },
      { pattern: '' },
      { pattern: 'ends in the middle of an escape\\' },
      { pattern: 'a'.repeat(257) },
      { tags: 'a' },
    ]
    await say('nonsense')
    for (const invalidation of none) await say(JSON.stringify(['x', 5, [{ invalidation }, { keys: ['d'] }]]))
    await say(JSON.stringify(['x', 5, [{ invalidation: { pattern: 'a*' } }, { keys: ['d'] }]]))
    await until(() => other.heard.length === 11)
    const gaps = ['the number', 'nonsense', ...none].map(() => ({ all: true }))
    expect(other.heard.slice(2)).toEqual([...gaps, { invalidation: { pattern: 'a*' } }, { keys: ['d'] }])
    expect(other.tier.stats().bus).toMatchObject({ gaps: 7, errors: { format: 6 } })
    await other.tier.close()
  })

  test('by a client of ioredis, which connects at its first command, it listens all the same', async () => {
    const name = fresh()
    const client = new Redis(server.url, { enableOfflineQueue: false, lazyConnect: true })
    await client.connect()
    const heard: StoreChange[] = []
    const bus = redisBus({ client, channel: `${name}:bus` })
    const tier = bus.share().openTier({ ...storeContext(systemClock), onChange: change => heard.push(change) })
    await tier.open()
    expect(tier.stats().bus?.state).toBe('on')
    const other = await peer(name, {}, false)
    await set(other, 'a', 1)
    await until(() => heard.length === 1)
    await set({ tier, heard }, 'b', 1)
    await until(() => other.heard.length === 1)
    await tier.close()
    await other.tier.close()
    client.disconnect()
  })

  test('Redis dies and comes back empty: what changed meanwhile is told, and everything else forgotten', { timeout: 60_000 }, async () => {
    const own = await startRedis()
    const before = server
    server = own
    try {
      const name = fresh()
      const [one, other] = [await peer(name), await peer(name)]
      await set(one, 'a', 1)
      await until(() => other.heard.length === 1)
      await own.stop()
      await set(one, 'a', 2)
      await set(one, 'b', 2)
      await new Promise(resolve => setTimeout(resolve, 300))
      expect(other.heard).toHaveLength(1)
      await own.start()
      await until(() => other.heard.some(change => 'all' in change))
      await until(() => (one.tier.stats().bus?.queued ?? 1) === 0 && one.tier.stats().queued === 0)
      await until(() => other.tier.stats().bus?.state === 'on' && other.tier.stats().state === 'on')
      expect((await other.tier.getMany(['a', 'b'])).map(entry => entry?.value)).toEqual([2, 2])
      await one.tier.close()
      await other.tier.close()
    } finally {
      server = before
      await own.dispose()
    }
  })
})
