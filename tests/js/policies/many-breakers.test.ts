import { expect, test } from 'vitest'
import { part } from '../../../js/core/parts/schedule.ts'
import { circuitBreaker } from '../../../js/index.ts'
import { ManualClock } from '../../../js/testing.ts'

test('10 000 keyed breakers: one timer at most, and bounded bytes each', async () => {
  const clock = new ManualClock()
  const breaker = circuitBreaker({ clock, window: { type: 'count', size: 100 }, maxKeys: 10_000 })
  const call = async (from: number, to: number) => {
    for (let key = from; key < to; key += 1) await breaker.execute(() => 1, { key: `k${key}` })
  }
  await call(0, 10)
  const before = part.enter().buffer.byteLength
  await call(10, 10_000)
  const full = part.enter().buffer.byteLength
  expect(breaker.stats().keys).toBe(10_000)
  expect((full - before) / 10_000).toBeLessThan(1024)
  await call(10_000, 60_000)
  expect(breaker.stats().keys).toBe(10_000)
  expect(part.enter().buffer.byteLength).toBe(full)
  expect(clock.timers).toBeLessThanOrEqual(1)
})
