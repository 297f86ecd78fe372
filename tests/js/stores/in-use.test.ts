/** A store with a budget: what memory has is in use, and does not go while something else may. */

import { describe, expect, test } from 'vitest'
import { createCache } from '../../../js/index.ts'
import { fileSystem } from '../../../js/stores/fs.ts'
import { sqlite } from '../../../js/stores/sqlite.ts'
import type { Store } from '../../../js/stores/tier.ts'
import { MemoryLog, memoryStore } from '../../../js/testing.ts'
import { drivers, freshFolder } from './sqlite-drivers.ts'

const BUDGET = 600_000
const HOT = Array.from({ length: 40 }, (_, at) => `hot:${at}`)
const VALUE = 'x'.repeat(1000)

type Made = { readonly store: (maxSize: number) => Store; dispose?(): void }

const stores: [string, () => Made][] = [
  [
    'a log of segments',
    () => {
      const log = new MemoryLog()
      return { store: maxSize => memoryStore({ log, maxSize }) }
    },
  ],
  [
    'files',
    () => {
      const { folder, dispose } = freshFolder()
      return { store: maxSize => fileSystem({ path: folder, maxSize }), dispose }
    },
  ],
  ...drivers.map(([name, driver]): [string, () => Made] => [
    name,
    () => {
      const { path, dispose } = freshFolder()
      return { store: maxSize => sqlite({ path, driver, maxSize }), dispose }
    },
  ]),
]

describe.each(stores)('%s', (_, make) => {
  test('what is read again and again outlives what is written once, in memory and after a restart', async () => {
    const { store, dispose } = make()
    const cache = createCache<string>({ max: 100, store: store(BUDGET) })
    const users = cache.namespace('users', { max: 20 })
    for (const key of HOT) await cache.set(key, VALUE)
    await users.set('hot', VALUE)
    for (let at = 0; at < 3000; at += 1) {
      await cache.set(`cold:${at}`, VALUE)
      if (at % 20 === 0) for (const key of HOT) await cache.get(key)
      if (at % 20 === 0) await users.get('hot')
      if (at % 100 === 0) await cache.flush()
    }
    await cache.flush()
    const [tier] = cache.stats().tiers
    expect(tier?.bytes).toBeLessThanOrEqual(BUDGET)
    expect(tier?.reclaimed).toBeGreaterThan(10)
    await cache.close()

    const again = createCache<string>({ max: 100, store: store(BUDGET) })
    const found = await again.getMany(HOT)
    expect(found.filter(value => value === VALUE)).toHaveLength(HOT.length)
    expect(await again.namespace('users', { max: 20 }).get('hot')).toBe(VALUE)
    expect(await again.get('cold:0')).toBeUndefined()
    expect(await again.get('cold:2999')).toBe(VALUE)
    await again.close()
    dispose?.()
  })

  test('where memory has everything the budget holds all the same, and the newest are there', async () => {
    const { store, dispose } = make()
    const cache = createCache<string>({ max: 10_000, store: store(BUDGET) })
    for (let at = 0; at < 3000; at += 1) {
      await cache.set(`k:${at}`, VALUE)
      if (at % 100 === 0) await cache.flush()
    }
    await cache.flush()
    const [tier] = cache.stats().tiers
    expect(tier?.bytes).toBeLessThanOrEqual(BUDGET)
    expect(tier?.entries).toBeGreaterThan(200)
    expect(tier).toMatchObject({ dropped: 0, errors: {} })
    await cache.close()

    const again = createCache<string>({ store: store(BUDGET) })
    const newest = Array.from({ length: 50 }, (_, at) => `k:${2999 - at}`)
    expect((await again.getMany(newest)).filter(value => value === VALUE)).toHaveLength(50)
    await again.close()
    dispose?.()
  })

  test('a deletion, a new value and an expiry hold for what was carried over', async () => {
    const { store, dispose } = make()
    const cache = createCache<string>({ max: 100, store: store(BUDGET) })
    for (const key of HOT) await cache.set(key, VALUE)
    const fill = async (from: number) => {
      for (let at = from; at < from + 1000; at += 1) {
        await cache.set(`cold:${at}`, VALUE)
        if (at % 20 === 0) for (const key of HOT) await cache.get(key)
        if (at % 100 === 0) await cache.flush()
      }
    }
    await fill(0)
    await cache.delete('hot:0')
    await cache.set('hot:1', 'new')
    await cache.invalidate('hot:2')
    await fill(1000)
    await cache.flush()
    await cache.close()

    const again = createCache<string>({ store: store(BUDGET) })
    expect(await again.getMany(['hot:0', 'hot:1', 'hot:2', 'hot:3'])).toEqual([undefined, 'new', undefined, VALUE])
    await again.close()
    dispose?.()
  })
})
