/** Series that nobody uses leave, and come back. */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test, vi } from 'vitest'
import { MetricsCore } from '../../../js/core/metrics-core.ts'
import { createRegistry, type Registry, type RegistryOptions } from '../../../js/index.ts'
import { ManualClock, plantTrap } from '../../../js/testing.ts'

const MINUTE = 60_000

function registryWith(options: RegistryOptions = {}) {
  const clock = new ManualClock()
  const registry = createRegistry({ clock, maxIdle: '10m', ...options })
  /** Somebody looks each minute. */
  const pass = (minutes: number) => {
    for (let minute = 0; minute < minutes; minute += 1) {
      clock.advance(MINUTE)
      registry.snapshot()
    }
  }
  return { clock, registry, pass }
}

function labelsIn(registry: Registry, name = 'n_total'): string[] {
  const metric = registry.snapshot().metrics.find(metric => metric.name === name)
  return (metric?.series ?? []).map(({ labels }) => Object.values(labels).join(' ')).sort()
}

async function collected(): Promise<void> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let turn = 0; turn < 3; turn += 1) {
    await new Promise(resolve => setTimeout(resolve, 0))
    collect()
  }
}

describe('maxIdle', () => {
  test('a series that nobody uses leaves snapshot, text, dump and selections, and is counted', async () => {
    const { registry, pass } = registryWith()
    const counter = registry.counter({ name: 'n_total', labelNames: ['who'] })
    const timer = registry.timer({ name: 'took_seconds', labelNames: ['who'] })
    for (const who of ['a', 'b']) {
      counter.inc({ who })
      timer.observe({ who }, 1)
    }
    for (let minute = 0; minute < 12; minute += 1) {
      pass(1)
      counter.inc({ who: 'b' })
      timer.observe({ who: 'b' }, 1)
    }
    expect([labelsIn(registry), labelsIn(registry, 'took_seconds')]).toEqual([['b'], ['b']])
    const text = await registry.metrics()
    expect(text).toContain('n_total{who="b"} 13\n')
    expect(text).not.toContain('"a"')
    expect(registry.dump().metrics.map(({ series }) => series.length)).toEqual([1, 1])
    expect([registry.select('n_total')?.size, registry.select('took_seconds')?.value()]).toEqual([1, 13])
    expect([counter.expired, timer.expired]).toEqual([1, 1])
    expect(registry.snapshot().metrics[0]).toMatchObject({ name: 'n_total', expired: 1 })
  })

  test('whoever holds one brings it back with the number it had, by the handle or by its labels', async () => {
    const { registry, pass } = registryWith()
    const counter = registry.counter({ name: 'n_total', labelNames: ['who'] })
    const histogram = registry.histogram({ name: 'sizes', labelNames: ['who'] })
    const [one, other] = [counter.with({ who: 'one' }), counter.with({ who: 'other' })]
    const sizes = histogram.with({ who: 'one' })
    one.inc(5)
    other.inc(7)
    sizes.observe(3)
    pass(11)
    expect([labelsIn(registry), labelsIn(registry, 'sizes'), await registry.metrics()]).toEqual([[], [], ''])
    one.inc()
    sizes.observe(4)
    expect(counter.with({ who: 'other' })).toBe(other)
    expect(labelsIn(registry)).toEqual(['one', 'other'])
    const text = await registry.metrics()
    for (const line of ['n_total{who="one"} 6', 'n_total{who="other"} 7', 'sizes_sum{who="one"} 7']) expect(text).toContain(`${line}\n`)
    expect(text.match(/# TYPE n_total/g)).toHaveLength(1)
    expect(counter.with({ who: 'one' })).toBe(one)
    pass(11)
    expect([labelsIn(registry), counter.expired]).toEqual([[], 4])
  })

  test('one that nobody holds is forgotten, and its place is for another, which begins at zero', async () => {
    const begun = vi.spyOn(MetricsCore.prototype, 'addSeries')
    const { registry, pass } = registryWith({ maxSeries: 10, windows: true })
    const counter = registry.counter({ name: 'n_total', labelNames: ['who'] })
    const histogram = registry.histogram({ name: 'sizes', labelNames: ['who'], buckets: [1] })
    const size = () => registry.snapshot().metrics.map(({ series }) => series.length)
    for (let generation = 0; generation < 5; generation += 1) {
      for (let n = 0; n < 10; n += 1) {
        counter.inc({ who: `${generation} ${n}` }, 1 + generation)
        histogram.observe({ who: `${generation} ${n}` }, generation)
      }
      expect([size(), counter.overflowed, histogram.overflowed]).toEqual([[10, 10], 0, 0])
      for (const { value } of registry.select('n_total')?.each() ?? []) expect(value).toBe(1 + generation)
      expect(registry.select('sizes')?.distribution()).toMatchObject({ count: 10, max: generation })
      expect(registry.select('sizes')?.distribution({ window: '15m' })).toMatchObject({ count: 10, max: generation })
      pass(11)
      await collected()
    }
    expect([size(), counter.expired, labelsIn(registry)]).toEqual([[0, 0], 50, []])
    // The places of one generation serve them all, or of two where one was not collected yet when the next began.
    expect(begun.mock.calls.length).toBeLessThanOrEqual(40)
    begun.mockRestore()
  })

  test('a gauge is used when it is set, though to what it was; a counter when its total is', () => {
    const { registry, pass } = registryWith()
    const up = registry.gauge({ name: 'n_total', labelNames: ['who'] })
    const total = registry.counter({ name: 'copied_total', labelNames: ['who'] })
    const inflight = up.with({ who: 'inflight' })
    up.set({ who: 'once' }, 1)
    registry.onCollect(() => {
      up.set({ who: 'again' }, 1)
      total.with({ who: 'again' }).setTotal(4)
    })
    for (let minute = 0; minute < 20; minute += 1) {
      inflight.inc()
      inflight.dec()
      pass(1)
    }
    expect([labelsIn(registry), labelsIn(registry, 'copied_total')]).toEqual([['again', 'inflight'], ['again']])
  })

  test('stays: what has no labels, the overflow series, and what says so for itself', () => {
    const { registry, pass } = registryWith({ maxSeries: 1 })
    registry.counter({ name: 'bare_total' }).inc()
    const counter = registry.counter({ name: 'n_total', labelNames: ['who', 'what'] })
    const kept = registry.counter({ name: 'kept_total', labelNames: ['who'], maxIdle: Number.POSITIVE_INFINITY })
    const short = registry.counter({ name: 'short_total', labelNames: ['who'], maxIdle: '1m' })
    for (const who of ['a', 'b']) counter.inc({ who, what: who })
    for (const metric of [kept, short]) metric.inc({ who: 'a' })
    pass(2)
    expect([labelsIn(registry, 'short_total'), labelsIn(registry, 'kept_total')]).toEqual([[], ['a']])
    pass(9)
    expect([labelsIn(registry), labelsIn(registry, 'bare_total'), labelsIn(registry, 'kept_total')]).toEqual([
      ['overflow overflow'],
      [''],
      ['a'],
    ])
    counter.inc({ who: 'c', what: 'c' })
    expect(labelsIn(registry)).toEqual(['c c', 'overflow overflow'])
  })

  test('nothing leaves where nobody asks for it, and a series used between two looks stays, however far they lie apart', () => {
    const { clock, registry } = registryWith()
    const counter = registry.counter({ name: 'n_total', labelNames: ['who'] })
    counter.inc({ who: 'a' })
    registry.snapshot()
    clock.advance(60 * MINUTE)
    counter.inc({ who: 'a' })
    expect(labelsIn(registry)).toEqual(['a'])
    const forever = createRegistry({ clock })
    forever.counter({ name: 'n_total', labelNames: ['who'] }).inc({ who: 'a' })
    forever.snapshot()
    clock.advance(1e9)
    expect(labelsIn(forever)).toEqual(['a'])
    expect(() => createRegistry({ maxIdle: 0 })).toThrow('maxIdle')
    expect(() => registry.counter({ name: 'wrong_total', maxIdle: 'soon' as never })).toThrow('maxIdle')
  })

  test('a trap of the core tells nobody who has left', async () => {
    const { registry, pass } = registryWith()
    const held = registry.counter({ name: 'n_total', labelNames: ['who'] }).with({ who: 'gone' })
    held.inc()
    pass(11)
    expect(await registry.metrics()).toBe('')
    expect(() => plantTrap()).toThrow('trapped')
    expect(await registry.metrics()).toBe('')
    held.inc()
    registry.snapshot()
    expect(await registry.metrics()).toContain('n_total{who="gone"} 2\n')
  })

  test('is what a map of labels and times says, whatever happens', () => {
    let seed = 7
    const random = (most: number) => {
      seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff
      return Math.floor((seed / 0x7fffffff) * most)
    }
    for (let story = 0; story < 40; story += 1) {
      const { clock, registry } = registryWith({ maxIdle: 5 * MINUTE })
      const counter = registry.counter({ name: 'n_total', labelNames: ['who'] })
      const held = new Map<string, { inc(): void }>()
      const model = new Map<string, { value: number; used: number }>()
      let looked = 0
      for (let step = 0; step < 200; step += 1) {
        const who = `${random(6)}`
        const now = clock.monotonic()
        if (random(3) > 0) {
          const series = held.get(who) ?? counter.with({ who })
          held.set(who, series)
          series.inc()
          const known = model.get(who) ?? { value: 0, used: now }
          model.set(who, { value: known.value + 1, used: Number.NaN })
        } else {
          clock.advance(random(4) * MINUTE)
          looked = clock.monotonic()
          for (const one of model.values()) if (Number.isNaN(one.used)) one.used = looked
          const expected = [...model].filter(([, { used }]) => looked - used < 5 * MINUTE).map(([name, { value }]) => `${name} ${value}`)
          const metric = registry.snapshot().metrics[0]
          const told = (metric?.series ?? []) as { labels: Record<string, string>; value: number }[]
          expect(told.map(({ labels, value }) => `${labels.who} ${value}`).sort()).toEqual(expected.sort())
        }
      }
    }
  })
})
