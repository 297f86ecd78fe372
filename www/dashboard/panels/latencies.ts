/** Whose latency is looked at: the timers of the registry, and what is watched; one of them is chosen. */

import type { LatencyPoint, MonitorPoint } from 'shelflife'
import { make, showChoices, visible } from '../dom.ts'
import type { View } from '../view.ts'

/** What is chosen: `source:<name>` or `timer:<series>`. */
export interface Latencies {
  readonly chosen: string
  readonly label: string
}

/** Those of this package come first, by names that say what they are. */
const KNOWN: readonly (readonly [RegExp, string])[] = [
  [/^\w*client_request_duration_seconds\{client="(.*)"\}$/, 'Requests of '],
  [/^\w*cache_load_duration_seconds\{cache="(.*)"\}$/, 'Loads of '],
]

/** See the top of this file. */
export class LatencyChoice {
  readonly element = make('select', 'small')

  constructor(onChange: () => void) {
    this.element.setAttribute('aria-label', 'Latency of')
    this.element.addEventListener('change', onChange)
  }

  show({ points }: View): Latencies {
    const point = points.at(-1)
    const timers = Object.keys(point?.timers ?? {})
    timers.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
    const sources = Object.entries(point?.sources ?? {}).filter(([, { latency }]) => latency !== null)
    const choices: [string, string][] = [
      ...timers.map((series): [string, string] => [`timer:${series}`, timerName(series)]),
      ...sources.map(([name, { kind }]): [string, string] => [
        `source:${name}`,
        `${kind === 'fetch' ? 'Requests' : 'Loads'} of ${visible(name)}, since the start`,
      ]),
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

function rank(series: string): number {
  const at = KNOWN.findIndex(([pattern]) => pattern.test(series))
  return at < 0 ? KNOWN.length : at
}

function timerName(series: string): string {
  for (const [pattern, text] of KNOWN) {
    const name = pattern.exec(series)?.[1]
    if (name !== undefined) return text + visible(name)
  }
  return visible(series.replace(/_seconds(?=\{|$)/, ''))
}
