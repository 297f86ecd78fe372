/** Whose latency is looked at: what is watched and the timers of the registry, one of which is chosen. */

import type { LatencyPoint, MonitorPoint } from 'shelflife'
import { make, showChoices, visible } from '../dom.ts'
import type { View } from '../view.ts'

/** What is chosen: `source:<name>` or `timer:<series>`. */
export interface Latencies {
  readonly chosen: string
  readonly label: string
}

/** See the top of this file. */
export class LatencyChoice {
  readonly element = make('select', 'small')

  constructor(onChange: () => void) {
    this.element.setAttribute('aria-label', 'Latency of')
    this.element.addEventListener('change', onChange)
  }

  show({ points }: View): Latencies {
    const point = points.at(-1)
    const sources = Object.entries(point?.sources ?? {}).filter(([, { latency }]) => latency !== null)
    // What has samples comes first, clients before caches.
    sources.sort(
      ([, a], [, b]) => Number(b.kind === 'fetch') - Number(a.kind === 'fetch') || (b.latency?.count ?? 0) - (a.latency?.count ?? 0),
    )
    const choices: [string, string][] = [
      ...sources.map(([name, { kind }]): [string, string] => [
        `source:${name}`,
        `${visible(name)}: ${kind === 'fetch' ? 'requests' : 'loads'}`,
      ]),
      ...Object.keys(point?.timers ?? {}).map((series): [string, string] => [`timer:${series}`, visible(series.replace('_seconds', ''))]),
    ]
    if (choices.length === 0) choices.push(['', 'nothing yet'])
    const chosen = showChoices(this.element, choices)
    return { chosen, label: choices.find(([value]) => value === chosen)?.[1] ?? '' }
  }
}

/** The percentiles that were chosen. */
export function latencyOf(point: MonitorPoint, chosen: string): LatencyPoint | null {
  const at = chosen.indexOf(':')
  const name = chosen.slice(at + 1)
  return (chosen.slice(0, at) === 'timer' ? point.timers[name] : point.sources[name]?.latency) ?? null
}

export const p95Of = (point: MonitorPoint, chosen: string): number | null => latencyOf(point, chosen)?.p95 ?? null
