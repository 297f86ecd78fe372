import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../../js/clock.ts'
import { storeContext } from '../../../js/core/tier-core.ts'
import { redis } from '../../../js/stores/redis.ts'
import type { EntryFacts, StoreChange, Tier } from '../../../js/stores/tier.ts'
import { hasRedis, type RedisServer, startRedis } from './redis-server.ts'

let server: RedisServer
let serial = 0
beforeAll(async () => {
  if (hasRedis) server = await startRedis()
})
afterAll(() => server?.dispose())

/** Two processes' tiers over one prefix. */
async function two(): Promise<{ one: Tier; other: Tier; heard: StoreChange[]; prefix: string; close(): Promise<void> }> {
  serial += 1
  const prefix = `shared${serial}`
  const heard: StoreChange[] = []
  const open = async (onChange?: (change: StoreChange) => void) => {
    const tier = redis({ url: server.url, prefix }).openTier({ ...storeContext(systemClock), onChange })
    await tier.open()
    return tier
  }
  const [one, other] = [await open(), await open(change => heard.push(change))]
  return { one, other, heard, prefix, close: async () => void (await Promise.all([one.close(), other.close()])) }
}

function set(tier: Tier, key: string, facts?: EntryFacts, persist: 'memory' | 'stored' = 'stored') {
  const entry = { value: key, writtenAt: Date.now(), expiresAt: Number.POSITIVE_INFINITY, facts }
  return tier.setMany([{ key, entry }], { persist })
}

async function has(tier: Tier, ...keys: string[]): Promise<boolean[]> {
  return (await tier.getMany(keys)).map(entry => entry !== undefined)
}

describe.skipIf(!hasRedis)('tiers that share a Redis', () => {
  test('what one gives up the other does not find at its next read, and hears of', async () => {
    const { one, other, heard, close } = await two()
    for (const key of ['a', 'b', 'c']) await set(one, key, { tags: [key] })
    expect(await has(other, 'a', 'b', 'c')).toEqual([true, true, true])
    await one.invalidate({ tags: ['a'] })
    await one.invalidate({ tags: ['b'], mode: 'expire' })
    const [a, b, c] = await other.getMany(['a', 'b', 'c'])
    expect([a, b?.value, typeof b?.expiredAt, c?.expiredAt]).toEqual([undefined, 'b', 'number', undefined])
    expect(heard).toEqual([{ invalidation: { tags: ['a'] } }, { invalidation: { tags: ['b'], mode: 'expire' } }])
    await set(other, 'a', { tags: ['a'] })
    expect(await has(one, 'a', 'c')).toEqual([true, true])
    await one.clear()
    expect(await has(other, 'a', 'b', 'c')).toEqual([false, false, false])
    expect(heard.at(-1)).toEqual({ all: true })
    await set(other, 'c')
    expect(await has(one, 'c')).toEqual([true])
    await close()
  })

  test('what depends on a key goes when another process changes that', async () => {
    const { one, other, close } = await two()
    await set(one, 'made', { dependsOn: ['source'] })
    await set(other, 'source')
    expect([await has(one, 'made'), await has(other, 'made')]).toEqual([[false], [false]])
    await set(one, 'made', { dependsOn: ['source'] })
    expect(await has(other, 'made')).toEqual([true])
    await other.deleteMany(['source'], { persist: 'stored' })
    expect([await has(one, 'made'), await has(other, 'made')]).toEqual([[false], [false]])
    await close()
  })

  test('who waits for a write finds it, whatever others gave up meanwhile', async () => {
    const { one, other, close } = await two()
    for (let round = 0; round < 50; round += 1) {
      const given = one.invalidate({ tags: ['t'] })
      await set(other, `k${round}`, { tags: ['t'] })
      // Given up while it was written, or written after: who knows. Written after it was given up, it is there.
      await given
      await set(other, `k${round}`, { tags: ['t'] })
      expect([await has(one, `k${round}`), await has(other, `k${round}`)]).toEqual([[true], [true]])
    }
    await close()
  })

  test.each([
    ['the version', (prefix: string) => server.ask('DEL', `${prefix}|version`)],
    ['the marks', (prefix: string) => server.ask('DEL', `${prefix}|marks`)],
    ['the last invalidations', (prefix: string, before: string) => server.ask('SET', `${prefix}|version`, before)],
    ['sense', (prefix: string) => server.ask('SET', `${prefix}|version`, 'nonsense')],
  ])('when Redis has lost %s, everything counts as given up', async (what, lose) => {
    const { one, other, prefix, close } = await two()
    await set(one, 'a', { tags: ['t'] })
    await set(one, 'b')
    const before = String(await server.ask('GET', `${prefix}|version`))
    await one.invalidate({ tags: ['t'] })
    expect(await has(other, 'a', 'b')).toEqual([false, true])
    await lose(prefix, before)
    // Without its marks nobody notices before somebody asks for them.
    if (what === 'the marks') await one.invalidate({ tags: ['x'] })
    expect([await has(one, 'a', 'b'), await has(other, 'a', 'b')]).toEqual([
      [false, false],
      [false, false],
    ])
    await set(one, 'b')
    await one.invalidate({ tags: ['t'] })
    expect([await has(one, 'b'), await has(other, 'b')]).toEqual([[true], [true]])
    await close()
  })

  test('marks and sources are bounded in Redis, and nothing that was given up comes back', { timeout: 60_000 }, async () => {
    const { one, other, prefix, close } = await two()
    const facts = (at: number) => ({ tags: [`t${at}`], dependsOn: [`source${at}`] })
    const writes = Array.from({ length: 5000 }, (_, at) => ({
      key: `k${at}`,
      entry: { value: at, writtenAt: Date.now(), expiresAt: Number.POSITIVE_INFINITY, facts: facts(at) },
    }))
    await one.setMany(writes.slice(0, 2500), { persist: 'stored' })
    await one.setMany(writes.slice(2500), { persist: 'stored' })
    expect(Number(await server.ask('ZCARD', `${prefix}|sources`))).toBeLessThanOrEqual(4096)
    for (let at = 0; at < 4500; at += 1) await one.invalidate({ tags: [`t${at}`] }, { persist: 'memory' })
    await one.flush()
    expect(Number(await server.ask('ZCARD', `${prefix}|marks`))).toBeLessThanOrEqual(2002)
    const third = redis({ url: server.url, prefix }).openTier(storeContext(systemClock))
    await third.open()
    for (const tier of [one, other, third]) {
      const found = await has(tier, ...writes.slice(0, 4500).map(({ key }) => key))
      expect(found.some(Boolean)).toBe(false)
    }
    await set(one, 'k1', facts(1))
    expect([await has(other, 'k1'), await has(third, 'k1')]).toEqual([[true], [true]])
    await set(third, 'source1')
    expect([await has(one, 'k1'), await has(other, 'k1')]).toEqual([[false], [false]])
    await third.close()
    await close()
  })

  test('no command walks through what there is', async () => {
    const used = String(await server.ask('INFO', 'commandstats')).match(/cmdstat_\w+/g) ?? []
    expect(used.length).toBeGreaterThan(5)
    expect(used.filter(name => /_(keys|scan|flush\w+|hgetall|smembers)$/.test(name))).toEqual([])
  })
})
