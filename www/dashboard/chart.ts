/** One chart over time: uPlot in the colours of the page, a key with the values under the pointer or the newest, and a table that says the same. */

import type { MonitorPoint } from 'shelflife'
import uPlot from 'uplot'
import { type Colour, colour, onColours } from './colours.ts'
import { make, showText } from './dom.ts'
import { clockTime } from './format.ts'
import { Table } from './table.ts'

/** One line of a chart. */
export interface Line {
  readonly label: string
  readonly colour: Colour
  readonly value: (point: MonitorPoint) => number | null
  readonly dash?: number[]
}

/** What a chart shows, and how. */
export interface ChartOptions {
  readonly title: string
  readonly lines: readonly Line[]
  readonly format: (value: number) => string
  /** How the value axis says it. Default: as `format`. */
  readonly axis?: (value: number) => string
  /** Each line lies upon those before it. */
  readonly stacked?: boolean
  /** Whether the room under the first line is filled. */
  readonly filled?: boolean
  /** Fixed ends of the value axis; logarithmic when `log` is set; from 0 otherwise. */
  readonly range?: readonly [number, number]
  readonly log?: boolean
  /** What stands beside the title. */
  readonly beside?: HTMLElement
}

const HEIGHT = 168
const TABLE_ROWS = 10
/** While there is little history, charts span that. */
const LEAST_SECONDS = 60
const NONE = '–'

/** See the top of this file. */
export class Chart {
  readonly element = make('figure', 'card chart')
  readonly #options: ChartOptions
  readonly #plotted = make('div', 'plot')
  readonly #values: HTMLElement[] = []
  readonly #details = make('details')
  readonly #table: Table
  #plot: uPlot | undefined
  #points: readonly MonitorPoint[] = []
  #seconds = 300

