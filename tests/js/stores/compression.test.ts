import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { plantTrap } from '../../../js/core/door.ts'
import { storeContext } from '../../../js/core/tier-core.ts'
import { createCache } from '../../../js/index.ts'
import {
  type Compression,
  type CompressionFormat,
  FORM,
  platformZip,
  resolveCompression,
  type Zip,
} from '../../../js/stores/compression.ts'
import { fileSystem } from '../../../js/stores/fs.ts'
import { nodeZip } from '../../../js/stores/node-zip.ts'
import { ManualClock, MemoryLog, MemoryMedium, testStore } from '../../../js/testing.ts'
import { lz4Zip } from '../../../js/tier/lz4.ts'
import { segmentStore } from '../../../js/tier/segment-store.ts'
import { mulberry } from './mulberry.ts'

const clock = new ManualClock()
const text = 'the same words again and again, '.repeat(3000)
const bytesOf = (value: string) => new TextEncoder().encode(value)

function storeOn(log: MemoryLog, compression: Compression | undefined) {
  return segmentStore({ name: 'pressed', maxSize: Number.POSITIVE_INFINITY, compression, openMedium: () => new MemoryMedium(log) })
}

async function write(log: MemoryLog, compression: Compression, values: Record<string, unknown>) {
  const tier = storeOn(log, compression).openTier(storeContext(clock))
  const entries = Object.entries(values).map(([key, value]) => ({ key, entry: { value, writtenAt: clock.wall(), expiresAt: Infinity } }))
  await tier.setMany(entries, { persist: 'stored' })
  const stats = tier.stats()
  await tier.close()
  return stats
}

async function read(log: MemoryLog, compression: Compression | undefined, ...keys: string[]) {
  const tier = storeOn(log, compression).openTier(storeContext(clock))
  const values = (await tier.getMany(keys)).map(entry => entry?.value)
  const stats = tier.stats()
  await tier.close()
  return { values, stats }
}

const zips: [string, Zip, CompressionFormat][] = [
  ['the threads of Node', nodeZip, 'deflate'],
  ['the streams of the platform', platformZip() as Zip, 'deflate'],
  ['LZ4 in the core', lz4Zip, 'lz4'],
]

describe.each(zips)('compression by %s', (_, zip, format) => {
  test.each(zip.forms)('form %i gives back what went in, and never more than was asked for', async form => {
    for (const sample of ['', 'x', text]) {
      const bytes = bytesOf(sample)
      const small = await zip.compress(form, bytes)
      expect(new Uint8Array(await zip.expand(form, small, bytes.length))).toEqual(new Uint8Array(bytes))
    }
    const bomb = await zip.compress(form, new Uint8Array(5_000_000))
    expect(bomb.length).toBeLessThan(50_000)
    await expect(zip.expand(form, bomb, 1000)).rejects.toThrow()
    await expect(zip.expand(form, bytesOf('no such thing'), 1000)).rejects.toThrow()
  })

  test('what it wrote is read by all who can expand, and its sizes are those of the medium', async () => {
    const log = new MemoryLog()
    const written = await write(log, resolveCompression(format, zip), { a: text, b: { text } })
    const stored = [...log.segments.values()].reduce((sum, { directory, payload }) => sum + directory.length + payload.length, 0)
    expect(stored).toBeLessThan(text.length / 10)
    expect(written.bytes).toBe(stored)
    expect(written.compressed?.before).toBeGreaterThan(2 * text.length)
    expect(written.compressed?.after).toBeLessThan(stored)
    for (const other of [nodeZip, platformZip()]) {
      const { values, stats } = await read(log, resolveCompression(undefined, other), 'a', 'b')
      expect(values).toEqual([text, { text }])
      expect(stats).toMatchObject({ bytes: stored, liveBytes: written.liveBytes, errors: {} })
    }
    const { values, stats } = await read(log, undefined, 'a')
    expect([values, stats.errors.expand]).toEqual([[undefined], 2])
  })
})

test('what is small, and what does not pay, is stored as it is', async () => {
  let tries = 0
  const counted: Zip = {
    ...nodeZip,
    compress(form, bytes) {
      tries += 1
      return nodeZip.compress(form, bytes)
    },
  }
  const compression = resolveCompression('deflate', counted)
  const log = new MemoryLog()
  expect((await write(log, compression, { small: 'a'.repeat(500) })).compressed).toEqual({ before: 512, after: 512 })
  expect(tries).toBe(0)
  const noise = () => crypto.getRandomValues(new Uint8Array(20_000))
  const stats = await write(log, compression, Object.fromEntries(Array.from({ length: 36 }, (_, at) => [`k${at}`, noise()])))
  expect(stats.compressed?.after).toBe(stats.compressed?.before)
  expect(tries).toBeLessThan(40)
})

