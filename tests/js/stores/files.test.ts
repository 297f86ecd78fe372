import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { platform } from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { storeContext } from '../../../js/core/tier-core.ts'
import { checksum } from '../../../js/stores/checksum.ts'
import { fileSystem } from '../../../js/stores/fs.ts'
import type { Tier } from '../../../js/stores/tier.ts'
import { ManualClock } from '../../../js/testing.ts'
import { mulberry } from './mulberry.ts'

let folder: string
let path: string
const clock = new ManualClock()
const tiers: Tier[] = []
/** Linux, where the program `flock` is. */
const locks = platform === 'linux' ? ['lock'] : []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shelflife-files-'))
  path = join(folder, 'cache')
})
afterEach(async () => {
  await Promise.all(tiers.splice(0).map(tier => tier.close()))
  rmSync(folder, { recursive: true })
})

async function open(options: { maxSize?: number } = {}): Promise<Tier> {
  const tier = fileSystem({ path, ...options }).openTier(storeContext(clock))
  tiers.push(tier)
  await tier.open()
  return tier
}

const set = (tier: Tier, key: string, value: unknown, persist: 'memory' | 'stored' | 'durable' = 'stored') =>
  tier.setMany([{ key, entry: { value, writtenAt: clock.wall(), expiresAt: Infinity } }], { persist })
const values = async (tier: Tier, keys: string[]) => (await tier.getMany(keys)).map(entry => entry?.value)
const files = () =>
  readdirSync(path)
    .filter(name => name !== 'lock')
    .sort()
    .map(name => join(path, name))

