import { expect, test } from 'vitest'
import { CacheCore } from '../../../js/core/cache-core.ts'
import { part } from '../../../js/core/parts/cache.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'

// V8 counts a WebAssembly memory anew at each growth, and collects garbage when that is much.
test('the memory of the core grows in few steps, by little more than is needed', () => {
  const core = new CacheCore(new ManualClock(), { policy: 'lru', max: 600_000, seed: 1 }, () => expect.unreachable())
  const before = part.enter().buffer.byteLength
  let buffer: unknown
  let steps = 0
  for (let slot = 0; slot < 600_000; slot += 1) {
    core.admit(slot, Number.POSITIVE_INFINITY)
    const { buffer: now } = part.enter()
    if (now !== buffer) steps += 1
    buffer = now
  }
  core.sync()
  const bytesPerEntry = (part.enter().buffer.byteLength - before) / 600_000
  expect(bytesPerEntry).toBeLessThan(9.5)
  expect(steps).toBeLessThan(50)
  core.free()
})
