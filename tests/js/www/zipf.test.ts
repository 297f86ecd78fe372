import { expect, test } from 'vitest'
import { RECORDS, recordOf, zipf, zipfReads } from '../../../www/shared/zipf.mjs'

test('a sequence depends on its seed only', () => {
  const options = { reads: 1000, keys: 500, seed: 3 }
  expect(zipfReads(options)).toEqual(zipfReads(options))
  expect(zipfReads(options)).not.toEqual(zipfReads({ ...options, seed: 4 }))
})

test('rank r comes about 1/r as often as the first', () => {
  const next = zipf({ keys: 5000, seed: 11 })
  const counts = new Array<number>(5000).fill(0)
  for (let draw = 0; draw < 200_000; draw += 1) {
    const rank = next()
    counts[rank] = (counts[rank] ?? 0) + 1
  }
  const [first = 0, second = 0] = counts
  expect(first / second).toBeGreaterThan(1.85)
  expect(first / second).toBeLessThan(2.15)
  expect(first / (counts[9] ?? 0)).toBeGreaterThan(9)
  expect(first / (counts[9] ?? 0)).toBeLessThan(11)
})

test('every rank is a record of its own', () => {
  const records = new Set(Array.from({ length: RECORDS }, (_, rank) => recordOf(rank)))
  expect(records.size).toBe(RECORDS)
  expect(Math.max(...records)).toBe(RECORDS - 1)
})
