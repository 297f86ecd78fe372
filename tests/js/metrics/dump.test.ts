import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createRegistry } from '../../../js/metrics/registry.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'

const one = fc.record({
  where: fc.nat({ max: 2 }),
  kind: fc.constantFrom('c' as const, 'h' as const, 't' as const, 's' as const),
  label: fc.nat({ max: 3 }),
  value: fc.double({ min: 0, max: 100, noNaN: true }),
})

function made(clock: ManualClock) {
  const registry = createRegistry({ clock, prefix: 'app_', windows: true })
  const labelNames = ['l'] as const
  const instruments = {
    c: registry.counter({ name: 'c', labelNames }),
    h: registry.histogram({ name: 'h', labelNames, buckets: [1, 10] }),
    t: registry.timer({ name: 't', labelNames }),
    s: registry.summary({ name: 's', labelNames }),
  }
  const record = ({ kind, label, value }: { kind: keyof typeof instruments; label: number; value: number }) => {
    const l = { l: label }
    if (kind === 'c') instruments.c.inc(l, value)
    else if (kind === 't') instruments.t.observe(l, value)
    else instruments[kind].observe(l, value)
  }
  return { registry, record }
}

/** By label, since the order in which series began may differ, and without the latest sample, of which a union has several. */
function told(registry: ReturnType<typeof createRegistry>) {
  return registry.snapshot({ windows: ['1m'] }).metrics.map(({ name, series }) => ({
    name,
    series: [...series]
      .sort((a, b) => (a.labels.l as string).localeCompare(b.labels.l as string))
      .map(one => JSON.parse(JSON.stringify(one, (key, value) => (key === 'latest' ? undefined : round(value))))),
  }))
}

const round = (value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(9)) : value)

it('registries merged are the registry of all', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(one, { maxLength: 80 }), fc.boolean(), async (samples, viaJson) => {
      const clock = new ManualClock()
      const parts = [made(clock), made(clock), made(clock)]
      const whole = made(clock)
      const sum = createRegistry({ clock, windows: true })
      samples.forEach((sample, at) => {
        parts[sample.where]?.record(sample)
        whole.record(sample)
        if (at % 20 === 10) for (const { registry } of parts) sum.merge(registry.dump({ reset: true }))
      })
      for (const { registry } of parts) {
        const dump = registry.dump()
        sum.merge(viaJson ? JSON.parse(JSON.stringify(dump)) : structuredClone(dump))
      }
      expect(told(sum)).toEqual(told(whole.registry))
      const lines = async (registry: ReturnType<typeof createRegistry>) =>
        (await registry.metrics())
          .split('\n')
          .filter(line => /_bucket|_count/.test(line))
          .sort()
      expect(await lines(sum)).toEqual(await lines(whole.registry))
    }),
    { numRuns: 60 },
  )
})

it('gauges add up, or the highest or the last stays', () => {
  for (const [gauges, expected] of [
    [undefined, [-6, Number.NaN]],
    ['sum', [-6, Number.NaN]],
    ['max', [-1, Number.NaN]],
    ['last', [-3, Number.NEGATIVE_INFINITY]],
  ] as const) {
    const sum = createRegistry()
    for (const value of [-2, -1, -3]) {
      const part = createRegistry()
      part.gauge({ name: 'g' }).set(value)
      part.gauge({ name: 'n', labelNames: ['l'] }).set({ l: 'x' }, value === -3 ? Number.NEGATIVE_INFINITY : Number.NaN)
      sum.merge(JSON.parse(JSON.stringify(part.dump())), gauges && { gauges })
    }
    expect(sum.snapshot().metrics.flatMap(({ series }) => series.map(one => 'value' in one && one.value))).toEqual(expected)
  }
})

it('what is no dump, or does not fit, is refused', () => {
  const part = createRegistry()
  part.counter({ name: 'a' }).inc()
  part.histogram({ name: 'h' }).observe(1)
  const dump = part.dump()
  for (const bad of [
    undefined,
    null,
    {},
    { version: 2, metrics: [] },
    { version: 1, metrics: [null] },
    { version: 1, metrics: [{ kind: 'x' }] },
  ]) {
    expect(() => createRegistry().merge(bad as never)).toThrow('dump')
  }
  const other = createRegistry()
  other.histogram({ name: 'h', buckets: [1] })
  expect(() => other.merge(dump)).toThrow('name')
  expect(other.get('a')).toMatchObject({ name: 'a' })
  expect(other.snapshot().metrics.find(({ name }) => name === 'a')?.series).toEqual([{ labels: {}, value: 0 }])
  const cut = structuredClone(dump)
  cut.metrics[1]?.series[0]?.numbers.pop()
  expect(() => createRegistry().merge(cut)).toThrow('numbers of h')
  expect(() => createRegistry().merge(dump, { gauges: 'mean' as never })).toThrow('gauges')
})
