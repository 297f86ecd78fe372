/** One chart: uPlot drawn in the colours of the page, with a key that shows the newest values and a table that says the same. */

import uPlot from 'uplot'
import type { Sample } from '../history.ts'
import { make, showRows, showText } from '../page.ts'

export interface Line {
  readonly label: string
  /** A custom property of style.css, without the dashes. */
  readonly colour: 'memory' | 'tier' | 'origin' | 'failed' | 'soft'
  readonly value: (sample: Sample) => number | null
  readonly fill?: boolean
  readonly dash?: number[]
}

export interface ChartOptions {
  readonly title: string
  readonly lines: readonly Line[]
  readonly format: (value: number) => string
  /** Fixed ends of the value axis; logarithmic when `log` is set; from 0 otherwise. */
  readonly range?: readonly [number, number]
  readonly log?: boolean
}

const HEIGHT = 190
const TABLE_ROWS = 10

export class Chart {
  readonly #options: ChartOptions
  readonly #plotted = make('div', 'plot')
  readonly #values: HTMLElement[] = []
  readonly #details = make('details')
  readonly #rows = make('tbody')
  #plot: uPlot | undefined
  #samples: readonly Sample[] = []

  constructor(figure: HTMLElement, options: ChartOptions) {
    this.#options = options
    const head = make('figcaption', 'chart-head')
    head.append(make('h2', '', options.title), this.#key())
    this.#plotted.setAttribute('role', 'img')
    this.#plotted.setAttribute('aria-label', `${options.title}: a chart; the table below it says the same`)
    this.#details.append(make('summary', '', `${options.title} as a table`), this.#table())
    this.#details.addEventListener('toggle', () => this.show(this.#samples))
    figure.append(head, this.#plotted, this.#details)
    new ResizeObserver(() => this.#plot?.setSize({ width: this.#plotted.clientWidth, height: HEIGHT })).observe(this.#plotted)
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#redraw())
  }

  show(samples: readonly Sample[]): void {
    this.#samples = samples
    if (document.hidden) return
    const data = this.#data()
    if (this.#plot === undefined) this.#plot = new uPlot(this.#plotOptions(), data, this.#plotted)
    else this.#plot.setData(data)
    const newest = samples.at(-1)
    this.#options.lines.forEach((line, at) => {
      const value = newest === undefined ? null : line.value(newest)
      const element = this.#values[at]
      if (element !== undefined) showText(element, value === null ? '–' : this.#options.format(value))
    })
    if (this.#details.open) this.#showTable()
  }

  #showTable(): void {
    const newest = this.#samples.slice(-TABLE_ROWS).toReversed()
    showRows(
      this.#rows,
      newest.map(sample => [
        new Date(sample.at * 1000).toLocaleTimeString('en-GB'),
        ...this.#options.lines.map(({ value }) => {
          const found = value(sample)
          return found === null ? '–' : this.#options.format(found)
        }),
      ]),
    )
  }

  #key(): HTMLElement {
    const key = make('ul', 'key')
    for (const { label, colour } of this.#options.lines) {
      const item = make('li')
      const value = make('b', '', '–')
      item.append(make('span', `swatch c-${colour}`), `${label} `, value)
      this.#values.push(value)
      key.append(item)
    }
    return key
  }

  #table(): HTMLElement {
    const wrapper = make('div', 'scroll')
    wrapper.tabIndex = 0
    wrapper.setAttribute('role', 'region')
    wrapper.setAttribute('aria-label', `${this.#options.title}, newest first`)
    const table = make('table')
    const head = make('tr')
    for (const text of ['Time', ...this.#options.lines.map(line => line.label)]) {
      const cell = make('th', '', text)
      cell.setAttribute('scope', 'col')
      head.append(cell)
    }
    const top = make('thead')
    top.append(head)
    table.append(top, this.#rows)
    wrapper.append(table)
    return wrapper
  }

  #data(): uPlot.AlignedData {
    const log = this.#options.log === true
    const columns = this.#options.lines.map(({ value }) =>
      this.#samples.map(sample => {
        const found = value(sample)
        // A logarithmic axis has no zero.
        return found !== null && log ? Math.max(found, 0.001) : found
      }),
    )
    return [this.#samples.map(sample => sample.at), ...columns]
  }

  #redraw(): void {
    this.#plot?.destroy()
    this.#plot = undefined
    this.show(this.#samples)
  }

  #plotOptions(): uPlot.Options {
    const styles = getComputedStyle(document.documentElement)
    const colour = (name: string) => styles.getPropertyValue(`--${name}`).trim()
    const { range, log, format, lines } = this.#options
    const axis = {
      stroke: colour('soft'),
      grid: { stroke: colour('grid'), width: 1 },
      ticks: { show: false },
      font: '12px system-ui, sans-serif',
    }
    return {
      width: this.#plotted.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      padding: [8, 18, 0, 0],
      scales: {
        y: log
          ? { distr: 3, range: (_, low, high) => logRange(low, high) }
          : { range: (_, __, high) => [range?.[0] ?? 0, range?.[1] ?? Math.max(5, high * 1.1)] },
      },
      axes: [
        { ...axis, size: 28, values: (_, times) => times.map(clockTime), space: 70 },
        { ...axis, size: 58, values: (_, values) => values.map(value => (value === null ? '' : format(value))), space: 28 },
      ],
      series: [
        {},
        ...lines.map(line => ({
          stroke: colour(line.colour),
          width: 2,
          points: { show: false },
          ...(line.fill ? { fill: `${colour(line.colour)}22` } : {}),
          ...(line.dash ? { dash: line.dash } : {}),
        })),
      ],
    }
  }
}

/** Whole decades around the values. */
function logRange(low: number | null, high: number | null): [number, number] {
  const from = 10 ** Math.floor(Math.log10(low === null || low <= 0 ? 0.001 : low * 0.8))
  const to = 10 ** Math.ceil(Math.log10(high === null || high <= 0 ? 1 : high))
  return [from, Math.max(to, from * 10)]
}

function clockTime(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString('en-GB', { minute: '2-digit', second: '2-digit' })
}
