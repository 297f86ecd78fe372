import { expect, test } from 'vitest'
import { storeContext } from '../../../js/core/tier-core.ts'
import { FsMedium } from '../../../js/stores/fs/medium.ts'
import type { Persist, Tier } from '../../../js/stores/tier.ts'
import { ManualClock } from '../../../js/testing.ts'
import { segmentStore } from '../../../js/tier/segment-store.ts'
import { mulberry } from './mulberry.ts'
import { UnsyncedDisk } from './unsynced-files.ts'

/** `SHELFLIFE_POWER_LOSSES=2000 npx vitest run power-loss` for more. */
const SEEDS = Number(process.env.SHELFLIFE_POWER_LOSSES ?? 40)
const LIVES = 5

interface Operation {
  readonly serial: number
  readonly isDelete: boolean
}

test(`${SEEDS * LIVES} power failures: all that was durable is there, and nothing that it replaced`, { timeout: 600_000 }, async () => {
  let durable = 0
  let operations = 0
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const random = mulberry(seed)
    const clock = new ManualClock()
    let disk = new UnsyncedDisk()
    /** By key: the operations that may be the last one that counts. The first is durable, the others may be lost. */
    let possible = new Map<string, Operation[]>()
    for (let life = 0; life < LIVES; life += 1) {
      const before = disk.operations
      const outcome = await live(disk, possible, random, seed * 1000 + life * 100_000, clock)
      durable += outcome.durable
      operations += disk.operations - before
      possible = outcome.possible
      disk = disk.afterPowerLoss(random)
      await verify(disk, possible, `seed ${seed}, life ${life}`, clock)
      await clock.advanceAsync(5)
    }
  }
  console.info(`${durable} durable writes, ${SEEDS * LIVES} power failures, ${operations} operations on files, 0 lost`)
})

function storeOn(disk: UnsyncedDisk) {
  const openMedium = () => new FsMedium('/cache', { openLayer: async () => disk.layer(), fileBytes: 200_000 })
  return segmentStore({ name: 'unsynced', maxSize: Number.POSITIVE_INFINITY, openMedium })
}

/** Works until the power fails. What is possible is what was so at that moment. */
async function live(disk: UnsyncedDisk, known: ReadonlyMap<string, Operation[]>, random: () => number, first: number, clock: ManualClock) {
  const possible = new Map(known)
  let snapshot: Map<string, Operation[]> | undefined
  let durable = 0
  disk.failsAt = disk.operations + 5 + Math.floor(random() ** 2 * 900)
  disk.onFailure = () => {
    snapshot = new Map(Array.from(possible, ([key, list]) => [key, [...list]]))
  }
  const tier = storeOn(disk).openTier(storeContext(clock))
  const work = async (tier: Tier) => {
    for (let serial = first; snapshot === undefined; serial += 1) {
      const key = `k${Math.floor(random() * 30)}`
      const persist: Persist = random() < 0.3 ? 'durable' : 'stored'
      const kind = random()
      const isDelete = kind < 0.2
      const keys = kind < 0.05 ? [...possible.keys()].filter(name => name.startsWith(key)) : [key]
      for (const name of keys) possible.set(name, [...(possible.get(name) ?? [{ serial: 0, isDelete: true }]), { serial, isDelete }])
      try {
        if (kind < 0.05) await tier.invalidate({ prefix: key }, { persist })
        else if (isDelete) await tier.deleteMany([key], { persist })
        else {
          const value = { serial, text: 'x'.repeat(Math.floor(random() ** 3 * 20_000)) }
          await tier.setMany([{ key, entry: { value, writtenAt: clock.wall(), expiresAt: Infinity } }], { persist })
        }
      } catch {
        return
      }
      if (persist !== 'durable' || snapshot !== undefined) continue
      durable += 1
      for (const name of keys) {
        possible.set(
          name,
          (possible.get(name) ?? []).filter(operation => operation.serial >= serial),
        )
      }
    }
  }
  let isDone = false
  const worked = work(tier).then(() => {
    isDone = true
  })
  while (!isDone) await clock.advanceAsync(100)
  await worked
  const closed = tier.close().then(() => {
    isDone = false
  })
  while (isDone) await clock.advanceAsync(1000)
  await closed
  if (snapshot === undefined) throw new Error('the power has not failed')
  return { possible: snapshot, durable }
}

async function verify(disk: UnsyncedDisk, possible: Map<string, Operation[]>, where: string, clock: ManualClock): Promise<void> {
  const tier = storeOn(disk).openTier(storeContext(clock))
  const keys = [...possible.keys()]
  const found = await tier.getMany(keys)
  for (const [index, key] of keys.entries()) {
    const value = found[index]?.value as { serial: number } | undefined
    const operations = possible.get(key) as Operation[]
    const match = operations.filter(({ serial, isDelete }) => (value === undefined ? isDelete : serial === value.serial && !isDelete))
    expect(match, `${where}, ${key}: found ${value?.serial} of ${JSON.stringify(operations)}`).not.toEqual([])
    possible.set(key, [match.at(-1) as Operation])
  }
  expect(tier.stats(), where).toMatchObject({ state: 'on', errors: {} })
  const closed = tier.close()
  await clock.advanceAsync(1)
  await closed
}
