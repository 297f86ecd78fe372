// What a sample costs whoever records it: counters and histograms resolved once and looked up by labels, and timers.

import { metrics as otel } from '@opentelemetry/api'
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import * as hdr from 'hdr-histogram-js'
import prom from 'prom-client'
import { createRegistry } from 'shelflife'

const OPERATIONS = 200_000
const labelNames = ['method', 'status']
const METHODS = ['GET', 'PUT', 'POST', 'DELETE']
const STATUSES = ['200', '201', '404', '500']

const registry = createRegistry()
const reader = new PeriodicExportingMetricReader({
  exporter: new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE),
  exportIntervalMillis: 2 ** 31 - 1,
})
otel.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))
const meter = otel.getMeter('bench')

const samples = Array.from({ length: 4096 }, (_, at) => 0.001 * Math.exp(((at * 2_654_435_761) % 4096) / 600))
const scaled = samples.map(value => Math.round(value * 1000) + 1)
const promRegistry = new prom.Registry()
const promOptions = { help: 'x', registers: [promRegistry] }

const counter = registry.counter({ name: 'requests_total', labelNames })
const promCounter = new prom.Counter({ name: 'requests_total', labelNames, ...promOptions })
const otelCounter = meter.createCounter('requests')
const histogram = registry.histogram({ name: 'took_seconds', labelNames })
const windowed = registry.histogram({ name: 'windowed_seconds', labelNames, windows: true })
const promHistogram = new prom.Histogram({ name: 'took_seconds', labelNames, ...promOptions })
const otelHistogram = meter.createHistogram('took')
const hdrHistogram = hdr.build({ highestTrackableValue: 10_000_000, numberOfSignificantValueDigits: 2 })
const timer = registry.timer({ name: 'load_seconds', slowThreshold: Number.POSITIVE_INFINITY })
const promTimer = new prom.Histogram({ name: 'load_seconds', ...promOptions })

/** Every loop is a function of its own, so that each contestant's calls are optimised for it alone. */
const loop = body =>
  new Function(
    'use',
    'samples',
    'METHODS',
    'STATUSES',
    `return () => { for (let i = 0; i < ${OPERATIONS}; i += 1) { ${body} } return ${OPERATIONS} }`,
  )
const contestants = rows =>
  Object.entries(rows).map(([name, [use, body, values = samples]]) => ({ name, run: loop(body)(use, values, METHODS, STATUSES) }))
const labels = '{ method: METHODS[i & 3], status: STATUSES[(i >> 2) & 3] }'
const fixed = { method: 'GET', status: '200' }
const value = 'samples[i & 4095]'

export const workloads = [
  {
    title: 'counter of one set of labels, resolved before, ns',
    base: 'prom-client counter.labels()',
    contestants: contestants({
      'shelflife counter.with()': [counter.with(fixed), 'use.inc()'],
      'prom-client counter.labels()': [promCounter.labels(fixed), 'use.inc()'],
      'OpenTelemetry counter.add(1, {…})': [{ counter: otelCounter, fixed }, 'use.counter.add(1, use.fixed)'],
    }),
  },
  {
    title: 'counter with two labels looked up, ns',
    base: 'prom-client counter.inc({…})',
    contestants: contestants({
      'shelflife counter.inc({…})': [counter, `use.inc(${labels})`],
      'shelflife counter.with({…}).inc()': [counter, `use.with(${labels}).inc()`],
      'prom-client counter.inc({…})': [promCounter, `use.inc(${labels})`],
      'prom-client counter.labels({…}).inc()': [promCounter, `use.labels(${labels}).inc()`],
      'OpenTelemetry counter.add(1, {…})': [otelCounter, `use.add(1, ${labels})`],
    }),
  },
  {
    title: 'histogram sample, resolved before where that can be, ns',
    base: 'prom-client histogram.observe({…}, v)',
    contestants: contestants({
      'shelflife series.observe(v)': [histogram.with(fixed), `use.observe(${value})`],
      'the same, kept for windows': [windowed.with(fixed), `use.observe(${value})`],
      'prom-client histogram.observe({…}, v)': [{ histogram: promHistogram, fixed }, `use.histogram.observe(use.fixed, ${value})`],
      'prom-client histogram.labels().observe(v)': [promHistogram.labels(fixed), `use.observe(${value})`],
      'hdr-histogram-js recordValue(v)': [hdrHistogram, `use.recordValue(${value})`, scaled],
      'OpenTelemetry histogram.record(v, {…})': [{ histogram: otelHistogram, fixed }, `use.histogram.record(${value}, use.fixed)`],
    }),
  },
  {
    title: 'timer, start and end, ns',
    base: 'prom-client startTimer()()',
    contestants: contestants({
      'shelflife timer.start()()': [timer.with({}), 'use.start()()'],
      'shelflife using timer.begin()': [timer.with({}), 'use.begin()[Symbol.dispose]()'],
      'prom-client startTimer()()': [promTimer, 'use.startTimer()()'],
      'performance.now() twice, nothing else': [performance, 'use.now(); use.now()'],
    }),
  },
].map(workload => ({ operations: OPERATIONS, ...workload }))