describe('a store in files', () => {
  test('only its user can read it, and no name in it comes from a key', async () => {
    const tier = await open()
    await set(tier, '../../outside', 1, 'durable')
    expect(statSync(path).mode & 0o777).toBe(0o700)
    expect(files().map(file => [file.slice(path.length + 1), statSync(file).mode & 0o777])).toEqual([['0000000001.segments', 0o600]])
    expect(readdirSync(folder)).toEqual(['cache'])
  })

  test('a second one on the folder reads, writes nothing, and hides what it was told', async () => {
    const writer = await open()
    await set(writer, 'a', 1)
    await set(writer, 'b', 1)
    const reader = await open()
    expect(reader.stats()).toMatchObject({ state: 'read-only', errors: { locked: 1 } })
    expect(await values(reader, ['a', 'b'])).toEqual([1, 1])
    await set(reader, 'a', 2, 'memory')
    await expect(set(reader, 'b', 2, 'stored')).rejects.toMatchObject({ code: 'ERR_STORE' })
    expect(await values(reader, ['a', 'b'])).toEqual([undefined, undefined])
    expect(reader.stats().dropped).toBe(2)
    expect(await values(writer, ['a', 'b'])).toEqual([1, 1])
    await writer.close()
    expect((await open()).stats().state).toBe('on')
  })

  test('another process is kept out while the first lives', async () => {
    const tier = await open()
    await set(tier, 'a', 1)
    const child = join(folder, 'child.mjs')
    const entry = fileURLToPath(new URL('read-child.ts', import.meta.url))
    await build({ entryPoints: [entry], bundle: true, format: 'esm', platform: 'node', outfile: child, logLevel: 'error' })
    const run = async () => JSON.parse((await promisify(execFile)('node', [child, path, 'a'])).stdout)
    expect(await run()).toEqual(['read-only', 1])
    await tier.close()
    expect(await run()).toEqual(['on', 1])
  })

  test('a torn tail is ignored, wherever it is torn', async () => {
    const tier = await open()
    await set(tier, 'a', 'first')
    const [file = ''] = files().filter(name => name.endsWith('.segments'))
    const { size } = statSync(file)
    await set(tier, 'b', 'second')
    const whole = readFileSync(file)
    await tier.close()
    for (let cut = size; cut < whole.length; cut += 7) {
      rmSync(path, { recursive: true })
      mkdirSync(path)
      // The writer died: it had no last word.
      writeFileSync(file, whole.subarray(0, cut))
      const reopened = await open()
      expect(await values(reopened, ['a', 'b'])).toEqual(['first', undefined])
      expect(reopened.stats().errors).toEqual({})
      await reopened.close()
    }
  })

  test('one damaged directory takes its own entries, and what is older of the same keys', async () => {
    const first = await open()
    await set(first, 'a', 1)
    await set(first, 'b', 1)
    await set(first, 'c', 1)
    await first.close()
    const second = await open()
    await set(second, 'b', 2)
    await second.close()
    const third = await open()
    await set(third, 'c', 3)
    await third.close()
    // The key at the end of the directory, and the form of the value behind it.
    const file = files().find(name => readFileSync(name).includes('b\u0001')) as string
    const bytes = readFileSync(file)
    bytes[bytes.indexOf('b\u0001')] = 'x'.charCodeAt(0)
    writeFileSync(file, bytes)
    for (const errors of [{ damaged: 1 }, {}]) {
      const tier = await open()
      expect(await values(tier, ['a', 'b', 'c'])).toEqual([1, undefined, 3])
      expect(tier.stats().errors).toEqual(errors)
      await tier.close()
    }
  })

  test('a file of a newer version is left alone', async () => {
    await set(await open(), 'a', 1)
    await tiers[0]?.close()
    const bytes = readFileSync(files()[0] as string)
    bytes[3] = '2'.charCodeAt(0)
    bytes.writeUInt32LE(checksum(bytes.subarray(0, 36)), 36)
    writeFileSync(files()[0] as string, bytes)
    const tier = await open()
    expect(tier.stats()).toMatchObject({ state: 'off', reason: expect.stringContaining('newer') })
    expect(readFileSync(files()[0] as string)).toEqual(bytes)
  })

  test('foreign files stay, and a folder that disappears is made again', async () => {
    const tier = await open()
    await set(tier, 'a', 1)
    writeFileSync(join(path, 'README'), 'mine')
    await tier.clear()
    expect(readdirSync(path)).toEqual(['README', ...locks])
    await set(tier, 'b', 2)
    await tier.close()
    const again = await open()
    rmSync(path, { recursive: true })
    await set(again, 'c', 3)
    expect(await values(again, ['c'])).toEqual([3])
    rmSync(path, { recursive: true })
    await set(again, 'd', 4)
    await again.close()
    expect(await values(await open(), ['b', 'c', 'd'])).toEqual([undefined, undefined, 4])
  })

  test('the files stay within twice the budget while everything is overwritten', { timeout: 60_000 }, async () => {
    const maxSize = 12 * 2 ** 20
    const tier = await open({ maxSize })
    const random = mulberry(3)
    for (let round = 0; round < 60; round += 1) {
      const entries = Array.from({ length: 100 }, () => ({
        key: `k${Math.floor(random() * 3000)}`,
        entry: { value: 'x'.repeat(Math.floor(random() * 12_000)), writtenAt: clock.wall(), expiresAt: Infinity },
      }))
      await tier.setMany(entries, { persist: 'stored' })
      const size = files().reduce((sum, file) => sum + statSync(file).size, 0)
      expect(tier.stats().bytes).toBeLessThanOrEqual(maxSize)
      expect(size).toBeLessThanOrEqual(2 * maxSize)
    }
    expect(tier.stats().errors).toEqual({})
  })

  test('a value cut off at the end of its file is a miss', async () => {
    await set(await open(), 'a', 'x'.repeat(1000))
    const [tier] = tiers
    const [file = ''] = files()
    truncateSync(file, statSync(file).size - 10)
    expect(await values(tier as Tier, ['a'])).toEqual([undefined])
  })
})

test('the checksum is XXH32', () => {
  const bytes = (text: string) => new TextEncoder().encode(text)
  expect([
    checksum(bytes('')),
    checksum(bytes('a')),
    checksum(bytes('abc')),
    checksum(bytes('Nobody inspects the spammish repetition')),
  ]).toEqual([0x02cc5d05, 0x550d7456, 0x32d153ff, 0xe2293b2f])
})
