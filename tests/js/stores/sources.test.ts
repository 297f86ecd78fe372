import { expect, test } from 'vitest'
import { storeContext } from '../../../js/core/tier-core.ts'
import { ManualClock, memoryStore } from '../../../js/testing.ts'

test('of very many sources a few are known, and what was made from the others is gone', async () => {
  const tier = memoryStore().openTier(storeContext(new ManualClock()))
  await tier.open()
  const made = (at: number) => ({
    key: `made ${at}`,
    entry: { value: at, writtenAt: 1, expiresAt: Number.POSITIVE_INFINITY, facts: { dependsOn: [`source ${at}`] } },
  })
  const plain = { key: 'plain', entry: { value: 1, writtenAt: 1, expiresAt: Number.POSITIVE_INFINITY } }
  await tier.setMany([plain], { persist: 'stored' })
  for (let at = 0; at < 6000; at += 100)
    await tier.setMany(
      Array.from({ length: 100 }, (_, more) => made(at + more)),
      { persist: 'stored' },
    )
  await tier.deleteMany(['source 5900'], { persist: 'stored' })
  const found = await tier.getMany(['plain', 'made 0', 'made 5900', 'made 5901'])
  expect(found.map(entry => entry?.value)).toEqual([1, undefined, undefined, 5901])
  await tier.close()
})
