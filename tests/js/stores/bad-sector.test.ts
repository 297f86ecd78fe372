/** A place on a disk, or a record, that cannot be read any more, however often it is tried. */

import { describe, expect, test } from 'vitest'
import { storeContext } from '../../../js/core/tier-core.ts'
import { ShelflifeError } from '../../../js/errors.ts'
import type { FileLayer, OpenFile } from '../../../js/stores/fs/layer.ts'
import { FsMedium } from '../../../js/stores/fs/medium.ts'
import type { Tier } from '../../../js/stores/tier.ts'
import { ManualClock, MemoryLog, MemoryMedium } from '../../../js/testing.ts'
import { segmentStore } from '../../../js/tier/segment-store.ts'
import { UnsyncedDisk } from './unsynced-files.ts'

/** In one file, from one place to another. */
interface Bad {
  file: string
  from: number
  to: number
}

function withBad(layer: FileLayer, bad: Bad): FileLayer {
  return {
    ...layer,
    async open(path, mode) {
      const real = await layer.open(path, mode)
      if (!path.endsWith(bad.file)) return real
      const file: OpenFile = {
        read: async (bytes, offset, length, position) => {
          if (position < bad.to && position + length > bad.from) throw Object.assign(new Error('EIO'), { code: 'EIO' })
          return real.read(bytes, offset, length, position)
        },
        write: (...args) => real.write(...args),
        stat: () => real.stat(),
        sync: () => real.sync(),
        close: () => real.close(),
      }
      return file
    },
  }
}

const clock = new ManualClock()
async function settled<T>(work: Promise<T>): Promise<T> {
  let isDone = false
  const done = () => {
    isDone = true
  }
  work.then(done, done)
  for (let waited = 0; !isDone; waited += 1) {
    if (waited > 1000) throw new Error('it hangs')
    await clock.advanceAsync(100)
  }
  return work
}

/** Overwrites all over, so that much is given up and written anew. */
async function work(tier: Tier, newest: Map<string, number>, from: number, to: number): Promise<void> {
  for (let serial = from; serial < to; serial += 1) {
    const key = `k${(serial * 7) % 23}`
    newest.set(key, serial)
    const entry = { value: { serial, text: 'x'.repeat(1500) }, writtenAt: clock.wall(), expiresAt: Number.POSITIVE_INFINITY }
    await settled(tier.setMany([{ key, entry }], { persist: 'stored' }))
    await clock.advanceAsync(100)
    await look(tier, newest)
  }
}

async function look(tier: Tier, newest: Map<string, number>): Promise<number> {
  const keys = [...newest.keys()]
  const found = (await settled(tier.getMany(keys))).map(entry => (entry?.value as { serial: number } | undefined)?.serial)
  for (const [at, key] of keys.entries()) if (found[at] !== undefined) expect(found[at], key).toBe(newest.get(key))
  return found.filter(serial => serial !== undefined).length
}

describe('a sector that cannot be read', () => {
  test.each([0, 100, 700, 3000, 9000, 15_000])('at %i of a file: no wrong value, and the log goes on, and is opened again', async from => {
    const disk = new UnsyncedDisk()
    const bad = { file: 'none', from, to: from + 512 }
    const open = async () => {
      const openMedium = () => new FsMedium('/cache', { openLayer: async () => withBad(disk.layer(), bad), fileBytes: 20_000 })
      const tier = segmentStore({ name: 'bad', maxSize: 60_000, openMedium }).openTier(storeContext(clock))
      await settled(tier.open())
      return tier
    }
    const newest = new Map<string, number>()
    let tier = await open()
    await work(tier, newest, 1, 40)
    const [oldest = ''] = [...disk.names.keys()].filter(name => name.endsWith('.segments')).sort()
    bad.file = oldest
    await work(tier, newest, 40, 120)
    expect(tier.stats()).toMatchObject({ state: 'on', dropped: 0 })
    await settled(tier.close())
    // Files that are closed are read when the log is opened.
    const [next = ''] = [...disk.names.keys()].filter(name => name.endsWith('.segments')).sort()
    bad.file = next
    for (let life = 0; life < 2; life += 1) {
      tier = await open()
      await look(tier, newest)
      await work(tier, newest, 120 + life * 60, 180 + life * 60)
      expect(tier.stats()).toMatchObject({ state: 'on', dropped: 0, reason: undefined })
      expect(await look(tier, newest)).toBeGreaterThan(15)
      await settled(tier.close())
    }
  })
})

test('a record that cannot be read: misses for a while, no wrong value, and what lies beside it is written anew all the same', async () => {
  const log = new MemoryLog()
  let bad = 0
  class BadMedium extends MemoryMedium {
    override read(id: number) {
      return id === bad ? Promise.reject(new ShelflifeError('ERR_STORE', 'the record cannot be read')) : super.read(id)
    }
  }
  const store = segmentStore({ name: 'bad', maxSize: Number.POSITIVE_INFINITY, openMedium: () => new BadMedium(log) })
  let tier = store.openTier(storeContext(clock))
  const newest = new Map<string, number>()
  // Each round overwrites all of the one before but an entry, which keeps its segment in place.
  const round = async (serial: number) => {
    const keys = [`kept${serial}`, ...Array.from({ length: 10 }, (_, at) => `k${at}`)]
    for (const key of keys) newest.set(key, serial)
    const entry = { value: { serial, text: 'x'.repeat(1500) }, writtenAt: clock.wall(), expiresAt: Number.POSITIVE_INFINITY }
    await settled(
      tier.setMany(
        keys.map(key => ({ key, entry })),
        { persist: 'stored' },
      ),
    )
    await clock.advanceAsync(1000)
    await look(tier, newest)
  }
  for (let serial = 1; serial <= 5; serial += 1) await round(serial)
  await settled(tier.close())
  tier = store.openTier(storeContext(clock))
  await settled(tier.open())
  bad = Math.min(...log.segments.keys())
  for (let serial = 6; serial <= 100; serial += 1) await round(serial)
  const { state, bytes, liveBytes, errors } = tier.stats()
  expect([state, errors]).toEqual(['on', { read: 2, missing: 1 }])
  expect(bytes).toBeLessThan(3 * liveBytes)
  expect(log.segments.has(bad)).toBe(false)
  expect(await look(tier, newest)).toBeGreaterThan(newest.size - 12)
  await settled(tier.close())
  expect(clock.timers).toBe(0)
})
