/** How well something did over some points of a monitor, as a number that is better when it is higher. */

import type { MonitorPoint } from '../monitor/types.ts'
import { loadOf } from './facts.ts'
import type { Recommendation } from './types.ts'

/** Of queues, what ends; of batchers, what comes, which in the long run is as much. */
const FLOW = { running: 'running', waiting: 'waiting', totals: ['completed', 'failed', 'loads'] } as const

/** Of what a recommendation is about, by what it predicts; `undefined` where that cannot be told from points, NaN where nothing happened. */
export function goalOf({
  source,
  predicted,
  measure = predicted?.measure,
}: Recommendation): ((points: readonly MonitorPoint[]) => number) | undefined {
  if (measure === 'hitRate') return points => hitRateOver(points, source)
  if (measure !== 'meanMs') return undefined
  return points => {
    const { running, waiting, perSecond } = loadOf(points, source, FLOW)
    return perSecond === 0 ? Number.NaN : (-(running + waiting) / perSecond) * 1000
  }
}

function hitRateOver(points: readonly MonitorPoint[], source: string): number {
  let [hits, reads] = [0, 0]
  for (const { sources, seconds } of points) {
    const rates = sources[source]?.rates
    hits += (rates?.hits ?? 0) * seconds
    reads += ((rates?.hits ?? 0) + (rates?.misses ?? 0)) * seconds
  }
  return reads === 0 ? Number.NaN : hits / reads
}
