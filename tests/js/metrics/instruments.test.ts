import { describe, expect, it } from 'vitest'
import { createRegistry } from '../../../js/metrics/registry.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'
import { parseText } from './prometheus.ts'

const valuesOf = (registry: ReturnType<typeof createRegistry>, name: string) =>
  registry.snapshot().metrics.find(metric => metric.name === name)?.series

describe('labels given with the call', () => {
  it('name the same series as with()', () => {
    const registry = createRegistry({ clock: new ManualClock() })
    const labelNames = ['l'] as const
    const counter = registry.counter({ name: 'c', labelNames })
    const gauge = registry.gauge({ name: 'g', labelNames })
    const histogram = registry.histogram({ name: 'h', labelNames })
    const timer = registry.timer({ name: 't', labelNames })
    counter.inc({ l: 'a' })
    counter.inc({ l: 'a' }, 2)
    gauge.set({ l: 'a' }, 7)
    gauge.inc({ l: 'a' })
    gauge.dec({ l: 'a' }, 3)
    histogram.observe({ l: 'a' }, 4)
    timer.observe({ l: 'a' }, 1)
    timer.start({ l: 'a' })()
    timer.start()({ l: 'a' })
    timer.time({ l: 'a' }, () => 1)
    timer.begin({ l: 'a' }).end()
    expect([counter.with({ l: 'a' }).value, gauge.with({ l: 'a' }).value]).toEqual([3, 5])
    expect(histogram.with({ l: 'a' }).distribution()).toMatchObject({ count: 1, sum: 4 })
    expect(timer.with({ l: 'a' }).distribution().count).toBe(5)
    expect(() => counter.inc()).toThrow('{ l }')
    expect(() => timer.start()()).toThrow('{ l }')
    expect(() => counter.inc({ m: 'x' } as never)).toThrow('label')
  })
})

describe('a timer', () => {
  it('counts what failed, once it knows', async () => {
    const clock = new ManualClock()
    const registry = createRegistry({ clock })
    const timer = registry.timer({ name: 'load_seconds', labelNames: ['l'] })
    const series = timer.with({ l: 'a' })
    series.start()()
    expect(registry.get('load_failures_total')).toBeUndefined()
    series.time(() => 1)
    expect(valuesOf(registry, 'load_failures_total')).toEqual([{ labels: { l: 'a' }, value: 0 }])
    expect(() =>
      series.time(() => {
        throw new Error('sync')
      }),
    ).toThrow('sync')
    await expect(series.time(() => Promise.reject(new Error('async')))).rejects.toThrow('async')
    const operation = series.begin()
    operation.fail()
    operation.fail()
    operation.end()
    expect(valuesOf(registry, 'load_failures_total')).toEqual([{ labels: { l: 'a' }, value: 3 }])
    expect(valuesOf(registry, 'load_seconds')).toEqual([expect.objectContaining({ count: 5, failures: 3 })])
    registry.reset()
    expect(valuesOf(registry, 'load_seconds')).toEqual([expect.objectContaining({ count: 0, failures: 0 })])
  })

  it('ends at the end of a using block', () => {
    const clock = new ManualClock()
    const registry = createRegistry({ clock })
    const timer = registry.timer({ name: 't', slowThreshold: '2s' })
    {
      using operation = timer.begin('the block')
      clock.advance(3000)
      expect(operation).toBeDefined()
    }
    expect(timer.distribution()).toMatchObject({ count: 1, sum: 3 })
    expect(registry.slowOps.list()).toMatchObject([{ what: 'the block', duration: 3000 }])
  })

  it('leaves a counter alone that has the name of its failures', () => {
    const registry = createRegistry()
    registry.gauge({ name: 't_failures_total' }).set(5)
    const timer = registry.timer({ name: 't_seconds' })
    expect(() =>
      timer.time(() => {
        throw new Error('no')
      }),
    ).toThrow('no')
    expect(valuesOf(registry, 't_failures_total')).toEqual([{ labels: {}, value: 5 }])
    expect(valuesOf(registry, 't_seconds')).toEqual([expect.objectContaining({ failures: 1 })])
  })
})

describe('a gauge that collects', () => {
  it('is set before each look', async () => {
    const registry = createRegistry()
    let looks = 0
    const options = {
      name: 'g',
      collect(this: { set(value: number): void }) {
        looks += 1
        this.set(looks)
      },
    }
    registry.gauge(options)
    registry.gauge(options)
    expect(valuesOf(registry, 'g')).toEqual([{ labels: {}, value: 1 }])
    expect(await registry.metrics()).toContain('g 2\n')
    registry.gauge({ name: 'late', collect: gauge => Promise.resolve().then(() => gauge.set(9)) })
    expect(await registry.metrics()).toContain('late 9\n')
    registry.gauge({ name: 'bad', collect: () => Promise.reject(new Error('no')) })
    expect(await registry.metrics()).toContain('late 9\n')
    expect(registry.lastCollectError).toEqual(new Error('no'))
    expect(() => registry.gauge({ name: 'worse', collect: 1 as never })).toThrow('collect')
  })
})

describe('a summary', () => {
  it('tells quantiles of its window and totals of all', async () => {
    const clock = new ManualClock()
    const registry = createRegistry({ clock })
    const summary = registry.summary({ name: 's', quantiles: [0.5, 1], window: '1m', labelNames: ['l'] })
    summary.observe({ l: 'a' }, 100)
    clock.advance(120_000)
    for (let n = 1; n <= 3; n += 1) summary.with({ l: 'a' }).observe(n)
    const { type, samples } = parseText(await registry.metrics()).get('s') ?? {}
    expect(type).toBe('summary')
    const numbers = samples?.map(({ name, labels, value }) => [name, labels.get('quantile'), value])
    expect(numbers).toEqual([
      ['s', '0.5', expect.closeTo(2, 1)],
      ['s', '1', 3],
      ['s_sum', undefined, 106],
      ['s_count', undefined, 4],
    ])
    expect(registry.snapshot().metrics).toMatchObject([{ name: 's', type: 'summary', series: [{ count: 4, max: 100 }] }])
    expect(() => registry.summary({ name: 'x', quantiles: [2] })).toThrow('quantiles')
  })
})

describe('the limit of series', () => {
  it('names the label that explodes and keeps totals exact', () => {
    const registry = createRegistry({ maxSeries: 100 })
    const counter = registry.counter({ name: 'c', labelNames: ['method', 'user', 'host'] })
    for (let user = 0; user < 20_000; user += 1) counter.inc({ method: user % 3, user, host: user % 50 })
    const [metric] = registry.snapshot().metrics
    expect(metric).toMatchObject({ overflowed: 19_900, exploding: { label: 'user' } })
    expect(metric?.series.reduce((sum, series) => sum + ('value' in series ? series.value : 0), 0)).toBe(20_000)
    const [user, host, method] = counter.cardinality()
    expect([user?.label, host, method]).toEqual(['user', { label: 'host', values: 50 }, { label: 'method', values: 3 }])
    expect(Math.abs((user?.values ?? 0) - 20_000)).toBeLessThan(20_000 * 0.1)
  })

  it('has exact counts of values while it holds', () => {
    const counter = createRegistry().counter({ name: 'c', labelNames: ['a', 'b'] })
    for (let a = 0; a < 7; a += 1) for (let b = 0; b < 3; b += 1) counter.inc({ a, b })
    expect(counter.cardinality()).toEqual([
      { label: 'a', values: 7 },
      { label: 'b', values: 3 },
    ])
  })
})
