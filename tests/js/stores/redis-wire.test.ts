/** What can go wrong between a client of Redis and its server, and what other programs may have put there. */

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../../js/clock.ts'
import { storeContext } from '../../../js/core/tier-core.ts'
import { redis } from '../../../js/stores/redis.ts'
import type { Tier } from '../../../js/stores/tier.ts'
import { hasRedis, type RedisServer, startRedis } from './redis-server.ts'

let server: RedisServer
let serial = 0
beforeAll(async () => {
  if (hasRedis) server = await startRedis()
})
afterAll(() => server?.dispose())

const fresh = () => {
  serial += 1
  return `wire${serial}`
}

/** Passes everything on; of a chunk of the server's that `cut` picks only the first half, and then the connection breaks. */
async function wire(cut: (bytes: Buffer) => boolean) {
  const port = Number(new URL(server.url).port)
  const sockets = new Set<Socket>()
  const proxy = createServer(client => {
    const upstream = connect(port, '127.0.0.1')
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        client.destroy()
        upstream.destroy()
      })
    }
    client.on('data', bytes => upstream.write(bytes))
    upstream.on('data', bytes => {
      if (!cut(bytes)) return client.write(bytes)
      return client.write(bytes.subarray(0, bytes.length >> 1), () => client.destroy())
    })
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return {
    url: `redis://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    close() {
      for (const socket of sockets) socket.destroy()
      proxy.close()
    },
  }
}

function set(tier: Tier, key: string, value: unknown, at = Date.now()) {
  return tier.setMany([{ key, entry: { value, writtenAt: at, expiresAt: Number.POSITIVE_INFINITY } }], { persist: 'stored' })
}

async function until(isSo: () => boolean): Promise<void> {
  for (const from = performance.now(); !isSo(); ) {
    if (performance.now() - from > 10_000) throw new Error('it never came')
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

describe.skipIf(!hasRedis)('between here and Redis', () => {
  test('an answer that is cut in half is a miss, never another value, and the next one is read on a new connection', async () => {
    let isCut = false
    const { url, close } = await wire(() => {
      const now = isCut
      isCut = false
      return now
    })
    const prefix = fresh()
    const tier = redis({ url, prefix, breaker: { openFor: 10, maxOpenFor: 50 } }).openTier(storeContext(systemClock))
    await tier.open()
    const keys = Array.from({ length: 20 }, (_, at) => `k${at}`)
    for (const key of keys) await set(tier, key, `${key}: ${'x'.repeat(500)}`)
    for (let round = 0; round < 10; round += 1) {
      isCut = true
      const found = await tier.getMany(keys)
      expect(found.map(entry => entry?.value)).toEqual(keys.map(() => undefined))
      await until(() => tier.stats().state === 'on')
      const again = await tier.getMany(keys)
      expect(again.map(entry => entry?.value)).toEqual(keys.map(key => `${key}: ${'x'.repeat(500)}`))
      isCut = true
      await set(tier, 'k0', round).catch(error => expect(error.code).toBe('ERR_STORE'))
      await until(() => tier.stats().state === 'on')
      await tier.flush()
      expect((await tier.getMany(['k0']))[0]?.value).toBe(round)
      await set(tier, 'k0', `k0: ${'x'.repeat(500)}`)
    }
    await tier.close()
    close()
  })

  test('what other programs keep in the place of an entry is a miss, and stands in nobody’s way', async () => {
    const prefix = fresh()
    const tier = redis({ url: server.url, prefix }).openTier(storeContext(systemClock))
    await tier.open()
    for (const key of ['a', 'b', 'c']) await server.ask('RPUSH', `${prefix}|e|${key}`, 'a list')
    expect(await tier.getMany(['a', 'b'])).toEqual([undefined, undefined])
    // As written before an outage: what has waited is written by a script that looks first.
    await set(tier, 'a', 1, Date.now() - 5000)
    await set(tier, 'b', 2)
    expect((await tier.getMany(['a', 'b'])).map(entry => entry?.value)).toEqual([1, 2])
    expect(await tier.deleteMany(['c'], { persist: 'stored' })).toEqual([false])
    expect(await server.ask('EXISTS', `${prefix}|e|c`)).toBe(0)
    await tier.close()
  })
})