  constructor(options: ChartOptions) {
    this.#options = options
    const { title, lines, beside } = options
    const head = make('div', 'head', make('h2', '', title))
    if (beside !== undefined) head.append(beside)
    this.#plotted.setAttribute('role', 'img')
    this.#plotted.setAttribute('aria-label', `${title}: a chart; the table below says the same`)
    this.#table = new Table(`${title}, newest first`, [
      { label: 'Time' },
      ...lines.map(({ label }) => ({ label, kind: 'number' as const })),
    ])
    this.#details.append(make('summary', '', 'Table', make('span', 'unseen', ` of ${title.toLowerCase()}`)), this.#table.element)
    this.#details.addEventListener('toggle', () => this.#showTable())
    this.element.append(make('figcaption', '', head, this.#key()), this.#plotted, this.#details)
    new ResizeObserver(() => this.#plot?.setSize({ width: this.#plotted.clientWidth, height: HEIGHT })).observe(this.#plotted)
    onColours(() => this.#redraw())
  }

  /** Shows points, oldest first, and the time that `seconds` span. */
  show(points: readonly MonitorPoint[], seconds: number): void {
    this.#points = points
    this.#seconds = seconds
    if (document.hidden) return
    const data = this.#data()
    if (this.#plot === undefined) this.#plot = new uPlot(this.#plotOptions(), data, this.#plotted)
    else this.#plot.setData(data)
    this.#showValues()
    this.#showTable()
  }

  #showValues(): void {
    const at = this.#plot?.cursor.idx ?? undefined
    const point = at === undefined || at === null ? this.#points.at(-1) : this.#points[at]
    for (const [line, element] of this.#values.entries()) showText(element, this.#text(line, point))
  }

  #showTable(): void {
    if (!this.#details.open) return
    const newest = this.#points.slice(-TABLE_ROWS).toReversed()
    this.#table.show(newest.map(point => [clockTime(point.at), ...this.#options.lines.map((_, line) => this.#text(line, point))]))
  }

  #text(line: number, point: MonitorPoint | undefined): string {
    const value = point === undefined ? null : (this.#options.lines[line]?.value(point) ?? null)
    return value === null ? NONE : this.#options.format(value)
  }

  #key(): HTMLElement {
    const key = make('ul', 'key')
    for (const { label, colour: name, dash } of this.#options.lines) {
      const value = make('b', '', NONE)
      this.#values.push(value)
      key.append(make('li', '', make('span', `swatch ${name}${dash === undefined ? '' : ' dashed'}`), `${label} `, value))
    }
    return key
  }

  #data(): uPlot.AlignedData {
    const { lines, log, stacked } = this.#options
    const below = new Float64Array(this.#points.length)
    const columns = lines.map(({ value }) =>
      this.#points.map((point, at) => {
        const found = value(point)
        // A logarithmic axis has no zero.
        if (found !== null && log) return Math.max(found, 0.001)
        if (!stacked) return found
        below[at] = (below[at] ?? 0) + (found ?? 0)
        return below[at] ?? 0
      }),
    )
    return [this.#points.map(point => point.at / 1000), ...columns]
  }

  #redraw(): void {
    this.#plot?.destroy()
    this.#plot = undefined
    this.show(this.#points, this.#seconds)
  }

  #plotOptions(): uPlot.Options {
    const { range, log, format, axis: axisFormat = format, lines, stacked, filled } = this.#options
    const axis = {
      stroke: colour('soft'),
      grid: { stroke: colour('grid'), width: 1 },
      ticks: { show: false },
      font: '11px system-ui, sans-serif',
    }
    const wash = (name: Colour) => colour(name).replace('rgb(', 'rgba(').replace(')', ', 0.16)')
    return {
      width: this.#plotted.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false, points: { size: 6 }, sync: { key: 'shelflife' } },
      hooks: { setCursor: [() => this.#showValues()] },
      padding: [6, 22, 0, 0],
      scales: {
        x: { range: (_, oldest, newest) => [Math.max(newest - this.#seconds, Math.min(oldest, newest - LEAST_SECONDS)), newest] },
        y: log
          ? { distr: 3, range: (_, low, high) => logRange(low, high) }
          : { range: (_, __, high) => [range?.[0] ?? 0, range?.[1] ?? Math.max(1, (high ?? 0) * 1.1)] },
      },
      axes: [
        {
          ...axis,
          size: 22,
          gap: 4,
          values: (_, times) => times.map(time => clockTime(time * 1000).slice(0, (times.at(-1) ?? 0) - (times[0] ?? 0) > 150 ? 5 : 8)),
          space: 64,
        },
        {
          ...axis,
          size: 56,
          gap: 4,
          space: 30,
          ...(log ? { splits: decades } : {}),
          values: (_, values) => values.map(value => (value === null ? '' : axisFormat(value))),
        },
      ],
      ...(stacked
        ? { bands: lines.slice(1).map(({ colour: name }, at) => ({ series: [at + 2, at + 1] as [number, number], fill: wash(name) })) }
        : {}),
      series: [
        {},
        ...lines.map(({ colour: name, dash }, at) => ({
          stroke: colour(name),
          width: 1.5,
          points: { show: false },
          ...((filled || stacked) && at === 0 ? { fill: wash(name) } : {}),
          ...(dash ? { dash } : {}),
        })),
      ],
    }
  }
}

/** The lines of a logarithmic axis. */
function decades(_: uPlot, __: number, from: number, to: number): number[] {
  const first = Math.round(Math.log10(from))
  return Array.from({ length: Math.round(Math.log10(to)) - first + 1 }, (_, at) => 10 ** (first + at))
}

/** Whole decades around the values. */
function logRange(low: number | null, high: number | null): [number, number] {
  const from = 10 ** Math.floor(Math.log10(low === null || low <= 0 ? 0.001 : low * 0.8))
  const to = 10 ** Math.ceil(Math.log10(high === null || high <= 0 ? 1 : high))
  return [from, Math.max(to, from * 10)]
}
