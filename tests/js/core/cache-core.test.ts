import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../js/clock.ts'
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

  it('notes trusted hits until the time moves or trust is taken back', () => {
    const core = new CacheCore(systemClock, { policy: 'lru', max: 10, seed: 1 }, () => {})
    core.admit(0, Number.POSITIVE_INFINITY)
    expect(core.hitTrusted(0)).toBe(false)
    for (const ending of [
      () => core.driver.read(),
      () => core.driver.readAgain(),
      () => core.distrust(),
      () => core.sync(),
      () => core.clear(),
    ]) {
      core.driver.read()
      core.trust()
      core.trust()
      const { hits } = core
      expect([core.hitTrusted(0), core.hitTrusted(0)]).toEqual([true, true])
      expect(core.hits).toBe(hits + 2)
      ending()
      expect(core.hitTrusted(0)).toBe(false)
      expect(core.hits).toBe(hits + 2)
    }
  })

  it('stops for the clock while trusted', () => {
    const core = new CacheCore(systemClock, { policy: 'lru', max: 10, seed: 1 }, () => {})
    core.driver.read()
    core.trust()
    let hits = 0
    while (core.hitTrusted(0)) hits += 1
    expect(hits).toBeLessThanOrEqual(64)
    core.hit(0)
    core.trust()
    expect(core.hitTrusted(0)).toBe(true)
  })

  it('trusts no time that was not read in this macrotask', async () => {
    const core = new CacheCore(systemClock, { policy: 'lru', max: 10, seed: 1 }, () => {})
    core.driver.read()
    core.trust()
    expect(core.hitTrusted(0)).toBe(true)
    while (!core.driver.stale) await new Promise(resolve => setTimeout(resolve))
    expect(core.hitTrusted(0)).toBe(false)
    core.trust()
    expect(core.hitTrusted(0)).toBe(false)
    const manual = new CacheCore(new ManualClock(), { policy: 'lru', max: 10, seed: 1 }, () => {})
    manual.driver.read()
    manual.trust()
    expect(manual.hitTrusted(0)).toBe(false)
  })
})
