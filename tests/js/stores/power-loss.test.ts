import { expect, test } from 'vitest'
import { storeContext } from '../../../js/core/tier-core.ts'
import { FsMedium } from '../../../js/stores/fs/medium.ts'
import type { Persist, SegmentStore, Tier } from '../../../js/stores/tier.ts'
import { ManualClock } from '../../../js/testing.ts'
import { segmentStore } from '../../../js/tier/segment-store.ts'
import { mulberry } from './mulberry.ts'
import { UnsyncedDisk } from './unsynced-files.ts'

/** `SHELFLIFE_POWER_LOSSES=2000 npx vitest run power-loss` for more. */
const SEEDS = Number(process.env.SHELFLIFE_POWER_LOSSES ?? 40)
const LIVES = 5

/** In a file so small that a life takes several, or in one that takes long to grow. */
const FILE_BYTES = [30_000, 200_000]

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
    const store = (disk: UnsyncedDisk) => storeOn(disk, FILE_BYTES[seed % 2] as number)
    /** By key: the operations that may be the last one that counts. The first is durable, the others may be lost. */
    let possible = new Map<string, Operation[]>()
    for (let life = 0; life < LIVES; life += 1) {
      const before = disk.operations
      const outcome = await live(store(disk), disk, possible, random, seed * 1000 + life * 100_000, clock)
      durable += outcome.durable
      operations += disk.operations - before
      possible = outcome.possible
      disk = disk.afterPowerLoss(random)
      await verify(store(disk), possible, `seed ${seed}, life ${life}`, clock)
      await clock.advanceAsync(5)
    }
  }
  console.info(`${durable} durable writes, ${SEEDS * LIVES} power failures, ${operations} operations on files, 0 lost`)
})

function storeOn(disk: UnsyncedDisk, fileBytes: number): SegmentStore {
  const openMedium = () => new FsMedium('/cache', { openLayer: async () => disk.layer(), fileBytes })
  return segmentStore({ name: 'unsynced', maxSize: Number.POSITIVE_INFINITY, openMedium })
}

/** Works until the power fails: meanwhile, or once the store is closed, or while it closes. What is possible is what was so at that moment. */
async function live(
  store: SegmentStore,
  disk: UnsyncedDisk,
  known: ReadonlyMap<string, Operation[]>,
  random: () => number,
  first: number,
  clock: ManualClock,
) {
  const possible = new Map(known)
  let snapshot: Map<string, Operation[]> | undefined
  let durable = 0
  /** Of these keys nothing counts that was before. */
  const sure = (keys: readonly string[], serial: number) => {
    for (const key of keys)
      possible.set(
        key,
        (possible.get(key) ?? []).filter(operation => operation.serial >= serial),
      )
  }
  /** The power fails within so many operations, if it does not fail earlier. */
  const failWithin = (operations: number) => {
    disk.failsAt = Math.min(disk.failsAt, disk.operations + 1 + Math.floor(random() * operations))
  }
  failWithin(random() < 0.5 ? 80 : 900)
  disk.onFailure = () => {
    snapshot = new Map(Array.from(possible, ([key, list]) => [key, [...list]]))
  }
  const end = random() < 0.3 ? first + Math.floor(random() * 30) : Number.POSITIVE_INFINITY
  const tier = store.openTier(storeContext(clock))
  const work = async (tier: Tier) => {
    for (let serial = first; snapshot === undefined && serial < end; serial += 1) {
      const key = `k${Math.floor(random() * 30)}`
      const persist: Persist = random() < 0.3 ? 'durable' : 'stored'
      const kind = random()
      const [isClear, isInvalidation, isDelete] = [kind < 0.02, kind < 0.05, kind < 0.2]
      const prefix = isClear ? '' : key
      const keys = isInvalidation ? [...possible.keys()].filter(name => name.startsWith(prefix)) : [key]
      for (const name of keys) possible.set(name, [...(possible.get(name) ?? [{ serial: 0, isDelete: true }]), { serial, isDelete }])
      try {
        if (isClear) {
          if (random() < 0.5) failWithin(12)
          await tier.clear()
        } else if (isInvalidation) await tier.invalidate({ prefix }, { persist })
        else if (isDelete) await tier.deleteMany([key], { persist })
        else {
          const value = { serial, text: 'x'.repeat(Math.floor(random() ** 3 * 20_000)) }
          await tier.setMany([{ key, entry: { value, writtenAt: clock.wall(), expiresAt: Infinity } }], { persist })
        }
      } catch {
        return
      }
      if ((persist !== 'durable' && !isClear) || snapshot !== undefined) continue
      durable += 1
      sure(keys, serial)
    }
  }
  await passing(clock, 100, work(tier))
  if (snapshot === undefined && random() < 0.5) failWithin(8)
  await passing(clock, 1000, tier.close())
  if (snapshot === undefined) {
    for (const [key, operations] of possible) sure([key], operations.at(-1)?.serial ?? 0)
    disk.onFailure()
  }
  return { possible: snapshot as unknown as Map<string, Operation[]>, durable }
}

/** Time goes on, so many ms a step, until `work` is done. */
async function passing(clock: ManualClock, step: number, work: Promise<void>): Promise<void> {
  let isDone = false
  const done = work.then(() => {
    isDone = true
  })
  while (!isDone) await clock.advanceAsync(step)
  await done
}

async function verify(store: SegmentStore, possible: Map<string, Operation[]>, where: string, clock: ManualClock): Promise<void> {
  const tier = store.openTier(storeContext(clock))
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
