/** Why reads missed the memory, and what hit rate to expect of other sizes. */

import type { Figures } from '../client.ts'
import { percent, whole } from '../format.ts'
import { place, showRows } from '../page.ts'

const REASONS: Record<keyof Figures['memory']['misses'], string> = {
  cold: 'Never there, or long ago',
  evicted: 'Its place was needed',
  expired: 'Its time was over',
  invalidated: 'Given up by tag, pattern or source',
  deleted: 'Deleted',
}

export function showMemory({ memory, curve }: Figures): void {
  const misses = Object.entries(memory.misses) as [keyof typeof REASONS, number][]
  const all = misses.reduce((sum, [, count]) => sum + count, 0)
  showRows(
    place('[data-rows="misses"]'),
    misses.map(([reason, count]) => [REASONS[reason], whole(count), all === 0 ? '–' : percent(count / all)]),
  )
  showRows(
    place('[data-rows="curve"]'),
    curve.points.map(({ scale, max, hitRate }) => [`${scale} ×`, whole(max), percent(hitRate)]),
  )
}
