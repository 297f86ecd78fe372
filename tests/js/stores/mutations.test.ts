import { expect, test } from 'vitest'
import { storeContext } from '../../../js/core/tier-core.ts'
import { FsMedium } from '../../../js/stores/fs/medium.ts'
import type { Tier } from '../../../js/stores/tier.ts'
import { ManualClock } from '../../../js/testing.ts'
import { segmentStore } from '../../../js/tier/segment-store.ts'
import { mulberry } from './mulberry.ts'
import { UnsyncedDisk } from './unsynced-files.ts'

/** `SHELFLIFE_MUTATIONS=10000 npx vitest run mutations` for more. */
const MUTATIONS = Number(process.env.SHELFLIFE_MUTATIONS ?? 300)
const KEYS = 120

const clock = new ManualClock()

function storeOn(disk: UnsyncedDisk) {
  const openMedium = () => new FsMedium('/cache', { openLayer: async () => disk.layer(), fileBytes: 60_000 })
  return segmentStore({ name: 'mutated', maxSize: Number.POSITIVE_INFINITY, openMedium })
}

async function open(disk: UnsyncedDisk): Promise<Tier> {
  disk.isHeld = false
  const tier = storeOn(disk).openTier(storeContext(clock))
  await tier.open()
  return tier
}

async function ended(work: Promise<void>): Promise<void> {
  await clock.advanceAsync(1)
  await work
}

const set = (tier: Tier, key: string, value: unknown) =>
  tier.setMany([{ key, entry: { value, writtenAt: clock.wall(), expiresAt: Infinity } }], { persist: 'stored' })

/** A log of several processes, one after the other, closed as it should be unless it is `killed`, and the newest values. */
async function history(random: () => number, killed: boolean) {
  const disk = new UnsyncedDisk()
  const newest = new Map<string, string | undefined>()
  const sessions = 2 + Math.floor(random() * 4)
  for (let session = 1; session <= sessions; session += 1) {
    const tier = await open(disk)
    for (let step = 0; step < 60; step += 1) {
      await clock.advanceAsync(1)
      const key = `k${Math.floor(random() * KEYS)}`
      const kind = random()
      if (kind < 0.15) {
        newest.set(key, undefined)
        await tier.deleteMany([key], { persist: 'stored' })
      } else if (kind < 0.17 && random() < 0.5) {
        for (const name of newest.keys()) if (name.startsWith(key)) newest.set(name, undefined)
        await tier.invalidate({ prefix: key })
      } else {
        const value = `${key} ${session}.${step} ${'v'.repeat(Math.floor(random() ** 3 * 15_000))}`
        newest.set(key, value)
        await set(tier, key, value)
      }
    }
    if (killed && session === sessions) break
    await ended(tier.close())
  }
  return { disk, newest }
}

function copyOf(disk: UnsyncedDisk): UnsyncedDisk {
  const copy = new UnsyncedDisk()
  for (const [name, { bytes }] of disk.names)
    copy.names.set(name, { bytes: bytes.slice(), synced: bytes.slice(), soiled: new Set(), links: 1 })
  return copy
}

/** Does something to one of the files; gives what. */
function mutate(disk: UnsyncedDisk, random: () => number): string {
  const names = [...disk.names.keys()].filter(name => name !== 'lock')
  const name = names[Math.floor(random() * names.length)] as string
  const inode = disk.names.get(name) as { bytes: Uint8Array }
  const { bytes } = inode
  const somewhere = () => Math.floor(random() * bytes.length)
  const kind = Math.floor(random() * 7)
  switch (kind) {
    case 0: {
      const at = somewhere()
      bytes[at] = (bytes[at] as number) ^ (1 << Math.floor(random() * 8))
      return `a bit of ${name} at ${at}`
    }
    case 1: {
      const at = somewhere()
      inode.bytes = bytes.slice(0, at)
      return `${name} cut at ${at}`
    }
    case 2: {
      const block = Math.min(512, bytes.length >> 1)
      const [a, b] = [somewhere(), somewhere()].map(at => Math.min(at, bytes.length - block)) as [number, number]
      const kept = bytes.slice(a, a + block)
      bytes.copyWithin(a, b, b + block)
      bytes.set(kept, b)
      return `blocks of ${name} at ${a} and ${b} swapped`
    }
    case 3:
      disk.names.delete(name)
      return `${name} deleted`
    case 4: {
      const at = somewhere()
      bytes.fill(0, at, at + 4096)
      return `zeros in ${name} at ${at}`
    }
    case 5: {
      const at = somewhere()
      for (let to = at; to < Math.min(at + 64, bytes.length); to += 1) bytes[to] = Math.floor(random() * 256)
      return `rubbish in ${name} at ${at}`
    }
    default: {
      const longer = new Uint8Array(bytes.length + 100)
      longer.set(bytes)
      longer.set(bytes.subarray(0, 100), bytes.length)
      inode.bytes = longer
      return `${name} repeated at its end`
    }
  }
}

test(`${MUTATIONS} random mutations of a log: no wrong value, and the store works again`, { timeout: 600_000 }, async () => {
  const random = mulberry(20261121)
  let base = await history(random, false)
  let [kept, all, cold] = [0, 0, 0]
  for (let round = 0; round < MUTATIONS; round += 1) {
    if (round % 25 === 0) base = await history(random, false)
    const { newest } = base
    const disk = copyOf(base.disk)
    const what = `round ${round}: ${mutate(disk, random)}`
    const keys = [...newest.keys()]
    const verify = async (tier: Tier) => {
      const found = (await tier.getMany(keys)).map(entry => entry?.value)
      for (const [index, value] of found.entries())
        if (value !== undefined) expect(value, `${what}, ${keys[index]}`).toBe(newest.get(keys[index] as string))
      return found.filter(value => value !== undefined).length
    }
    const damaged = await open(disk)
    await verify(damaged)
    const left = await verify(damaged)
    kept += left
    all += [...newest.values()].filter(value => value !== undefined).length
    cold += Number(left === 0)
    await set(damaged, 'again', round)
    expect((await damaged.getMany(['again']))[0]?.value, what).toBe(round)
    await ended(damaged.close())
    for (let restart = 0; restart < 2; restart += 1) {
      const again = await open(disk)
      expect((await again.getMany(['again']))[0]?.value, what).toBe(round)
      await verify(again)
      expect(again.stats(), what).toMatchObject({ state: 'on', errors: {} })
      await ended(again.close())
    }
  }
  console.info(`${MUTATIONS} mutations: ${((kept / all) * 100).toFixed(1)} % of the entries kept, ${cold} times none`)
  expect(kept / all).toBeGreaterThan(0.7)
})

test('mutations of a log that was not closed: never the value of another key, and the store works again', { timeout: 60_000 }, async () => {
  const random = mulberry(7)
  for (let round = 0; round < 100; round += 1) {
    const { disk: base, newest } = await history(random, true)
    const disk = copyOf(base)
    const what = `round ${round}: ${mutate(disk, random)}`
    const tier = await open(disk)
    for (const key of newest.keys()) {
      const value = (await tier.getMany([key]))[0]?.value as string | undefined
      if (value !== undefined) expect(value.startsWith(`${key} `), what).toBe(true)
    }
    await set(tier, 'again', round)
    await ended(tier.close())
    const again = await open(disk)
    expect((await again.getMany(['again']))[0]?.value, what).toBe(round)
    await ended(again.close())
  }
})