test('a segment that expands to more than it says, or may, is a counted miss', async () => {
  const log = new MemoryLog()
  await write(log, resolveCompression('deflate', nodeZip), { a: text })
  const { values, stats } = await read(log, resolveCompression({ format: 'none', maxExpanded: 1000 }, nodeZip), 'a')
  expect([values, stats.errors.expand]).toEqual([[undefined], 2])
  const other = new MemoryLog()
  await write(other, resolveCompression('deflate', nodeZip), { a: text })
  const [segment] = other.segments.values()
  if (segment !== undefined) Object.assign(segment, { payload: await nodeZip.compress(FORM.deflate, new Uint8Array(50_000_000)) })
  const bombed = await read(other, resolveCompression('deflate', nodeZip), 'a')
  expect([bombed.values, bombed.stats.errors.expand]).toEqual([[undefined], 2])
})

test('options that cannot be meant are refused', () => {
  const path = join(tmpdir(), 'nowhere')
  for (const compression of ['lzma', 7, { minSaving: 2 }, { minSize: 0 }, { format: 'zip' }])
    expect(() => fileSystem({ path, compression: compression as never })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  expect(() => resolveCompression('gzip', undefined)).toThrow('cannot compress')
  expect([undefined, platformZip(), nodeZip].map(zip => resolveCompression('auto', zip).form)).toEqual([
    FORM.none,
    FORM.deflate,
    FORM.brotli,
  ])
})

describe('LZ4', () => {
  const noise = () => crypto.getRandomValues(new Uint8Array(1000))

  test('bytes of many blocks come back, and no piece of them does', async () => {
    const bytes = new Uint8Array(700_000)
    for (let at = 0; at < bytes.length; at += 3000) bytes.set(noise(), at)
    const small = await lz4Zip.compress(FORM.lz4, bytes)
    expect(small.length).toBeLessThan(bytes.length / 2)
    expect(Buffer.compare(await lz4Zip.expand(FORM.lz4, small, bytes.length), bytes)).toBe(0)
    for (const length of [0, 1, 262_144, bytes.length - 1, bytes.length + 1, 2 ** 40])
      await expect(lz4Zip.expand(FORM.lz4, small, length)).rejects.toMatchObject({ code: 'ERR_CODEC', retryable: false })
  })

  test('what is cut short anywhere, or goes on, is an error', async () => {
    const bytes = bytesOf(text.slice(0, 3000) + [...noise()].join(''))
    const small = await lz4Zip.compress(FORM.lz4, bytes)
    for (let end = 0; end < small.length; end += 1)
      await expect(lz4Zip.expand(FORM.lz4, small.subarray(0, end), bytes.length)).rejects.toMatchObject({ code: 'ERR_CODEC' })
    await expect(lz4Zip.expand(FORM.lz4, new Uint8Array([...small, 0]), bytes.length)).rejects.toMatchObject({ code: 'ERR_CODEC' })
  })

  test('a log with changed bytes gives the value, or none', async () => {
    const random = mulberry(20_261_121)
    const value = { text: text.slice(0, 3000), numbers: Array.from({ length: 300 }, (_, at) => at * 7919) }
    const compression = resolveCompression('lz4', undefined)
    let lost = 0
    for (let round = 0; round < 200; round += 1) {
      const log = new MemoryLog()
      await write(log, compression, { a: value })
      const [segment] = log.segments.values()
      if (segment === undefined) throw new Error('nothing was written')
      const payload = segment.payload.slice()
      for (let change = 0; change <= round % 3; change += 1) payload[Math.floor(random() * payload.length)] = Math.floor(random() * 256)
      Object.assign(segment, { payload })
      const [found] = (await read(log, compression, 'a')).values
      if (found === undefined) lost += 1
      else expect(found).toEqual(value)
    }
    expect(lost).toBeGreaterThan(150)
  })

  test('a store in IndexedDB or files takes it everywhere, and reads what it wrote without being asked to write it', async () => {
    const path = mkdtempSync(join(tmpdir(), 'shelflife-'))
    const writing = createCache({ store: fileSystem({ path, compression: 'lz4' }) })
    await writing.set('a', text, { persist: 'stored' })
    expect(writing.stats().tiers[0]?.compressed?.after).toBeLessThan(text.length / 50)
    await writing.close()
    const reading = createCache({ store: fileSystem({ path }) })
    expect(await reading.get('a')).toBe(text)
    await reading.close()
    rmSync(path, { recursive: true })
  })

  test('a trap between two blocks costs nothing', async () => {
    const bytes = bytesOf(text)
    const small = await lz4Zip.compress(FORM.lz4, bytes)
    expect(plantTrap).toThrow('trapped')
    expect(await lz4Zip.expand(FORM.lz4, small, bytes.length)).toEqual(bytes)
    expect(plantTrap).toThrow('trapped')
    expect(await lz4Zip.compress(FORM.lz4, bytes)).toEqual(small)
  })
})

describe('a store in files that compresses', () => {
  const cases = testStore(() => {
    const path = mkdtempSync(join(tmpdir(), 'shelflife-'))
    const store = (options: { maxSize?: number } = {}) => fileSystem({ path, ...options, compression: { minSize: 1, minSaving: 0 } })
    return { store, dispose: () => rmSync(path, { recursive: true }) }
  })
  // The budget means bytes on disk, and the values of that case are all alike.
  for (const { name, run } of cases.filter(({ name }) => !name.includes('budget'))) test(name, run)
})
