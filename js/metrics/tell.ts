/** A registry's numbers as plain data. */

import { InvalidArgumentError } from '../errors.ts'
import { type Duration, durationMs } from '../options.ts'
import type { Catalogue, Registered } from './catalogue.ts'
import type { CounterSeries, GaugeSeries } from './series.ts'
import { distributionAt, type HistogramSeriesSnapshot, type MetricSnapshot, windowedAt } from './snapshot.ts'
import { TimerSeries } from './timer-series.ts'

/** The snapshot of every metric, with windows of these lengths. */
export function tell(catalogue: Catalogue, windows: readonly Duration[]): MetricSnapshot[] {
  const { core } = catalogue
  const all = core.summaries()
  const windowed = windows.map(name => ({ name, summaries: core.summaries(durationMs(name, 'windows')) }))
  const sampled = ({ labels, slot, series }: Registered['series'][number]): HistogramSeriesSnapshot => ({
    labels: { ...labels },
    ...distributionAt(all, slot),
    ...(series instanceof TimerSeries && { failures: series.failures }),
    ...(windowed.length > 0 && {
      windows: Object.fromEntries(windowed.map(({ name, summaries }) => [name, windowedAt(summaries, slot)])),
    }),
  })
  return catalogue.all().map(({ family, instrument, series }): MetricSnapshot => {
    const { name, help, overflowed, expired } = instrument
    const exploding = overflowed > 0 ? instrument.cardinality()[0] : undefined
    const head = { name, help, overflowed, ...(expired > 0 && { expired }), ...(exploding !== undefined && { exploding }) }
    const { kind } = family
    if (kind === 'histogram' || kind === 'summary') return { ...head, type: kind, series: series.map(sampled) }
    return {
      ...head,
      type: kind,
      series: series.map(({ labels, series }) => ({ labels: { ...labels }, value: (series as CounterSeries | GaugeSeries).value })),
    }
  })
}

/** The option `windows` of a snapshot. */
export function windowNames(windows: readonly Duration[] = []): readonly Duration[] {
  if (!Array.isArray(windows)) throw new InvalidArgumentError('windows', "an array of durations such as ['1m', '15m']", windows)
  for (const window of windows) durationMs(window, 'windows')
  return windows
}
