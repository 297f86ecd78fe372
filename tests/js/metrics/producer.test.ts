/** Our registry beside the meters of OpenTelemetry's own SDK. */

import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { createRegistry } from '../../../js/index.ts'
import { type MetricProducer, metricProducer } from '../../../js/opentelemetry.ts'
import { ManualClock, plantTrap } from '../../../js/testing.ts'

/** As far as it is used here. */
interface Sdk {
  MeterProvider: new (options: {
    readers: unknown[]
  }) => { getMeter(name: string): { createCounter(name: string): { add(n: number): void } } }
  PeriodicExportingMetricReader: new (options: { exporter: unknown; metricProducers: MetricProducer[] }) => Reader
  InMemoryMetricExporter: new (temporality: number) => { getMetrics(): Collected[] }
  AggregationTemporality: Record<'CUMULATIVE', number>
  DataPointType: Record<'HISTOGRAM' | 'GAUGE' | 'SUM', number>
}
interface Reader {
  collect(): Promise<{ resourceMetrics: Collected; errors: unknown[] }>
  forceFlush(): Promise<void>
  shutdown(): Promise<void>
}
interface Collected {
  resource: { attributes: Record<string, unknown> }
  scopeMetrics: {
    scope: { name: string }
    metrics: { descriptor: { name: string }; dataPointType: number; dataPoints: { value: unknown }[] }[]
  }[]
}

const sdk: Sdk = createRequire(import.meta.url)('@opentelemetry/sdk-metrics')
const { AggregationTemporality, DataPointType } = sdk

function numbers() {
  const clock = new ManualClock()
  const registry = createRegistry({ clock })
  registry.counter({ name: 'requests_total', help: 'All.', labelNames: ['l'] }).inc({ l: 'x' }, 2)
  registry.counter({ name: 'unused_total', labelNames: ['l'] })
  registry.gauge({ name: 'load' }).set(Number.POSITIVE_INFINITY)
  const timer = registry.timer({ name: 'took_seconds', labelNames: ['l'], buckets: [1, 2] })
  for (const seconds of [0.5, 1, 3]) timer.observe({ l: 'x' }, seconds)
  timer.with({ l: 'empty' })
  registry.summary({ name: 's_bytes' }).observe(4)
  return { clock, registry }
}

test('what a reader of the SDK collects and exports', async () => {
  const { clock, registry } = numbers()
  const exporter = new sdk.InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const producer = metricProducer(registry, { clock, startTime: 1_000_500 })
  const reader = new sdk.PeriodicExportingMetricReader({ exporter, metricProducers: [producer] })
  const provider = new sdk.MeterProvider({ readers: [reader] })
  provider.getMeter('theirs').createCounter('their.count').add(3)
  const { resourceMetrics, errors } = await reader.collect()
  expect(errors).toEqual([])
  expect(Object.keys(resourceMetrics.resource.attributes)).toContain('service.name')
  const [theirs, ours] = resourceMetrics.scopeMetrics
  expect([theirs?.scope.name, theirs?.metrics[0]?.dataPoints[0]?.value, ours?.scope]).toEqual(['theirs', 3, { name: 'shelflife' }])
  const now = clock.wall()
  const times = { startTime: [1000, 500_000_000], endTime: [Math.floor(now / 1000), (now % 1000) * 1e6] }
  const common = (name: string, description = '', unit = '') => ({
    descriptor: { name, description, unit, valueType: 1 },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  })
  expect(ours?.metrics).toEqual([
    {
      ...common('requests_total', 'All.'),
      dataPointType: DataPointType.SUM,
      isMonotonic: true,
      dataPoints: [{ ...times, attributes: { l: 'x' }, value: 2 }],
    },
    { ...common('load'), dataPointType: DataPointType.GAUGE, dataPoints: [{ ...times, attributes: {}, value: Number.POSITIVE_INFINITY }] },
    {
      ...common('took_seconds', '', 's'),
      dataPointType: DataPointType.HISTOGRAM,
      dataPoints: [
        {
          ...times,
          attributes: { l: 'x' },
          value: { buckets: { boundaries: [1, 2], counts: [2, 0, 1] }, count: 3, sum: 4.5, min: 0.5, max: 3 },
        },
        { ...times, attributes: { l: 'empty' }, value: { buckets: { boundaries: [1, 2], counts: [0, 0, 0] }, count: 0, sum: 0 } },
      ],
    },
    {
      ...common('s_bytes', '', 'By'),
      dataPointType: DataPointType.HISTOGRAM,
      dataPoints: [{ ...times, attributes: {}, value: { buckets: { boundaries: [], counts: [1] }, count: 1, sum: 4, min: 4, max: 4 } }],
    },
  ])
  await reader.forceFlush()
  expect(exporter.getMetrics()[0]?.scopeMetrics.map(({ scope }) => scope.name)).toEqual(['theirs', 'shelflife'])
  await reader.shutdown()
})

test('a trap of the core costs what it always costs, and what fails is told the reader', async () => {
  const { registry } = numbers()
  const producer = metricProducer(registry)
  expect(() => plantTrap()).toThrow('trapped')
  const { resourceMetrics, errors } = await producer.collect()
  expect([errors, resourceMetrics.scopeMetrics[0]?.metrics[0]?.dataPoints[0]?.value]).toEqual([[], 2])
  registry.dump = () => {
    throw new Error('no core')
  }
  expect(await producer.collect()).toMatchObject({ resourceMetrics: { scopeMetrics: [] }, errors: [{ message: 'no core' }] })
})

test('wrong options', () => {
  const registry = createRegistry()
  expect(() => metricProducer({} as never)).toThrow('registry')
  expect(() => metricProducer(registry, { startTime: Number.NaN })).toThrow('startTime')
  expect(() => metricProducer(registry, { clock: {} as never })).toThrow('clock')
})
