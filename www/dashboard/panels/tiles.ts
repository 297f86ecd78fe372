/** The few figures that are looked at first, each with its last minutes as a line. */

import type { MonitorPoint } from 'shelflife'
import { make, showAttribute, showText } from '../dom.ts'
import { bytes, duration, percent, rate, whole } from '../format.ts'
import { cacheRate, caches, hitRate, kindSum, numberIn, type View } from '../view.ts'
import { type Latencies, p95Of } from './latencies.ts'

const SVG = 'http://www.w3.org/2000/svg'
/** A minute, where points are seconds. */
const MINUTE = 60
const WIDTH = 96
const HEIGHT = 24

interface Figure {
  readonly name: string
  readonly label: string
  /** What is drawn over time. */
  readonly line: (point: MonitorPoint, view: View, latencies: Latencies) => number | null
  readonly text: (view: View, latencies: Latencies) => { readonly value: number; readonly text: string; readonly note: string }
}

const newest = (view: View): MonitorPoint | undefined => view.points.at(-1)
const failures = (point: MonitorPoint): number =>
  kindSum(point, 'fetch', 'rates', 'failures.') + cacheRate(point, undefined, 'loadErrors') + kindSum(point, 'queue', 'rates', 'failed')

const FIGURES: readonly Figure[] = [
  {
    name: 'hit-rate',
    label: 'Hit rate',
    line: (point, { cache }) => orNull(hitRate([point], cache)),
    text: ({ points, cache }) => {
      const value = hitRate(points.slice(-MINUTE), cache)
      return { value, text: percent(value), note: 'last minute' }
    },
  },
  {
    name: 'read-rate',
    label: 'Reads',
    line: (point, { cache }) => cacheRate(point, cache, 'hits', 'misses'),
    text: view => {
      const point = newest(view)
      const value = point === undefined ? Number.NaN : cacheRate(point, view.cache, 'hits', 'misses')
      const stale = point === undefined ? 0 : cacheRate(point, view.cache, 'staleHits')
      return { value, text: rate(value), note: stale > 0 ? `${rate(stale)} stale` : 'of the caches' }
    },
  },
  {
    name: 'latency-p95',
    label: 'p95',
    line: (point, _, latencies) => p95Of(point, latencies.chosen),
    text: (view, latencies) => {
      const value = newest(view) === undefined ? Number.NaN : (p95Of(newest(view) as MonitorPoint, latencies.chosen) ?? Number.NaN)
      return { value, text: duration(value), note: latencies.label }
    },
  },
  {
    name: 'in-flight',
    label: 'In flight',
    line: point => kindSum(point, 'fetch', 'levels', 'inflight'),
    text: view => {
      const point = newest(view)
      const value = point === undefined ? Number.NaN : kindSum(point, 'fetch', 'levels', 'inflight')
      const queued = point === undefined ? 0 : kindSum(point, 'fetch', 'levels', 'queued', 'sleeping')
      return { value, text: whole(value), note: `${whole(queued)} waiting` }
    },
  },
  {
    name: 'failure-rate',
    label: 'Failures',
    line: failures,
    text: view => {
      const point = newest(view)
      const value = point === undefined ? Number.NaN : failures(point)
      const retries = point === undefined ? 0 : kindSum(point, 'fetch', 'rates', 'retries')
      return { value, text: rate(value), note: `${rate(retries)} retries` }
    },
  },
  {
    name: 'memory',
    label: 'Memory',
    line: (point, { cache, snapshot }) => {
      const heap = point.memory[0]
      return heap === undefined
        ? levelSum(
            point,
            caches(snapshot).map(({ name }) => name),
            cache,
          )
        : heap.used
    },
    text: view => {
      const heap = newest(view)?.memory[0]
      if (heap !== undefined) return { value: heap.used, text: bytes(heap.used), note: `of ${bytes(heap.limit)} ${heap.kind}` }
      let size = 0
      for (const { stats, kind } of caches(view.snapshot)) size += numberIn(stats, kind === 'cache' ? 'memory.size' : 'size')
      return { value: size, text: bytes(size), note: 'in caches, estimated' }
    },
  },
]

/** See the top of this file. */
export class Tiles {
  readonly element = make('section', 'tiles')
  readonly #tiles = FIGURES.map(figure => {
    const value = make('dd', 'value', '–')
    value.dataset.figure = figure.name
    const note = make('dd', 'note')
    const spark = document.createElementNS(SVG, 'polyline')
    const picture = document.createElementNS(SVG, 'svg')
    picture.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`)
    picture.setAttribute('preserveAspectRatio', 'none')
    picture.setAttribute('aria-hidden', 'true')
    picture.append(spark)
    const element = make('div', 'tile', make('dl', '', make('dt', '', figure.label), value, note), picture)
    return { figure, element, value, note, spark }
  })

  constructor() {
    this.element.setAttribute('aria-label', 'Now')
    this.element.append(...this.#tiles.map(({ element }) => element))
  }

  show(view: View, latencies: Latencies): void {
    for (const { figure, value, note, spark } of this.#tiles) {
      const shown = figure.text(view, latencies)
      showText(value, shown.text)
      showAttribute(value, 'data-value', String(shown.value))
      showText(note, shown.note)
      const line = view.points.slice(-2 * MINUTE).map(point => figure.line(point, view, latencies))
      showAttribute(spark, 'points', sparkline(line))
    }
  }
}

/** A line from 0 to the greatest; where there is nothing, it stays where it was. */
function sparkline(values: readonly (number | null)[]): string {
  const most = Math.max(...values.map(value => value ?? 0), 1e-9)
  let y = HEIGHT - 1
  return values
    .map((value, at) => {
      if (value !== null) y = HEIGHT - 1 - (value / most) * (HEIGHT - 2)
      return `${((at / Math.max(1, values.length - 1)) * WIDTH).toFixed(1)},${y.toFixed(1)}`
    })
    .join(' ')
}

function levelSum(point: MonitorPoint, names: readonly string[], cache: string | undefined): number {
  let total = 0
  for (const name of names) {
    const levels = cache === undefined || cache === name ? point.sources[name]?.levels : undefined
    total += levels?.['memory.size'] ?? levels?.size ?? 0
  }
  return total
}

const orNull = (value: number): number | null => (Number.isFinite(value) ? value : null)
