import { afterEach, expect, test, vi } from 'vitest'
import { systemClock } from '../../../js/clock.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

test('a timer keeps a process of Deno, where it is a number, alive only while it is held', () => {
  const held = new Map<number, boolean>()
  vi.stubGlobal('setTimeout', () => {
    held.set(7, true)
    return 7
  })
  vi.stubGlobal('Deno', {
    refTimer: (id: number) => held.set(id, true),
    unrefTimer: (id: number) => held.set(id, false),
  })
  const timer = systemClock.timer(systemClock.monotonic() + 1000, () => {})
  expect(held.get(7)).toBe(false)
  timer.hold(true)
  expect(held.get(7)).toBe(true)
  timer.hold(false)
  expect(held.get(7)).toBe(false)
})

test('where a timer is a number and nothing keeps anything alive, it is just a timer', () => {
  vi.stubGlobal('setTimeout', () => 7)
  expect(() => systemClock.timer(systemClock.monotonic() + 1000, () => {}).hold(true)).not.toThrow()
})
