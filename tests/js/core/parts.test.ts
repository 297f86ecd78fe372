import { expect, test } from 'vitest'
import { plantTrap, trapCount } from '../../../js/core/door.ts'
import { part as batchPart } from '../../../js/core/parts/batch.ts'
import { part as cachePart } from '../../../js/core/parts/cache.ts'
import { createMemoryCache, createRegistry, processBatch } from '../../../js/index.ts'

const TRAPPED = expect.objectContaining({ code: 'ERR_CORE_TRAPPED' })

/** A cache of two entries, whose machine has been told of both. */
function filledCache() {
  const cache = createMemoryCache<string, number>({ max: 10 })
  cache.set('a', 1)
  cache.set('b', 2)
  expect(cache.stats()).toMatchObject({ entries: 2, traps: 0 })
  cache.validate()
  return cache
}

test('nothing traps where nothing runs', () => {
  expect(() => plantTrap()).not.toThrow()
  expect(trapCount()).toBe(0)
})

test('a trap in one part of the core leaves the others as they are', async () => {
  const cache = filledCache()
  expect(await processBatch([1, 2], items => items)).toMatchObject({ status: 'ok' })

  const before = trapCount()
  expect(() => batchPart.plantTrap()).toThrow(TRAPPED)
  expect(trapCount()).toBe(before + 1)
  cache.validate()
  expect(cache.stats()).toMatchObject({ entries: 2, traps: 0 })
  expect(await processBatch([1], items => items)).toMatchObject({ status: 'ok' })

  expect(() => cachePart.plantTrap()).toThrow(TRAPPED)
  cache.set('c', 3)
  cache.validate()
  expect(cache.stats()).toMatchObject({ entries: 0, traps: 1 })
})

test('a planted trap meets every part that runs', async () => {
  const cache = filledCache()
  const registry = createRegistry()
  const histogram = registry.histogram({ name: 'seconds' })
  histogram.observe(1)
  expect(registry.snapshot().metrics).toMatchObject([{ series: [{ count: 1 }] }])

  const before = trapCount()
  expect(() => plantTrap()).toThrow(TRAPPED)
  expect(trapCount()).toBe(before + 3)
  cache.validate()
  expect(cache.stats().traps).toBe(1)
  expect(registry.snapshot().metrics).toMatchObject([{ series: [{ count: 0 }] }])
  expect(registry.restarts).toBe(1)
})
