import { expect, test, vi } from 'vitest'
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

test('what an alarm throws is reported, and the others ring', () => {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const clock = new ManualClock()
  const driver = driverOf(clock)
  const rang: string[] = []
  const failure = new Error('a callback failed')
  for (const [at, thrown] of [failure, 'no error at all'].entries()) {
    const alarm = new Alarm(() => {
      throw thrown
    })
    driver.set(alarm, at + 1)
  }
  driver.set(new Alarm(() => rang.push('at the same time')), 2)
  driver.set(new Alarm(() => rang.push('later')), 3)
  clock.advance(3)
  expect(rang).toEqual(['at the same time', 'later'])
  expect(warn.mock.calls.map(([warning]) => warning)).toEqual([
    expect.objectContaining({ name: 'ShelflifeWarning', message: expect.stringContaining('a callback failed'), cause: failure }),
    expect.objectContaining({ cause: 'no error at all' }),
  ])
  warn.mockRestore()
})

test('without a process the platform is told', () => {
  const told: unknown[] = []
  vi.stubGlobal('process', undefined)
  vi.stubGlobal('reportError', (error: unknown) => told.push(error))
  try {
    const clock = new ManualClock()
    driverOf(clock).set(
      new Alarm(() => {
        throw new Error('a callback failed')
      }),
      1,
    )
    clock.advance(1)
  } finally {
    vi.unstubAllGlobals()
  }
  expect(told).toEqual([new Error('a callback failed')])
})
