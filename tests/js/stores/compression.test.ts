import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { storeContext } from '../../../js/core/tier-core.ts'
import { type Compression, FORM, platformZip, resolveCompression, type Zip } from '../../../js/stores/compression.ts'
import { fileSystem } from '../../../js/stores/fs.ts'
import { nodeZip } from '../../../js/stores/node-zip.ts'
import { ManualClock, MemoryLog, MemoryMedium, testStore } from '../../../js/testing.ts'
import { segmentStore } from '../../../js/tier/segment-store.ts'

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

const zips: [string, Zip][] = [
  ['the threads of Node', nodeZip],
  ['the streams of the platform', platformZip() as Zip],
]

describe.each(zips)('compression by %s', (_, zip) => {
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
    const written = await write(log, resolveCompression('deflate', zip), { a: text, b: { text } })
    const stored = [...log.segments.values()].reduce((sum, { directory, payload }) => sum + directory.length + payload.length, 0)
    expect(stored).toBeLessThan(text.length / 10)
    expect(written.bytes).toBe(stored)
    expect(written.compressed?.before).toBeGreaterThan(2 * text.length)
    expect(written.compressed?.after).toBeLessThan(stored)
    for (const [, other] of zips) {
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

describe('a store in files that compresses', () => {
  const cases = testStore(() => {
    const path = mkdtempSync(join(tmpdir(), 'shelflife-'))
    const store = (options: { maxSize?: number } = {}) => fileSystem({ path, ...options, compression: { minSize: 1, minSaving: 0 } })
    return { store, dispose: () => rmSync(path, { recursive: true }) }
  })
  // The budget means bytes on disk, and the values of that case are all alike.
  for (const { name, run } of cases.filter(({ name }) => !name.includes('budget'))) test(name, run)
})
