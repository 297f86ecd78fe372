import { describe, expect, it } from 'vitest'
import { CacheCore } from '../../../js/core/cache-core.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'

describe('CacheCore', () => {
  it('makes its log longer while that pays, and then keeps it', () => {
    const core = new CacheCore(new ManualClock(), { policy: 'lru', max: 10, seed: 1 }, () => {})
    const logs: ArrayBufferLike[] = []
    core.onReplay = log => logs.push(log.buffer)
    core.admit(0, Number.POSITIVE_INFINITY)
    for (let at = 0; at < 100_000; at += 1) core.hit(0)
    expect(new Set(logs).size).toBeLessThan(10)
    expect(logs.length).toBeGreaterThan(25)
    expect(logs.at(-1)?.byteLength).toBe(16_384)
  })
})
