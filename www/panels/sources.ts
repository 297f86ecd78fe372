/** Where answers came from: a bar, and a table with the latency of each source. */

import type { Figures } from '../client.ts'
import { duration, percent, whole } from '../format.ts'
import { make, place, showRows } from '../page.ts'

const SOURCES = [
  ['memory', 'Memory'],
  ['indexeddb', 'IndexedDB'],
  ['origin', 'Origin'],
  ['failed', 'Failed'],
] as const

export function showSources(figures: Figures): void {
  const all = Math.max(1, figures.reads)
  for (const [source] of SOURCES) place(`[data-share="${source}"]`).style.width = `${(figures.by[source].reads / all) * 100}%`
  const body = place('[data-rows="sources"]')
  showRows(
    body,
    SOURCES.map(([source, label]) => {
      const { reads, p50, p95, p99 } = figures.by[source]
      return [label, whole(reads), percent(reads / all), duration(p50), duration(p95), duration(p99)]
    }),
  )
  SOURCES.forEach(([source], at) => {
    const row = body.children[at] as HTMLElement
    if (row.dataset.source === undefined) row.firstElementChild?.prepend(make('span', `dot ${source}`))
    row.dataset.source = source
    row.dataset.reads = String(figures.by[source].reads)
  })
}
