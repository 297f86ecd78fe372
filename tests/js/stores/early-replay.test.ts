/** A log that is played in while it is still being listed. */

import { expect, test } from 'vitest'
import { encode } from '../../../js/codec.ts'
import { storeContext } from '../../../js/core/tier-core.ts'
import { checksum } from '../../../js/stores/checksum.ts'
import { keyHash, pack } from '../../../js/stores/directory.ts'
import type { ListedSegment, MediumCall, Segment } from '../../../js/stores/segment-medium.ts'
import type { Tier } from '../../../js/stores/tier.ts'
import { ManualClock, MemoryLog, MemoryMedium } from '../../../js/testing.ts'
import { segmentStore } from '../../../js/tier/segment-store.ts'

type Show = (segments: readonly ListedSegment[]) => void

/** Shows two segments at a time; `before` is called before each. */
class BitByBit extends MemoryMedium {
  readonly #before: (shown: number, show: Show) => void
  constructor(log: MemoryLog, before: (shown: number, show: Show) => void) {
    super(log)
    this.#before = before
  }

  override async list(after: number, _call?: MediumCall, show?: Show): Promise<ListedSegment[]> {
    const listed = (await super.list(after)).map(segment =>
      segment.directory.length > 8 ? segment : { ...segment, directory: new Uint8Array(0), keys: new Set([keyHash('a')]) },
    )
    for (let at = 0; at < listed.length && show !== undefined; at += 2) {
      this.#before(at, show)
      show(listed.slice(at, at + 2))
      await Promise.resolve()
    }
    return listed
  }
}

const clock = new ManualClock()

function tierOver(log: MemoryLog, before: (shown: number, show: Show) => void = () => {}): Tier {
  const openMedium = () => new BitByBit(log, before)
  return segmentStore({ name: 'bits', maxSize: Number.POSITIVE_INFINITY, openMedium }).openTier(storeContext(clock))
}

async function set(tier: Tier, key: string, value: unknown): Promise<void> {
  const done = tier.setMany([{ key, entry: { value, writtenAt: 0, expiresAt: Number.POSITIVE_INFINITY } }], { persist: 'stored' })
  await clock.advanceAsync(1)
  await done
}

/** Five segments: those of keys of their own, the newest of `a` and of `z`. */
async function filled(): Promise<MemoryLog> {
  const log = new MemoryLog()
  const tier = tierOver(log)
  for (let value = 1; value <= 7; value += 1) {
    await set(tier, value === 7 ? 'z' : 'a', value)
    if (value < 4) await set(tier, `k${value}`, value)
  }
  await tier.close()
  return log
}

async function read(tier: Tier): Promise<unknown> {
  const entries = await tier.getMany(['a', 'k1', 'k2', 'k3', 'z'])
  const { errors } = tier.stats()
  return [entries.map(entry => entry?.value), errors]
}

test('a whole log is what it was', async () => {
  const tier = tierOver(await filled())
  expect(await read(tier)).toEqual([[6, 1, 2, 3, 7], {}])
  await tier.close()
})

test('a segment that turns out damaged after older ones were played in takes along what is older of its keys', async () => {
  const log = await filled()
  const [first, , , newest] = [...log.segments.keys()]
  const [older] = pack([{ key: 'a', bytes: encode(5), order: 0, writtenAt: 0, expiresAt: Number.POSITIVE_INFINITY }])
  log.segments.set(first as number, older as Segment)
  log.segments.set(newest as number, { directory: new Uint8Array(3), payload: new Uint8Array(0) })
  const tier = tierOver(log)
  expect(await read(tier)).toEqual([[undefined, undefined, 2, 3, 7], { damaged: 1 }])
  await tier.close()
})

test('a list that begins again replaces what it has shown', async () => {
  const log = await filled()
  let isAgain = false
  const tier = tierOver(log, (shown, show) => {
    if (shown === 0 || isAgain) return
    isAgain = true
    const [first] = [...log.segments.keys()]
    show([{ id: first as number, directory: log.segments.get(first as number)?.directory ?? new Uint8Array(0), bytes: 0 }])
  })
  expect(await read(tier)).toEqual([[6, 1, 2, 3, 7], {}])
  await tier.close()
})

test('a tier that is emptied while its log is played in has nothing of it', async () => {
  const log = await filled()
  let clearing: Promise<void> | undefined
  const tier = tierOver(log, shown => {
    if (shown === 2) clearing ??= tier.clear()
  })
  const reading = tier.getMany(['a', 'k1', 'z'])
  await clock.advanceAsync(1)
  expect([await reading, (await clearing) ?? 'cleared', tier.stats().entries]).toEqual([[undefined, undefined, undefined], 'cleared', 0])
  await tier.close()
})

test('a directory that is shown with another checksum is not believed, and the log is listed once more', async () => {
  const log = await filled()
  const medium = new MemoryMedium(log)
  const [{ directory }] = (await medium.list(0)) as [ListedSegment]
  const found: unknown[] = []
  for (const check of [checksum(directory), checksum(directory) + 1]) {
    let lists = 0
    class Shown extends MemoryMedium {
      override async list(after: number, _call?: MediumCall, show?: Show): Promise<ListedSegment[]> {
        lists += 1
        const listed = await super.list(after)
        show?.(listed.map((segment, at) => ({ ...segment, check: at === 0 ? check : checksum(segment.directory) })))
        return listed
      }
    }
    const store = segmentStore({ name: 'shown', maxSize: Number.POSITIVE_INFINITY, openMedium: () => new Shown(log) })
    const tier = store.openTier(storeContext(clock))
    await tier.open()
    found.push(lists, await read(tier))
    await tier.close()
  }
  expect([found[0], found[2]]).toEqual([1, 2])
  expect(found[3]).toEqual(found[1])
})
