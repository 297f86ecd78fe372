import { expect, test, vi } from 'vitest'
import { storeContext } from '../../../js/core/tier-core.ts'
import { FORM, resolveCompression } from '../../../js/stores/compression.ts'
import { withForm } from '../../../js/stores/directory.ts'
import { nodeZip } from '../../../js/stores/node-zip.ts'
import { ManualClock, MemoryLog, MemoryMedium } from '../../../js/testing.ts'
import { lz4Zip } from '../../../js/tier/lz4.ts'
import { segmentStore } from '../../../js/tier/segment-store.ts'

// As where the network is gone by the time that the part is needed.
vi.mock('../../../js/core/lz4-core.ts', () => {
  throw new Error('the file could not be fetched')
})

const clock = new ManualClock()
const text = 'again and again, '.repeat(1000)

function open(log: MemoryLog, format: 'lz4' | 'deflate') {
  const compression = resolveCompression(format, nodeZip)
  const store = segmentStore({ name: 'log', maxSize: Number.POSITIVE_INFINITY, compression, openMedium: () => new MemoryMedium(log) })
  return store.openTier(storeContext(clock))
}

test('without the part what is written is stored as it is', async () => {
  const log = new MemoryLog()
  const tier = open(log, 'lz4')
  const entry = { value: text, writtenAt: clock.wall(), expiresAt: Number.POSITIVE_INFINITY }
  await tier.setMany([{ key: 'a', entry }], { persist: 'stored' })
  expect((await tier.getMany(['a']))[0]?.value).toBe(text)
  const { compressed, errors } = tier.stats()
  expect(compressed?.before).toBeGreaterThan(text.length)
  expect([compressed?.after, errors]).toEqual([compressed?.before, {}])
  await tier.close()
})

test('without the part what is stored is a miss, and stays', async () => {
  await expect(lz4Zip.expand(FORM.lz4, new Uint8Array(9), 5)).rejects.toMatchObject({ code: 'ERR_STORE', retryable: true })
  const log = new MemoryLog()
  const writing = open(log, 'deflate')
  const entry = { value: text, writtenAt: clock.wall(), expiresAt: Number.POSITIVE_INFINITY }
  await writing.setMany([{ key: 'a', entry }], { persist: 'stored' })
  await writing.close()
  for (const segment of log.segments.values()) Object.assign(segment, { directory: withForm(segment.directory, FORM.lz4) })
  const before = [...log.segments.keys()]
  const tier = open(log, 'lz4')
  expect(await tier.getMany(['a'])).toEqual([undefined])
  expect(tier.stats()).toMatchObject({ entries: 1, errors: { expand: 1 } })
  await tier.close()
  expect([...log.segments.keys()]).toEqual(before)
})
