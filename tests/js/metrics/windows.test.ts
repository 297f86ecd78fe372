import { describe, expect, it } from 'vitest'
import { plantTrap } from '../../../js/core/door.ts'
import { createRegistry } from '../../../js/metrics/registry.ts'
import type { HistogramSeriesSnapshot } from '../../../js/metrics/snapshot.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'

const DURATIONS = ['10s', '1m', '5m', '15m'] as const

function made(options: Parameters<typeof createRegistry>[0] = {}) {
  const clock = new ManualClock()
  const registry = createRegistry({ clock, ...options })
  return { clock, registry }
}

describe('windows', () => {
  it('count a sample in the second in which it was recorded, without being asked in between', () => {
    const { clock, registry } = made({ windows: true })
    const histogram = registry.histogram({ name: 'h' })
    for (let second = 0; second < 1000; second += 1) {
      histogram.observe(second)
      clock.advance(1000)
    }
    const seen = DURATIONS.map(window => histogram.distribution({ window }))
    expect(seen.map(({ span }) => span)).toEqual([10_000, 58_000, 280_000, 880_000])
    for (const { span, count, min, max } of seen) {
      expect({ count, min, max }).toEqual({ count: span / 1000, min: 1000 - span / 1000, max: 999 })
    }
    expect(histogram.distribution()).toMatchObject({ span: 1_000_000, count: 1000, min: 0, latest: 999 })
  })

  it('have exact shares before the first of them is full', () => {
    const { clock, registry } = made({ windows: true })
    const timer = registry.timer({ name: 't' })
    for (let tick = 0; tick < 4000; tick += 1) {
      timer.observe(tick % 4 === 3 ? 1 : 0.01)
      clock.advance(25)
      if (tick % 100 !== 99) continue
      for (const window of DURATIONS) {
        const { count, sum, span } = timer.distribution({ window })
        expect(sum).toBeCloseTo(count * (0.25 + 0.75 * 0.01), 6)
        expect(count).toBe(span / 25)
        const [p70, p80] = timer.quantiles([0.7, 0.8], { window }) as [number, number]
        expect(Math.abs(p70 - 0.01)).toBeLessThanOrEqual(0.01 * 0.0100001)
        expect(Math.abs(p80 - 1)).toBeLessThanOrEqual(0.0100001)
      }
    }
  })

  it('begin when they are first asked for, and say how far they reach', () => {
    const { clock, registry } = made()
    const series = registry.histogram({ name: 'h', labelNames: ['l'] }).with({ l: 1 })
    series.observe(1)
    clock.advance(5000)
    expect(clock.timers).toBe(0)
    expect(series.distribution({ window: '1m' })).toMatchObject({ count: 0, span: 0, min: null, latest: null, p50: null })
    series.observe(2)
    clock.advance(2500)
    expect(series.distribution({ window: '1m' })).toMatchObject({ count: 1, span: 2500, min: 2, max: 2, latest: 2 })
    expect(series.quantiles([0, 0.5, 1], { window: '1m' })).toEqual([2, 2, 2])
    expect(series.quantiles([0, 1])).toEqual([1, 2])
    clock.advance(100_000)
    expect(series.quantiles([0.5], { window: '1m' })).toEqual([null])
  })

  it('set one timer while samples wait, and none while none do', () => {
    const { clock, registry } = made({ windows: true })
    const histogram = registry.histogram({ name: 'h' })
    clock.advance(300)
    expect(clock.timers).toBe(0)
    histogram.observe(1)
    histogram.observe(2)
    expect([clock.timers, clock.heldTimers]).toEqual([1, 0])
    clock.advance(700)
    expect(clock.timers).toBe(0)
    expect(histogram.distribution({ window: '10s' })).toMatchObject({ count: 2, span: 1000 })
  })

  it('count a timer by its end even while the event loop stands still', () => {
    let now = 0
    const clock = { wall: () => now, monotonic: () => now, timer: () => ({ cancel() {}, hold() {} }) }
    const timer = createRegistry({ clock, windows: true }).timer({ name: 't' })
    for (let op = 0; op < 100; op += 1) {
      const end = timer.start()
      now += 1000
      end()
    }
    now += 500
    expect(timer.distribution({ window: '10s' })).toMatchObject({ count: 10, span: 9500 })
  })

  it('are told in a snapshot for those who ask', () => {
    const { clock, registry } = made()
    const histogram = registry.histogram({ name: 'h', labelNames: ['l'] })
    histogram.with({ l: 'a' }).observe(1)
    expect(registry.snapshot().metrics[0]?.series[0]).not.toHaveProperty('windows')
    registry.snapshot({ windows: ['10s', 60_000] })
    histogram.with({ l: 'a' }).observe(3)
    clock.advance(20_000)
    histogram.with({ l: 'b' }).observe(5)
    const [a, b] = registry.snapshot({ windows: ['10s', 60_000] }).metrics.flatMap(({ series }) => series as HistogramSeriesSnapshot[])
    expect(a).toMatchObject({ count: 2, windows: { '10s': { count: 0, span: 10_000 }, '60000': { count: 1, span: 20_000, p99: 3 } } })
    expect(b).toMatchObject({ count: 1, windows: { '10s': { count: 1 }, '60000': { count: 1, span: 20_000 } } })
  })

  it('are read over all series of a metric', () => {
    const { clock, registry } = made({ windows: true })
    const histogram = registry.histogram({ name: 'h', labelNames: ['l'] })
    expect(histogram.quantiles([0.5])).toEqual([null])
    for (let l = 1; l <= 100; l += 1) histogram.with({ l }).observe(l)
    clock.advance(1000)
    expect(histogram.distribution({ window: '1m' })).toMatchObject({ count: 100, min: 1, max: 100, sum: 5050 })
    expect(histogram.quantiles([0, 1])).toEqual([1, 100])
  })

  it('begin again after a reset and after a trap', () => {
    const { clock, registry } = made({ windows: true })
    const histogram = registry.histogram({ name: 'h' })
    for (const lose of [() => registry.reset(), () => expect(plantTrap).toThrow()]) {
      histogram.observe(1)
      clock.advance(5000)
      lose()
      histogram.distribution()
      clock.advance(3000)
      histogram.observe(7)
      clock.advance(1000)
      expect(histogram.distribution({ window: '1m' })).toMatchObject({ count: 1, max: 7, span: 4000 })
    }
  })

  it('reach less far back where they have little room, and say so', () => {
    const { clock, registry } = made({ windows: true, maxWindowSize: '8kb' })
    const histogram = registry.histogram({ name: 'h', labelNames: ['l'] })
    for (let second = 0; second < 200; second += 1) {
      for (let l = 0; l < 20; l += 1) histogram.with({ l }).observe(second)
      clock.advance(1000)
    }
    const { span, count } = histogram.with({ l: 3 }).distribution({ window: '1m' })
    expect(span).toBeLessThan(30_000)
    expect(count).toBe(span / 1000)
  })

  it.each([
    [{ window: 0 }, 'window'],
    [{ window: '1 week' }, 'window'],
    [{ window: null }, 'window'],
  ])('refuse %s', (options, argument) => {
    const series = createRegistry().histogram({ name: 'h' })
    expect(() => series.distribution(options as never)).toThrow(argument)
    expect(() => series.quantiles([2])).toThrow('quantiles')
    expect(() => createRegistry().snapshot({ windows: ['x' as never] })).toThrow('windows')
  })
})
