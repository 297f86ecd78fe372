/** Where answers came from: a bar, and a table with the latency of each source. */

import type { Figures } from '../client.ts'
import { place, showFigure } from '../dashboard/dom.ts'
import { duration, percent, whole } from '../dashboard/format.ts'
import { Table } from '../dashboard/table.ts'

const SOURCES = [
  ['memory', 'Memory'],
  ['indexeddb', 'IndexedDB'],
  ['origin', 'Origin'],
  ['failed', 'Failed'],
] as const

/** Makes the panel; the returned function shows new figures. */
export function sourcesPanel(): (figures: Figures) => void {
  const numbers = ['Reads', 'Share', 'p50', 'p95', 'p99'].map(label => ({ label, kind: 'number' as const }))
  const table = new Table('Where answers came from', [{ label: 'Source' }, ...numbers])
  place('[data-place="sources"]').append(table.element)
  return figures => {
    const { reads, sent, retries, by } = figures
    const all = Math.max(1, reads)
    for (const [source] of SOURCES) place(`[data-share="${source}"]`).style.width = `${(by[source].reads / all) * 100}%`
    table.show(
      SOURCES.map(([source, label]) => {
        const { reads: count, p50, p95, p99 } = by[source]
        return [label, whole(count), percent(count / all), duration(p50), duration(p95), duration(p99)]
      }),
    )
    for (const [at, [source]] of SOURCES.entries()) {
      const row = table.rows[at]
      if (row === undefined) continue
      row.dataset.source = source
      row.dataset.reads = String(by[source].reads)
    }
    showFigure('reads', reads, whole(reads))
    showFigure('sent', sent, whole(sent))
    showFigure('saved', Math.max(0, reads - sent), whole(Math.max(0, reads - sent)))
    showFigure('failed', by.failed.reads, whole(by.failed.reads))
    showFigure('retries', retries, whole(retries))
  }
}
