import fc from 'fast-check'
import { expect, it } from 'vitest'
import { plantTrap } from '../../../js/core/door.ts'
import { createRegistry } from '../../../js/metrics/registry.ts'
import { parseText } from './prometheus.ts'

type Recording = { kind: 'inc' | 'total' | 'set' | 'observe'; family: number; label: number; value: number }

type Step = Recording | { kind: 'snapshot' } | { kind: 'reset' } | { kind: 'text' }

const LIMIT = 4
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constantFrom('inc' as const, 'total' as const, 'set' as const, 'observe' as const),
      family: fc.nat({ max: 2 }),
      label: fc.nat({ max: 6 }),
      value: fc.integer({ min: 0, max: 1000 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('snapshot' as const, 'text' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reset' as const) }) },
)

/** The naive model: a list of samples for each series, by name and label. */
class Model {
  readonly families = new Map<string, Map<string, number[]>>()

  series(name: string, label: number): number[] {
    const family = this.families.get(name) ?? new Map<string, number[]>()
    this.families.set(name, family)
    const text = family.has(String(label)) || family.size - Number(family.has('overflow')) < LIMIT ? String(label) : 'overflow'
    const samples = family.get(text) ?? []
    family.set(text, samples)
    return samples
  }

  reset(): void {
    for (const family of this.families.values()) for (const samples of family.values()) samples.length = 0
  }
}

it('a registry equals its model', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async steps => {
      const registry = createRegistry({ maxSeries: LIMIT })
      const model = new Model()
      const check = () => {
        for (const metric of registry.snapshot().metrics) {
          const expected = model.families.get(metric.name)
          expect(metric.series.map(({ labels }) => labels.l)).toEqual([...(expected?.keys() ?? [])])
          for (const series of metric.series) {
            const samples = expected?.get(series.labels.l as string) ?? []
            const sum = samples.reduce((a, b) => a + b, 0)
            if ('value' in series) expect(series.value).toBe(metric.type === 'counter' ? sum : (samples.at(-1) ?? 0))
            else {
              const sorted = [...samples].sort((a, b) => a - b)
              expect(series).toMatchObject({ count: samples.length, sum, min: sorted[0] ?? null, max: sorted.at(-1) ?? null })
              const exact = sorted[Math.floor(0.95 * (sorted.length - 1))]
              if (exact !== undefined) expect(Math.abs((series.p95 as number) - exact)).toBeLessThanOrEqual(exact * 0.0100001)
            }
          }
        }
      }
      for (const step of steps) {
        if (step.kind === 'snapshot') check()
        else if (step.kind === 'reset') {
          registry.reset()
          model.reset()
        } else if (step.kind === 'text') {
          const counted = [...parseText(await registry.metrics()).values()].reduce((sum, { samples }) => sum + samples.length, 0)
          const buckets = 14
          const series = [...model.families].reduce((sum, [name, family]) => sum + family.size * (name.startsWith('h') ? buckets : 1), 0)
          expect(counted).toBe(series)
        } else {
          const { kind, family, label, value } = step
          const labels = { l: label }
          if (kind === 'observe') {
            registry
              .histogram({ name: `h${family}`, labelNames: ['l'] })
              .with(labels)
              .observe(value)
            model.series(`h${family}`, label).push(value)
          } else if (kind === 'set') {
            registry
              .gauge({ name: `g${family}`, labelNames: ['l'] })
              .with(labels)
              .set(value)
            model.series(`g${family}`, label).push(value)
          } else {
            const counter = registry.counter({ name: `c${family}`, labelNames: ['l'] }).with(labels)
            const samples = model.series(`c${family}`, label)
            if (kind === 'total') {
              counter.setTotal(value)
              samples.length = 0
            } else counter.inc(value)
            samples.push(value)
          }
        }
      }
      check()
    }),
    { numRuns: 500 },
  )
})

it('counters and gauges are exact over traps at random places', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.option(fc.nat({ max: 5 }), { freq: 5 }), { maxLength: 60 }), async steps => {
      const registry = createRegistry()
      const counter = registry.counter({ name: 'c', labelNames: ['l'] })
      const histogram = registry.histogram({ name: 'h', labelNames: ['l'] })
      const expected = new Map<string, number>()
      let since = 0
      for (const label of steps) {
        if (label === null) {
          registry.snapshot()
          expect(() => plantTrap()).toThrow()
          since = 0
        } else {
          counter.with({ l: label }).inc()
          histogram.with({ l: label }).observe(label)
          since += 1
          expected.set(String(label), (expected.get(String(label)) ?? 0) + 1)
        }
      }
      const [c, h] = registry.snapshot().metrics
      expect(new Map(c?.series.map(series => [series.labels.l, 'value' in series && series.value]))).toEqual(expected)
      expect(h?.series.reduce((sum, series) => sum + ('count' in series ? series.count : 0), 0)).toBe(since)
    }),
    { numRuns: 50 },
  )
})
