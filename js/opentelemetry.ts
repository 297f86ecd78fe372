/**
 * A registry's numbers for a reader of OpenTelemetry's SDK, which exports them with its own: `shelflife/opentelemetry` imports nothing of it.
 */

export {
  type MetricData,
  type MetricPoint,
  type MetricProducer,
  type MetricProducerOptions,
  metricProducer,
  type ProducedMetrics,
} from './metrics/producer.ts'
