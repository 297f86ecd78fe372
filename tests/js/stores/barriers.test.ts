import { expect, test } from 'vitest'
import { storeContext } from '../../../js/core/tier-core.ts'
import { readDirectory } from '../../../js/stores/directory.ts'
import { ManualClock, MemoryLog, memoryStore } from '../../../js/testing.ts'
import { isRecord } from '../../../js/tier/records.ts'

const never = new AbortController().signal

test('a tier that cannot write refuses what is to be stored, and hides it all the same', async () => {
  const log = new MemoryLog()
  const context = storeContext(new ManualClock())
  const [writer, reader] = [memoryStore({ log }).openTier(context), memoryStore({ log }).openTier(context)]
  await writer.open()
  const entry = { value: 1, writtenAt: 1, expiresAt: Number.POSITIVE_INFINITY }
  const made = { ...entry, facts: { dependsOn: ['source'], tags: ['t'] } }
  await writer.setMany(
    ['source', 'a'].map(key => ({ key, entry })),
    { persist: 'stored' },
  )
  await writer.setMany(
    ['made', 'b'].map(key => ({ key, entry: made })),
    { persist: 'stored' },
  )
  await reader.open()
  const shown = async () => (await reader.getMany(['source', 'made', 'b', 'a'])).map(found => found?.value)
  expect([reader.stats().state, await shown()]).toEqual(['read-only', [1, 1, 1, 1]])
  await expect(reader.deleteMany(['source'], { persist: 'stored' })).rejects.toMatchObject({ code: 'ERR_STORE' })
  await expect(reader.invalidate({ tags: ['t'] })).rejects.toMatchObject({ code: 'ERR_STORE' })
  await expect(reader.invalidate({ key: 'a' }, { persist: 'memory' })).resolves.toBeUndefined()
  expect(await shown()).toEqual([undefined, undefined, undefined, undefined])
  await reader.close()
  await writer.close()
})

test('what was given up is not forgotten for the byte budget, until all that was there then is', async () => {
  const clock = new ManualClock()
  const log = new MemoryLog()
  const store = memoryStore({ log, maxSize: 400_000 })
  const tier = store.openTier(storeContext(clock))
  await tier.open()
  await tier.invalidate({ tags: ['t'] })
  for (let at = 0; at < 100; at += 1) {
    const entry = { value: 'x'.repeat(12_000), writtenAt: clock.wall(), expiresAt: Number.POSITIVE_INFINITY }
    await tier.setMany([{ key: `k${at}`, entry }], { persist: 'stored' })
    expect(tier.stats().bytes).toBeLessThanOrEqual(400_000)
  }
  expect(tier.stats().reclaimed).toBeGreaterThan(50)
  await tier.close()

  const medium = store.openMedium({ ...storeContext(clock), count: () => {}, forgotten: () => {}, pause: async () => {} })
  await medium.open({ signal: never })
  const lines = (await medium.list(0, { signal: never })).flatMap(({ directory }) => readDirectory(directory))
  expect(lines.filter(({ key, value }) => isRecord(key) && value !== undefined)).toHaveLength(1)
  await medium.close()
})
