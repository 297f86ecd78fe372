/** How many slots something needs in which some work runs and the rest waits. */

import type { Load } from '../facts.ts'

/** No more slots than this times as many at a step. */
const MOST_GROWTH = 16

/** What more slots would bring. Times are means, in milliseconds. */
export interface Roomier {
  readonly to: number
  readonly serviceMs: number
  readonly waitMs: number
  /** What is waited less. */
  readonly savedMs: number
}

/**
 * The slots with which (nearly) nothing waits, if what runs takes no longer with more at once; `undefined` where `limit` is not what holds it up.
 * What waits and what runs, divided by what ends a second, is how long it waits and runs: Little's law.
 */
export function roomier({ running, waiting, perSecond }: Load, limit: number): Roomier | undefined {
  if (perSecond === 0 || running < limit * 0.8 || waiting < running * 0.2) return undefined
  const serviceMs = (running / perSecond) * 1000
  const waitMs = (waiting / perSecond) * 1000
  const to = Math.min(Math.ceil(running + waiting), limit * MOST_GROWTH)
  const left = Math.max(0, (running + waiting) / to - 1) * serviceMs
  return { to, serviceMs, waitMs, savedMs: waitMs - left }
}
