import { expect, test } from 'vitest'
import { storeContext } from '../../../js/core/tier-core.ts'
import type { SegmentMedium } from '../../../js/stores/segment-medium.ts'
import { ManualClock } from '../../../js/testing.ts'
import { PayloadReads } from '../../../js/tier/payload-reads.ts'

function reads(broken: number) {
  const asked: number[][] = []
  const read = async (id: number) => {
    if (id === broken) throw new Error('damaged')
    return id === 7 ? undefined : Uint8Array.of(id)
  }
  const medium: Partial<SegmentMedium> = {
    async read(id) {
      asked.push([id])
      return read(id)
    },
    async readMany(ids) {
      asked.push([...ids])
      return Promise.all(ids.map(read))
    },
  }
  return { asked, payloads: new PayloadReads(medium as SegmentMedium, storeContext(new ManualClock()).core) }
}

test('segments that are asked for at once come together, sixteen at a time', async () => {
  const { asked, payloads } = reads(-1)
  const found = await Promise.all(Array.from({ length: 33 }, (_, id) => payloads.read(id)))
  expect(asked.map(ids => ids.length)).toEqual([16, 16, 1])
  expect(found.map(bytes => bytes?.[0])).toEqual(Array.from({ length: 33 }, (_, id) => (id === 7 ? undefined : id)))
  await payloads.read(40)
  expect(asked.at(-1)).toEqual([40])
})

test('one that cannot be read does not take the others along', async () => {
  const { payloads } = reads(3)
  const found = await Promise.allSettled([1, 2, 3, 4].map(id => payloads.read(id)))
  expect(found.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
})
