/** The single figures. */

import type { Figures } from '../client.ts'
import { bytes, percent, whole } from '../format.ts'
import { showFigure } from '../page.ts'

export function showTiles(figures: Figures): void {
  const { reads, sent, by, memory, tier } = figures
  const hits = by.memory.reads + by.indexeddb.reads
  const hitRate = reads === 0 ? 0 : hits / reads
  showFigure('hit-rate', hitRate, reads === 0 ? '–' : percent(hitRate))
  showFigure('reads', reads, whole(reads))
  showFigure('saved', Math.max(0, reads - sent), whole(Math.max(0, reads - sent)))
  showFigure('sent', sent, whole(sent))
  showFigure('in-flight', figures.inFlight, whole(figures.inFlight))
  showFigure('queued', figures.queued, whole(figures.queued))
  showFigure('memory-entries', memory.entries, whole(memory.entries))
  showFigure('memory-bytes', memory.bytes, bytes(memory.bytes))
  showFigure('memory-max', memory.max, whole(memory.max))
  showFigure('tier-entries', tier.entries, whole(tier.entries))
  showFigure('tier-bytes', tier.bytes, bytes(tier.bytes))
  showFigure('failed', by.failed.reads, whole(by.failed.reads))
  showFigure('retries', figures.retries, whole(figures.retries))
}
