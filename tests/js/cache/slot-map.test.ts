import { describe, expect, test } from 'vitest'
import { SlotMap } from '../../../js/cache/slot-map.ts'
import { createMemoryCache } from '../../../js/index.ts'
import { Seeded } from '../model/random.ts'

const EDGES = [0, 1, -1, 2 ** 30 - 1, -(2 ** 30), 2 ** 30, 2 ** 31 - 1, -(2 ** 31), 2 ** 32, 2 ** 53, -(2 ** 40), 0.5, -1.5, Number.NaN]

/** What V8 hashes a small integer to, for everyone to know. */
function hashOfV8(key: number): number {
  let hash = key >>> 0
  hash = (~hash + (hash << 15)) >>> 0
  hash ^= hash >>> 12
  hash = (hash + (hash << 2)) >>> 0
  hash ^= hash >>> 4
  hash = Math.imul(hash, 2057) >>> 0
  return (hash ^ (hash >>> 16)) & 0x3fffffff
}

describe('slots by key', () => {
  test('equals a Map, whatever the keys', () => {
    const random = new Seeded(5)
    const keys: unknown[] = ['a', '1', '', null, undefined, true, {}, 5n, Number.POSITIVE_INFINITY, ...EDGES]
    for (let at = 0; at < 20_000; at += 1) keys.push(random.below(2 ** 31) - 2 ** 30, random.below(2 ** 32) - 2 ** 31)
    const slots = new SlotMap<unknown>()
    const model = new Map<unknown, number>()
    for (const [slot, key] of keys.entries()) {
      slots.set(key, slot)
      model.set(key, slot)
      if (slot % 7 === 0) {
        const other = keys[random.below(slot + 1)]
        slots.delete(other)
        model.delete(other)
      }
    }
    expect(slots.size).toBe(model.size)
    expect([...slots]).toEqual([...model])
    for (const key of keys) expect(slots.get(key)).toBe(model.get(key))
    expect(slots.get(-0)).toBe(model.get(0))
  })

  test('integers chosen to collide take no longer than any others', () => {
    const chosen: number[] = []
    for (let key = 1; chosen.length < 10_000; key += 1) if ((hashOfV8(key) & 0x1fff) === 77) chosen.push(key)
    const random = new Seeded(1)
    const others = chosen.map(() => random.below(2 ** 30))
    const time = (keys: readonly number[]) => {
      const cache = createMemoryCache<number, number>({ max: 20_000 })
      const start = performance.now()
      for (const key of keys) cache.set(key, 1)
      for (const key of keys) cache.get(key)
      return performance.now() - start
    }
    const best = (keys: readonly number[]) => Math.min(...Array.from({ length: 5 }, () => time(keys)))
    // Without the shuffle it is more than forty times as long.
    expect(best(chosen)).toBeLessThan(8 * best(others))
  })
})
