import { describe, expect, test, vi } from 'vitest'
import { ours, reference } from './both.ts'
import { readPages } from './lru-cache-example.ts'

describe('a program that changes only its import', () => {
  test('prints the same', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_700_000_000_000 })
    const expected = await readPages(reference)
    const printed = await readPages(ours)
    vi.useRealTimers()
    expect(expected.length).toBeGreaterThan(60)
    expect(printed).toEqual(expected)
  })
})
