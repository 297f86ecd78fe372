import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createCache } from '../../../js/index.ts'
import { redis, redisBus } from '../../../js/stores/redis.ts'
import { outage } from './redis-outage.ts'
import { hasRedis, type RedisServer, startRedis } from './redis-server.ts'

const KINDS = ['set', 'set in a namespace', 'delete', 'tag', 'pattern', 'clear'] as const
const ROUNDS = 120

let server: RedisServer
beforeAll(async () => {
  if (hasRedis) server = await startRedis()
})
afterAll(() => server?.dispose())

/** A bundle beside the packages that it imports. */
async function forkChild(name: string): Promise<{ child: ChildProcess; file: string }> {
  const folder = fileURLToPath(new URL('../../../target/tests', import.meta.url))
  mkdirSync(folder, { recursive: true })
  const file = `${folder}/redis-child-${process.pid}.mjs`
  const entry = fileURLToPath(new URL('redis-child.ts', import.meta.url))
  await build({
    ...{ entryPoints: [entry], bundle: true, format: 'esm', platform: 'node', outfile: file, logLevel: 'error', external: ['redis'] },
  })
  const child = fork(file, [server.url, name])
  await once(child, 'message')
  return { child, file }
}

describe.skipIf(!hasRedis)('processes that share a Redis', () => {
  test('what one changes the other has forgotten within 100 ms', { timeout: 60_000 }, async () => {
    const { child, file } = await forkChild('two')
    const { url } = server
    const cache = createCache<number>({ store: redis({ url, prefix: 'two' }), bus: redisBus({ url, channel: 'two:bus' }) })
    const users = cache.namespace<number>('users')
    try {
      const delays: number[] = []
      for (let round = 1; round <= ROUNDS; round += 1) {
        const kind = KINDS[round % KINDS.length] as (typeof KINDS)[number]
        const key = `key:${round}`
        const here = kind === 'set in a namespace' ? users : cache
        await here.set(key, round, { tags: [`tag of ${key}`], persist: 'stored' })
        await here.set('other', 1, { persist: 'stored' })
        expect(here.memory.peek(key)).toBe(round)
        const told = once(child, 'message')
        child.send([kind, key, -round])
        while (here.memory.peek(key) !== undefined) await new Promise(resolve => setImmediate(resolve))
        const forgotten = performance.timeOrigin + performance.now()
        const [{ at }] = await told
        delays.push(forgotten - at)
        expect(await here.get(key)).toBe(kind.startsWith('set') ? -round : undefined)
        if (kind !== 'clear') expect(here.memory.peek('other')).toBe(1)
      }
      delays.sort((a, b) => a - b)
      const at = (share: number) => (delays[Math.min(delays.length - 1, Math.floor(delays.length * share))] as number).toFixed(1)
      console.info(`forgotten by the other process after, ms: min ${at(0)}, p50 ${at(0.5)}, p90 ${at(0.9)}, p99 ${at(0.99)}, max ${at(1)}`)
      // Of the slowest the scheduler of a busy machine has its part.
      expect(delays[Math.floor(delays.length * 0.9)]).toBeLessThan(100)
      expect(cache.stats().tiers[0]?.bus).toMatchObject({ gaps: 0, errors: {} })
    } finally {
      const ended = once(child, 'exit')
      child.send(['close'])
      await ended
      await cache.close()
      rmSync(file)
    }
  })

  // `npm run torture:redis` for ten seconds and 5 000 a second.
  test.each(['stopped', 'killed'] as const)('a Redis that is %s for a while keeps nobody waiting', { timeout: 60_000 }, async how => {
    const seen = await outage({ how, seconds: 1.5, rate: 1500 })
    expect(seen.p99).toBeLessThanOrEqual(seen.deadline + 50)
    expect(seen.recoveredAfter).toBeLessThan(10_000)
    expect(seen.wrong).toBe(0)
    expect(seen.hitsAfter).toBeGreaterThan(0)
  })
})
