import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { storeContext } from '../../../js/core/tier-core.ts'
import { lockFolder } from '../../../js/stores/fs/lock.ts'
import { fileSystem } from '../../../js/stores/fs.ts'
import { ManualClock } from '../../../js/testing.ts'

let scratch: string
let child: string
let path: string
const children: ChildProcess[] = []

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'shelflife-lock-'))
  child = join(scratch, 'child.mjs')
  const entry = fileURLToPath(new URL('lock-child.ts', import.meta.url))
  await build({ entryPoints: [entry], bundle: true, format: 'esm', platform: 'node', outfile: child, logLevel: 'error' })
})
beforeEach(() => {
  path = mkdtempSync(join(scratch, 'folder-'))
})
afterEach(async () => {
  await Promise.all(children.splice(0).map(end))
})
afterAll(() => rmSync(scratch, { recursive: true }))

/** Starts a process and waits for its first line. */
function start(what: string, ...wrapper: string[]): Promise<{ process: ChildProcess; line: string }> {
  const [command = 'node', ...args] = [...wrapper, 'node', child, path, what]
  const started = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(started)
  return new Promise((resolve, reject) => {
    started.on('error', reject)
    started.on('exit', () => reject(new Error('it ended')))
    started.stdout.setEncoding('utf8').once('data', (text: string) => resolve({ process: started, line: text.trim() }))
  })
}

function end(process: ChildProcess): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return Promise.resolve()
  return new Promise(resolve => {
    process.on('exit', () => resolve())
    process.kill('SIGKILL')
  })
}

test('the lock goes with a process that is killed, at once', async () => {
  for (let round = 0; round < 3; round += 1) {
    const { process, line } = await start('lock')
    expect(line).toBe('ours')
    expect(await lockFolder(path)).toBeUndefined()
    await end(process)
    const unlock = await lockFolder(path)
    expect(unlock).toBeDefined()
    await unlock?.()
  }
})

// Needs the right to make a network namespace, as a container has one of its own.
const isolates = spawnSync('unshare', ['--net', 'true']).status === 0 && spawnSync('flock', ['--version']).status === 0

test.runIf(isolates)('the lock is seen from another container', async () => {
  const { process, line } = await start('lock', 'unshare', '--net', '--kill-child=SIGKILL')
  expect(line).toBe('ours')
  expect(await lockFolder(path)).toBeUndefined()
  await end(process)
  const unlock = await lockFolder(path)
  expect(unlock).toBeDefined()
  await unlock?.()
})

test.skipIf(process.platform !== 'linux')('who cannot say whether the lock is free has not said so', async () => {
  const programs = mkdtempSync(join(scratch, 'programs-'))
  writeFileSync(join(programs, 'flock'), '#!/bin/sh\nkill -9 $$\n', { mode: 0o755 })
  vi.stubEnv('PATH', `${programs}:${process.env.PATH}`)
  expect(await lockFolder(path)).toBeUndefined()
  vi.unstubAllEnvs()
  const unlock = await lockFolder(path)
  expect(unlock).toBeDefined()
  await unlock?.()
})

test('the second process on a folder reads, and writes when the first has died', async () => {
  const clock = new ManualClock()
  clock.setWall(Date.now())
  const { process, line } = await start('tier')
  expect(line).toBe('on')
  const tier = fileSystem({ path }).openTier(storeContext(clock))
  const set = (key: string, value: unknown, persist: 'memory' | 'stored') =>
    tier.setMany([{ key, entry: { value, writtenAt: clock.wall(), expiresAt: Infinity } }], { persist })
  const values = async (...keys: string[]) => (await tier.getMany(keys)).map(entry => entry?.value)
  expect(await values('theirs', 'deleted')).toEqual([1, undefined])
  expect(tier.stats()).toMatchObject({ state: 'read-only', errors: { locked: 1 } })
  await expect(set('theirs', 2, 'stored')).rejects.toMatchObject({ code: 'ERR_STORE' })
  expect(tier.stats().dropped).toBe(1)
  await end(process)
  // Tried again when it is used, a second later.
  for (let waited = 0; tier.stats().state === 'read-only' && waited < 100; waited += 1) {
    await clock.advanceAsync(1000)
    await values('theirs')
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  expect(tier.stats()).toMatchObject({ state: 'on', errors: { locked: 1, tookOver: 1 } })
  await set('ours', 3, 'stored')
  // What could not be said before is said now: the old value does not come up again.
  expect(await values('theirs', 'ours')).toEqual([undefined, 3])
  const closed = tier.close()
  await clock.advanceAsync(1)
  await closed
  const again = fileSystem({ path }).openTier(storeContext(clock))
  expect((await again.getMany(['theirs', 'ours'])).map(entry => entry?.value)).toEqual([undefined, 3])
  await again.close()
})
