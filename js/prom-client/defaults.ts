/** prom-client's `collectDefaultMetrics`. */

import { collectDefaultMetrics as collect, type DefaultMetrics } from '../metrics/defaults/collect.ts'
import { createRegistry } from '../metrics/registry.ts'
import { type Registry, register } from './registry.ts'

/** Options of {@link collectDefaultMetrics}. */
export interface DefaultMetricsConfiguration {
  register?: Registry
  prefix?: string
  labels?: Readonly<Record<string, string>>
  /** Milliseconds between two looks at the event loop. Default: 10. */
  eventLoopMonitoringPrecision?: number
}

/** Tells what the process or page does by itself in the text of a registry, behind its metrics. */
export function collectDefaultMetrics(configuration: DefaultMetricsConfiguration = {}): DefaultMetrics {
  const { register: into = register, prefix = '', labels = {}, eventLoopMonitoringPrecision: eventLoopResolution = 10 } = configuration
  const registry = createRegistry({ prefix, defaultLabels: labels })
  into.include(registry)
  return collect(registry, { eventLoopResolution })
}
