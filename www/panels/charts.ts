/** The four pictures of the last minutes. */

import { duration, percent, whole } from '../format.ts'
import type { Sample } from '../history.ts'
import { place } from '../page.ts'
import { Chart, type ChartOptions } from './chart.ts'

const CHARTS: Record<string, ChartOptions> = {
  reads: {
    title: 'Reads per second, by source',
    format: whole,
    lines: [
      { label: 'memory', colour: 'memory', value: sample => sample.memory, fill: true },
      { label: 'IndexedDB', colour: 'tier', value: sample => sample.indexeddb, fill: true },
      { label: 'origin', colour: 'origin', value: sample => sample.origin },
    ],
  },
  latency: {
    title: 'Latency of a read, last 5 s',
    format: duration,
    log: true,
    lines: [
      { label: 'p50', colour: 'memory', value: sample => sample.p50 },
      { label: 'p95', colour: 'tier', value: sample => sample.p95, dash: [6, 4] },
      { label: 'p99', colour: 'origin', value: sample => sample.p99, dash: [2, 3] },
    ],
  },
  hits: {
    title: 'Hit rate',
    format: percent,
    range: [0, 1.02],
    lines: [{ label: 'answered without the origin', colour: 'memory', value: sample => sample.hitRate, fill: true }],
  },
  load: {
    title: 'Under way, and failing',
    format: whole,
    lines: [
      { label: 'in flight', colour: 'tier', value: sample => sample.inFlight },
      { label: 'waiting', colour: 'soft', value: sample => sample.queued, dash: [6, 4] },
      { label: 'failed per second', colour: 'failed', value: sample => sample.failed, fill: true },
    ],
  },
}

/** Draws the charts; the returned function shows new samples. */
export function chartsPanel(): (samples: readonly Sample[]) => void {
  const charts = Object.entries(CHARTS).map(([name, options]) => new Chart(place(`[data-chart="${name}"]`), options))
  return samples => {
    for (const chart of charts) chart.show(samples)
  }
}
