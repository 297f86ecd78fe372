import { expect, it } from 'vitest'
import { otlpMetrics } from '../../../js/metrics/otlp.ts'
import { createRegistry } from '../../../js/metrics/registry.ts'

it('a dump as a request of the OpenTelemetry protocol', () => {
  const registry = createRegistry()
  registry.counter({ name: 'requests_total', help: 'All.', labelNames: ['l'] }).inc({ l: 'x' }, 2)
  registry.counter({ name: 'unused_total', labelNames: ['l'] })
  registry.gauge({ name: 'load' }).set(Number.POSITIVE_INFINITY)
  const timer = registry.timer({ name: 'took_seconds', buckets: [1, 2] })
  for (const seconds of [0.5, 1, 3]) timer.observe(seconds)
  registry.summary({ name: 's_bytes' }).observe(4)
  const request = otlpMetrics(registry.dump(), { resource: { 'service.name': 'shop' }, startTime: 1000.5, time: 2000 })
  const times = { startTimeUnixNano: '1000500000', timeUnixNano: '2000000000' }
  const point = { attributes: [], ...times }
  expect(JSON.parse(JSON.stringify(request))).toEqual({
    resourceMetrics: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] },
        scopeMetrics: [
          {
            scope: { name: 'shelflife' },
            metrics: [
              {
                name: 'requests_total',
                description: 'All.',
                unit: '',
                sum: {
                  aggregationTemporality: 2,
                  isMonotonic: true,
                  dataPoints: [{ ...times, attributes: [{ key: 'l', value: { stringValue: 'x' } }], asDouble: 2 }],
                },
              },
              { name: 'load', description: '', unit: '', gauge: { dataPoints: [{ ...point, asDouble: 'Infinity' }] } },
              {
                name: 'took_seconds',
                description: '',
                unit: 's',
                histogram: {
                  aggregationTemporality: 2,
                  dataPoints: [{ ...point, count: '3', sum: 4.5, min: 0.5, max: 3, explicitBounds: [1, 2], bucketCounts: ['2', '0', '1'] }],
                },
              },
              {
                name: 's_bytes',
                description: '',
                unit: 'By',
                summary: { dataPoints: [{ ...point, count: '1', sum: 4, quantileValues: [] }] },
              },
            ],
          },
        ],
      },
    ],
  })
  expect(() => otlpMetrics({} as never)).toThrow('dump')
  expect(() => otlpMetrics(registry.dump(), { time: Number.NaN })).toThrow('time')
})
