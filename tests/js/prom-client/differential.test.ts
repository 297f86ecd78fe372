import fc from 'fast-check'
import * as theirs from 'prom-client'
import { expect, it } from 'vitest'
import * as ours from '../../../js/prom-client.ts'

type Library = typeof ours

const label = fc.constantFrom('a', 'b\\', '"c"', 'd\ne', 'le="1"} 2')
const step = fc.record({
  kind: fc.constantFrom('inc', 'labels', 'set', 'dec', 'observe', 'bound', 'resetGauge', 'remove'),
  method: label,
  status: label,
  value: fc.integer({ min: 0, max: 4000 }).map(quarters => quarters / 4),
})

/** The same program on either library. */
async function play(
  library: Library,
  steps: (typeof step extends fc.Arbitrary<infer S> ? S : never)[],
  withDefaults: boolean,
): Promise<string> {
  const registry = new library.Registry()
  if (withDefaults) registry.setDefaultLabels({ app: 'x"', status: 'never' })
  const registers = [registry]
  const labelNames = ['method', 'status'] as const
  const plain = new library.Counter({ name: 'plain_total', help: 'Plain.\n"x" \\', registers })
  const counter = new library.Counter({ name: 'requests_total', help: 'Requests.', labelNames, registers })
  const gauge = new library.Gauge({ name: 'load', help: 'Load.', labelNames: ['method'], registers })
  const histogram = new library.Histogram({ name: 'took', help: 'Took.', labelNames, buckets: library.linearBuckets(0, 100, 4), registers })
  const bare = new library.Histogram({ name: 'bare', help: 'Bare.', buckets: library.exponentialBuckets(0.5, 2, 3), registers })
  for (const { kind, method, status, value } of steps) {
    if (kind === 'inc') counter.inc({ method, status }, value)
    else if (kind === 'labels') counter.labels(method, status).inc()
    else if (kind === 'set') gauge.set({ method }, value)
    else if (kind === 'dec') gauge.labels({ method }).dec(value)
    else if (kind === 'observe') histogram.observe({ method, status }, value)
    else if (kind === 'bound') histogram.labels(method, status).observe(value)
    else if (kind === 'remove') counter.remove(method, status)
    else gauge.reset()
    plain.inc(value)
    bare.observe(value)
  }
  return registry.metrics()
}

it('the text of counters, gauges and histograms is that of prom-client', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.boolean(), async (steps, withDefaults) => {
      const [own, meant] = await Promise.all([play(ours, steps, withDefaults), play(theirs as unknown as Library, steps, withDefaults)])
      expect(own).toBe(meant)
    }),
    { numRuns: 100 },
  )
})

it('refuses what prom-client refuses, in its words', () => {
  const tries: ((library: Library) => unknown)[] = [
    ({ Counter }) => new Counter({ name: 'a' } as never),
    ({ Counter, Registry }) => {
      const registers = [new Registry()]
      new Counter({ name: 'a', help: 'x', registers })
      return new Counter({ name: 'a', help: 'x', registers })
    },
    ({ Counter }) => new Counter({ name: 'a', help: 'x', registers: [] }).inc(-1),
    ({ Counter }) => new Counter({ name: 'a', help: 'x', labelNames: ['a', 'b'], registers: [] }).labels('1'),
    ({ Histogram }) => new Histogram({ name: 'a', help: 'x', labelNames: ['a'], registers: [] }).observe({ z: 1 } as never, 1),
    ({ Gauge }) => new Gauge({ name: 'a', help: 'x', registers: [] }).set('x' as never),
  ]
  const said = (attempt: (library: Library) => unknown, library: Library) => {
    try {
      return attempt(library)
    } catch (error) {
      return (error as Error).message
    }
  }
  for (const attempt of tries) expect(said(attempt, ours)).toBe(said(attempt, theirs as unknown as Library))
})

it('refuses to be asked for exemplars, which it does not have', () => {
  for (const make of [ours.Counter, ours.Histogram] as (new (
    options: object,
  ) => unknown)[])
    expect(() => new make({ name: 'a', help: 'x', registers: [], enableExemplars: true })).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining('exemplars') }),
    )
})

it('has the rest of the usual program', async () => {
  const registry = new ours.Registry()
  const registers = [registry]
  const gauge = new ours.Gauge({
    name: 'g',
    help: 'G.',
    registers,
    async collect(this: { set(value: number): void }) {
      this.set(7)
    },
  })
  const summary = new ours.Summary({ name: 's', help: 'S.', percentiles: [0.5], labelNames: ['l'], registers })
  summary.observe({ l: 'x' }, 4)
  expect(summary.startTimer({ l: 'x' })()).toBeGreaterThanOrEqual(0)
  expect(await registry.getSingleMetricAsString('g')).toBe('# HELP g G.\n# TYPE g gauge\ng 7')
  expect(await gauge.get()).toEqual(
    await (async () => ({ name: 'g', help: 'G.', type: 'gauge', values: [{ value: 7, labels: {} }], aggregator: 'sum' }))(),
  )
  expect((await registry.getMetricsAsJSON()).map(({ name }) => name)).toEqual(['g', 's'])
  expect(registry.getSingleMetric('s')).toBe(summary)
  registry.resetMetrics()
  expect(await registry.metrics()).toBe('# HELP g G.\n# TYPE g gauge\ng 7\n\n# HELP s S.\n# TYPE s summary\n')
  registry.setContentType(ours.Registry.OPENMETRICS_CONTENT_TYPE)
  expect(await registry.metrics()).toMatch(/\n# EOF\n$/)
  expect(registry.metrics).toBeDefined()
  registry.removeSingleMetric('s')
  registry.clear()
  const defaults = ours.collectDefaultMetrics({ register: registry, prefix: 'my_', labels: { node: '1' } })
  registry.setContentType(ours.contentType)
  expect(await registry.metrics()).toMatch(/^my_process_resident_memory_bytes\{node="1"\} \d+$/m)
  defaults.stop()
  expect(ours.register).toBeInstanceOf(ours.Registry)
})
