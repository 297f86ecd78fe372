import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createCache } from '../../../js/index.ts'
import { redis } from '../../../js/stores/redis.ts'
import { killedKinds, killedStore } from './killed-store.ts'
import { hasRedis, type RedisServer, startRedis } from './redis-server.ts'

/** From the last thing that the program does to the end of its process: less than any of our deadlines. */
const SOON_MS = 1500

let scratch: string
let child: string
let server: RedisServer | undefined

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'shelflife-ending-'))
  child = join(scratch, 'child.mjs')
  const entry = fileURLToPath(new URL('ending-child.ts', import.meta.url))
  const banner = { js: `import { createRequire as requireOf } from 'node:module'; const require = requireOf(process.env.SHELFLIFE_TESTS)` }
  await build({
    ...{ entryPoints: [entry], bundle: true, format: 'esm', platform: 'node', outfile: child, banner, logLevel: 'error' },
    external: ['node:*'],
  })
  if (hasRedis) server = await startRedis()
})
afterAll(async () => {
  await server?.dispose()
  rmSync(scratch, { recursive: true, force: true })
})

/** How the process ended, and how long that took. */
function end(kind: string, place: string, scene: string): Promise<{ code: number | null; said: string; ms: number }> {
  return new Promise((resolve, reject) => {
    const started = spawn(process.execPath, [child, kind, place, scene], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, SHELFLIFE_TESTS: import.meta.url },
    })
    let said = ''
    let doneAt = Number.POSITIVE_INFINITY
    started.stdout.on('data', chunk => {
      doneAt = performance.now()
      said += chunk
    })
    started.stderr.on('data', chunk => {
      said += chunk
    })
    const late = setTimeout(() => started.kill('SIGKILL'), 10_000)
    started.on('error', reject)
    started.on('close', code => {
      clearTimeout(late)
      resolve({ code, said, ms: performance.now() - doneAt })
    })
  })
}

const scenes = ['made', 'queued', 'idle', 'closed'] as const

describe.each([...killedKinds, 'keyv'])('a process with a cache over %s', kind => {
  test.each(scenes)('ends by itself (%s), and what was set is stored', async scene => {
    const place = join(scratch, `${kind}-${scene}`.replaceAll(/\W/g, '-'))
    const { code, said, ms } = await end(kind, place, scene)
    expect([code, said]).toEqual([0, expect.stringMatching(/^(\(node:\d+\) ExperimentalWarning.*\n.*\n)?done\n/)])
    expect(ms).toBeLessThan(SOON_MS)
    if (scene === 'made' || kind === 'keyv') return
    const cache = createCache<string>({ tiers: [{ store: killedStore(kind, place), timeout: '1m' }] })
    expect(await cache.get('b')).toBe('queued')
    await cache.close()
  })
})

describe.skipIf(!hasRedis)('a process with a cache over Redis', () => {
  test('ends by itself when it is closed, and what was set is stored', async () => {
    const { url } = server as RedisServer
    const { code, said, ms } = await end('redis', url, 'closed')
    expect([code, said]).toEqual([0, 'done\n'])
    expect(ms).toBeLessThan(SOON_MS)
    const cache = createCache<string>({ store: redis({ url }) })
    expect(await cache.get('b')).toBe('queued')
    await cache.close()
  })

  test('of which nothing answers ends by itself when it is closed', async () => {
    const { code, said, ms } = await end('redis', 'redis://127.0.0.1:1', 'closed')
    expect([code, ms < SOON_MS]).toEqual([1, true])
    // It waited for `stored`, and was told why that is not so.
    expect(said).toContain('ERR_STORE')
  })
})
