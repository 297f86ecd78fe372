import { expect, test } from 'vitest'
import { driverOf } from '../../../js/core/driver.ts'
import { ScheduleCore } from '../../../js/core/schedule-core.ts'
import type { ScheduledTask } from '../../../js/core/schedule-types.ts'
import { ManualClock, plantTrap } from '../../../js/testing.ts'

const CONFIG = {
  concurrency: 1,
  perLane: 1,
  maxQueue: 10,
  initialDelay: 0,
  maxDelay: 0,
  decorrelated: false,
  maxRetryAfter: 0,
  seed: 1,
}
const LIMITS = { timeout: 1000, totalTimeout: 1000, maxRetries: 0 }

test('a core that traps while actions are performed does not act on tasks that came after', () => {
  const clock = new ManualClock()
  const schedule = new ScheduleCore(CONFIG, driverOf(clock))
  const told: string[] = []
  function task(key: string, onEnd = () => {}): ScheduledTask {
    return {
      key,
      token: -1,
      start: attempt => told.push(`${key} starts ${attempt}`),
      abort: () => told.push(`${key} aborts`),
      expire: () => {
        told.push(`${key} expires`)
        onEnd()
      },
      lose: () => told.push(`${key} is lost`),
    }
  }
  schedule.submit(task('runs'), { ...LIMITS, timeout: 5000, totalTimeout: 5000 })
  const newcomer = task('newcomer')
  const first = task('first', () => {
    expect(() => plantTrap()).toThrow()
    schedule.submit(newcomer, LIMITS)
  })
  schedule.submit(first, LIMITS)
  schedule.submit(task('second'), LIMITS)
  schedule.submit(task('third'), LIMITS)
  clock.advance(1000)
  expect(told).toEqual(['runs starts 1', 'first expires', 'runs is lost', 'second is lost', 'third is lost', 'newcomer starts 1'])
  expect(schedule.settle(newcomer, 1, false)).toMatchObject({ ending: 'final' })
  expect(schedule.counts()).toEqual({ running: 0, queued: 0, sleeping: 0, lanes: 0 })
  schedule.close()
})
