import { expect, test } from 'vitest'
import { LimiterPerKey } from '../../../js/limits/per-key.ts'
import { ManualClock } from '../../../js/testing.ts'

test('limiters at rest make room for others, busy ones stay', async () => {
  const clock = new ManualClock()
  const limiters = new LimiterPerKey({ tokensPerInterval: 1, interval: '1s', clock })
  const busy = limiters.of('busy')
  for (let n = 0; n < 5000; n += 1) {
    if (n % 100 === 0) {
      clock.advance(1500)
      expect(busy.tryAcquire()).toBe(true)
    }
    limiters.of(`k${n}`).tryAcquire()
    expect(limiters.of('busy')).toBe(busy)
    expect(limiters.size).toBeLessThan(1300)
  }
  expect(limiters.of('k4999').tryAcquire()).toBe(false)
})
