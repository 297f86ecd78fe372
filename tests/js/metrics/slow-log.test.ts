import { expect, it } from 'vitest'
import { createRegistry } from '../../../js/metrics/registry.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'

function made(options: Parameters<typeof createRegistry>[0] = {}) {
  const clock = new ManualClock({ wall: 1000 })
  return { clock, registry: createRegistry({ clock, ...options }) }
}

it('what takes as long as the threshold is listed, with what it was', async () => {
  const { clock, registry } = made({ prefix: 'app_' })
  const timer = registry.timer({ name: 'load_seconds', labelNames: ['kind'] }).with({ kind: 'user' })
  const end = timer.start('user 7')
  clock.advance(100)
  end()
  end()
  const quick = timer.start('quick')
  clock.advance(99)
  quick()
  timer.observe(2)
  await expect(
    timer.time(async () => {
      clock.advance(150)
      throw new Error('no')
    }, 'x'.repeat(1000)),
  ).rejects.toThrow('no')
  const shared = { metric: 'app_load_seconds', labels: { kind: 'user' } }
  expect(registry.slowOps.list()).toEqual([
    { id: 3, ...shared, what: `${'x'.repeat(199)}…`, duration: 150, at: 1349 },
    { id: 2, ...shared, duration: 2000, at: 1199 },
    { id: 1, ...shared, what: 'user 7', duration: 100, at: 1100 },
  ])
  expect(registry.slowOps.slowest().map(({ id }) => id)).toEqual([2, 3, 1])
})

it('each timer may have a threshold of its own', () => {
  const { registry } = made({ slowThreshold: '1s' })
  registry.timer({ name: 'a' }).observe(0.5)
  registry.timer({ name: 'b', slowThreshold: '0.5s' }).observe(0.5)
  registry.timer({ name: 'c', slowThreshold: Number.POSITIVE_INFINITY }).observe(1e9)
  expect(registry.slowOps.list().map(({ metric }) => metric)).toEqual(['b'])
})

it('the list is bounded and counts on', () => {
  const { registry } = made({ slowLogSize: 3 })
  const timer = registry.timer({ name: 't' })
  for (let seconds = 1; seconds <= 10; seconds += 1) timer.observe(seconds)
  expect(registry.slowOps.list().map(({ id, duration }) => [id, duration])).toEqual([
    [10, 10_000],
    [9, 9000],
    [8, 8000],
  ])
  expect(registry.slowOps.seen).toBe(10)
  registry.slowOps.clear()
  expect(registry.slowOps.list()).toEqual([])
})
