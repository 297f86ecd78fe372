/** A write queue that is filled faster than it is emptied. */

import { expect, test } from 'vitest'
import { storeContext } from '../../../js/core/tier-core.ts'
import type { Segment } from '../../../js/stores/segment-medium.ts'
import { ManualClock, MemoryMedium } from '../../../js/testing.ts'
import { segmentStore } from '../../../js/tier/segment-store.ts'

/** Answers in a later task, as databases do. */
class SlowMedium extends MemoryMedium {
  written = 0
  override async append(segments: readonly Segment[]): Promise<number[]> {
    await new Promise(resolve => setImmediate(resolve))
    this.written += segments.length
    return super.append(segments)
  }
}

test.each(['setMany', 'offer'] as const)('%s, awaited one after another, lets the medium answer before the queue is full', async how => {
  const medium = new SlowMedium()
  const store = segmentStore({ name: 'slow', maxSize: Number.POSITIVE_INFINITY, openMedium: () => medium })
  const clock = new ManualClock()
  const tier = store.openTier(storeContext(clock))
  await tier.open()
  for (let at = 0; at < 10_000; at += 1) {
    const entry = { value: at, writtenAt: 0, expiresAt: Number.POSITIVE_INFINITY }
    const offered = how === 'offer' && tier.offer?.(`k${at}`, entry)
    if (how === 'offer') expect(offered).not.toBe(false)
    await (offered || tier.setMany([{ key: `k${at}`, entry }], { persist: 'memory' }))
  }
  expect(medium.written).toBeGreaterThan(0)
  await tier.close()
  expect(tier.stats().writes).toBe(10_000)
})
