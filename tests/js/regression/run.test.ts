import { describe, expect, it } from 'vitest'
import { createRegistry } from '../../../js/metrics/registry.ts'
import { compareRuns } from '../../../js/regression/compare.ts'
import { Random } from '../../../js/regression/random.ts'
import { createRun, readRun } from '../../../js/regression/run.ts'
import type { RunOptions } from '../../../js/regression/types.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'
import { shapes } from './samples.ts'

const clock = new ManualClock()

describe('a run', () => {
  it('is read back as it was stored', () => {
    const run = createRun({
      clock,
      environment: { node: 'v20', cpus: 2 },
      metrics: { a: [1, 2.000000001, 3], b: { samples: [[1, 2], [3]], unit: 'ns', better: 'higher' }, c: { counts: [[-1, 2]] } },
    })
    expect(run).toEqual({
      format: 'shelflife-run',
      version: 1,
      time: '2026-01-01T00:00:00.000Z',
      environment: { node: 'v20', cpus: '2' },
      metrics: {
        a: { samples: [1, 2, 3], unit: '', better: 'lower' },
        b: { samples: [[1, 2], [3]], unit: 'ns', better: 'higher' },
        c: { counts: [[-1, 2]], unit: '', better: 'lower' },
      },
    })
    expect(readRun(JSON.parse(JSON.stringify(run)))).toEqual(run)
  })

  it('counts samples by size where there are many, and loses none of them', () => {
    const samples = Array.from({ length: 1000 }, (_, at) => (at - 300) ** 3 / 1000)
    const { counts = [], samples: kept } = createRun({ clock, metrics: { a: samples } }).metrics.a ?? {}
    expect(kept).toBeUndefined()
    expect(counts.reduce((sum, [, times]) => sum + times, 0)).toBe(1000)
    expect(counts.find(([value]) => value === 0)).toEqual([0, 1])
    const expanded = counts.flatMap(([value, times]) => Array.from({ length: times }, () => value))
    const sorted = samples.toSorted((a, b) => a - b)
    for (const [at, value] of expanded.entries())
      expect(Math.abs(value - (sorted[at] as number))).toBeLessThanOrEqual(Math.abs(value) * 0.0026)
    expect(readRun({ a: { counts } }).metrics.a?.counts).toEqual(counts)
  })

  it('is made of what a registry recorded', () => {
    const registry = createRegistry({ clock })
    const timer = registry.timer({ name: 'load_seconds', labelNames: ['kind'] })
    registry.counter({ name: 'loads_total' }).inc()
    registry.histogram({ name: 'unused_bytes' })
    const record = (factor: number) => {
      const random = new Random(1)
      for (const sample of shapes.lognormal(random, 5000)) timer.with({ kind: sample > 100 ? 'a' : 'b' }).observe(sample * factor)
    }
    record(1)
    const base = createRun({ clock, registry, metrics: { own: [1, 2, 3, 4, 5] } })
    expect(Object.keys(base.metrics)).toEqual(['load_seconds', 'own'])
    const { unit, counts = [] } = base.metrics.load_seconds ?? {}
    expect([unit, counts.reduce((sum, [, times]) => sum + times, 0)]).toEqual(['s', 5000])
    expect(JSON.stringify(base).length).toBeLessThan(5000)
    const window = () => createRun({ clock, registry, window: '5m' })
    expect(window().metrics).toEqual({})
    record(1.2)
    const [found] = compareRuns(base, window()).metrics
    expect(found).toMatchObject({ verdict: 'regressed', samples: { base: 5000, now: 5000 } })
    expect(found?.change).toBeCloseTo(0.2, 2)
    expect(() => createRun({ registry: {} as never })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })

  it('may have a metric of any name', () => {
    const { metrics } = readRun(JSON.parse('{ "__proto__": [1], "constructor": [2], "version": [3] }'))
    expect(Object.keys(metrics)).toEqual(['__proto__', 'constructor', 'version'])
  })

  it.each([
    ['no object', [1, 2]],
    ['nothing', null],
    ['a later version', { format: 'shelflife-run', version: 2, metrics: {} }],
    ['no metrics', { format: 'shelflife-run', version: 1 }],
    ['a time that is none', { format: 'shelflife-run', version: 1, time: 'soon', metrics: {} }],
    ['an environment with objects', { format: 'shelflife-run', version: 1, environment: { a: {} }, metrics: {} }],
    ['samples that are no numbers', { a: [1, null] }],
    ['samples of samples of samples', { a: [[[1]]] }],
    ['samples mixed with arrays', { a: [1, [2]] }],
    ['a number for samples', { a: 5 }],
    ['neither samples nor counts', { a: { unit: 'ms' } }],
    ['both', { a: { samples: [1], counts: [[1, 1]] } }],
    [
      'counts that fall',
      {
        a: {
          counts: [
            [2, 1],
            [1, 1],
          ],
        },
      },
    ],
    ['counts of nothing', { a: { counts: [[2, 0]] } }],
    ['counts that are none', { a: { counts: [[1]] } }],
    ['a unit that is none', { a: { samples: [1], unit: 5 } }],
    ['a direction that is none', { a: { samples: [1], better: 'faster' } }],
  ])('is refused with %s', (_, value) => {
    expect(() => readRun(value, 'base')).toThrow(expect.objectContaining({ code: 'ERR_PARSE', message: expect.stringMatching(/^base/) }))
  })

  it('is not made of what is no number', () => {
    expect(() => createRun({ metrics: { a: [Number.NaN] } })).toThrow(expect.objectContaining({ code: 'ERR_PARSE' }))
    expect(() => createRun({} as RunOptions)).toThrow(expect.objectContaining({ code: 'ERR_PARSE' }))
    expect(() => createRun(5 as unknown as RunOptions)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })
})
