/** What a registry recorded, as metrics of a run. */

import type { Registry } from '../metrics/registry.ts'
import type { Duration } from '../options.ts'
import type { RunMetric } from './types.ts'

/** Into how many a distribution is cut. A tail beyond the last of them is not seen. */
const PIECES = 200
/** The middle of each. */
const quantiles = () => Array.from({ length: PIECES }, (_, at) => (at + 0.5) / PIECES)

/** The distributions of everything that has samples, by name. */
export function metricsOfRegistry(registry: Registry, window: Duration | 'all'): Record<string, RunMetric> {
  const sampled = registry.snapshot().metrics.filter(({ type }) => type === 'histogram' || type === 'summary')
  const measured = sampled.flatMap(({ name }): [string, RunMetric][] => {
    const selection = registry.select(name)
    const count = selection?.distribution({ window })?.count ?? 0
    if (selection === undefined || count === 0) return []
    return [[name, { unit: unitOf(name), counts: spread(selection.quantiles(quantiles(), { window }), count) }]]
  })
  return Object.fromEntries(measured)
}

/** `count` samples, as evenly as can be over values that do not fall; equal ones are one. */
function spread(values: readonly (number | null)[], count: number): [number, number][] {
  const counts = new Map<number, number>()
  for (const [at, value] of values.entries()) {
    const times = Math.floor(((at + 1) * count) / PIECES) - Math.floor((at * count) / PIECES)
    if (value !== null && times > 0) counts.set(value, (counts.get(value) ?? 0) + times)
  }
  return [...counts]
}

function unitOf(name: string): string {
  return name.endsWith('_seconds') ? 's' : name.endsWith('_bytes') ? 'bytes' : ''
}
