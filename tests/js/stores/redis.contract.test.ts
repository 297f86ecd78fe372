import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { redis } from '../../../js/stores/redis.ts'
import { testStore } from '../../../js/testing.ts'
import { hasRedis, type RedisServer, startRedis } from './redis-server.ts'

let server: RedisServer
let serial = 0

// Where a reply means that a write is on disk: 'durable' is part of the contract.
beforeAll(async () => {
  if (hasRedis) server = await startRedis('--appendonly', 'yes', '--appendfsync', 'always')
})
afterAll(() => server?.dispose())

describe.skipIf(!hasRedis)('a store in Redis, by its URL', () => {
  const cases = testStore(
    () => {
      serial += 1
      const prefix = `url:${serial}`
      return { store: () => redis({ url: server.url, prefix }) }
    },
    { lacks: ['compaction', 'budget'] },
  )
  for (const { name, run } of cases) test(name, run)
})

describe.skipIf(!hasRedis)('a store in Redis that compresses values', () => {
  const cases = testStore(
    () => {
      serial += 1
      const prefix = `pressed:${serial}`
      return { store: () => redis({ url: server.url, prefix, compression: { format: 'lz4', minSize: 1, minSaving: 0 } }) }
    },
    { lacks: ['compaction', 'budget'] },
  )
  for (const { name, run } of cases) test(name, run)
})

describe.skipIf(!hasRedis)("a store in Redis, by the user's client", () => {
  const cases = testStore(
    async () => {
      serial += 1
      const prefix = `client:${serial}`
      const client = createClient({ url: server.url, RESP: 3, disableOfflineQueue: true })
      client.on('error', () => {})
      await client.connect()
      return { store: () => redis({ client, prefix }), dispose: () => client.destroy() }
    },
    { lacks: ['compaction', 'budget'] },
  )
  for (const { name, run } of cases) test(name, run)
})

describe.skipIf(!hasRedis)('a store in Redis, by a client of ioredis', () => {
  const cases = testStore(
    async () => {
      serial += 1
      const prefix = `ioredis:${serial}`
      const client = new Redis(server.url, { enableOfflineQueue: false, lazyConnect: true })
      await client.connect()
      return { store: () => redis({ client, prefix }), dispose: () => client.disconnect() }
    },
    { lacks: ['compaction', 'budget'] },
  )
  for (const { name, run } of cases) test(name, run)
})
