import { expect, test } from 'vitest'
import { Alarm, driverOf } from '../../../js/core/driver.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'

test('an alarm that is set after the machine slept does not wait for the timer that slept too', () => {
  const clock = new ManualClock()
  const driver = driverOf(clock)
  const rang: string[] = []
  driver.set(new Alarm(() => rang.push('due while asleep')), 30 * 60_000)
  clock.sleep(60 * 60_000)
  driver.set(new Alarm(() => rang.push('after waking'), { holds: true }), driver.now() + 10_000)
  expect([clock.timers, clock.heldTimers]).toEqual([1, 1])
  clock.advance(1)
  expect(rang).toEqual(['due while asleep'])
  clock.advance(10_000)
  expect(rang).toEqual(['due while asleep', 'after waking'])
  expect(clock.timers).toBe(0)
})
