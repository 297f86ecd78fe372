/** The hit rates that a cache would have with other sizes, and where it is today. */

import type { MissRatioPoint, SourceSnapshot } from 'shelflife'
import uPlot from 'uplot'
import { colour, onColours } from '../colours.ts'
import { make, showText, visible } from '../dom.ts'
import { bytes, percent, whole } from '../format.ts'
import { Table } from '../table.ts'
import { caches, type View } from '../view.ts'

const HEIGHT = 190

/** See the top of this file. */
export class Curve {
  readonly element = make('figure', 'card')
  readonly #said = make('p', 'said')
  readonly #plotted = make('div', 'plot')
  readonly #table = new Table('Hit rate to expect at other sizes', [
    { label: 'Size' },
    { label: 'Entries', kind: 'number' },
    { label: 'Bytes', kind: 'number' },
    { label: 'Hit rate', kind: 'number' },
  ])
  #plot: uPlot | undefined
  #points: readonly MissRatioPoint[] = []

  constructor() {
    this.#plotted.setAttribute('role', 'img')
    this.#plotted.setAttribute('aria-label', 'Hit rate by size: a chart; the table below says the same')
    const details = make('details', '', make('summary', '', 'Table', make('span', 'unseen', ' of hit rate by size')), this.#table.element)
    this.element.append(make('figcaption', '', make('h2', '', 'Hit rate by size'), this.#said), this.#plotted, details)
    new ResizeObserver(() => this.#plot?.setSize({ width: this.#plotted.clientWidth, height: HEIGHT })).observe(this.#plotted)
    onColours(() => {
      this.#plot?.destroy()
      this.#plot = undefined
      this.#draw()
    })
  }

  show({ snapshot, cache }: View): void {
    const watched = caches(snapshot).find(({ name, curve }) => (cache === undefined ? (curve?.length ?? 0) > 0 : name === cache))
    this.#points = watched?.curve ?? []
    const rows = this.#points.map(({ scale, max, maxSize, hitRate }) => [
      `${scale} ×${scale === 1 ? ' (today)' : ''}`,
      whole(max),
      bytes(maxSize ?? Number.NaN),
      percent(hitRate),
    ])
    this.#table.show(rows)
    for (const [at, row] of this.#table.rows.entries()) row.dataset.scale = String(this.#points[at]?.scale)
    showText(this.#said, said(watched, this.#points))
    this.#plotted.hidden = this.#points.length === 0
    if (!document.hidden) this.#draw()
  }

  #draw(): void {
    if (this.#points.length === 0) return
    const data: uPlot.AlignedData = [this.#points.map(({ scale }) => scale), this.#points.map(({ hitRate }) => hitRate)]
    if (this.#plot === undefined) this.#plot = new uPlot(this.#options(), data, this.#plotted)
    else this.#plot.setData(data)
  }

  #options(): uPlot.Options {
    const axis = {
      stroke: colour('soft'),
      grid: { stroke: colour('grid'), width: 1 },
      ticks: { show: false },
      font: '11px system-ui, sans-serif',
    }
    const [line, ink] = [colour('teal'), colour('ink')]
    return {
      width: this.#plotted.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      padding: [16, 16, 0, 0],
      scales: { x: { time: false, distr: 3, log: 2 }, y: { range: [0, 1.02] } },
      axes: [
        { ...axis, size: 24, gap: 4, splits: () => [0.25, 0.5, 1, 2, 4], values: (_, values) => values.map(value => `${value} ×`) },
        { ...axis, size: 46, gap: 4, values: (_, values) => values.map(value => `${Math.round(value * 100)} %`), space: 34 },
      ],
      series: [{}, { stroke: line, width: 2, points: { show: true, size: 6, stroke: line, fill: line } }],
      hooks: {
        draw: [
          plot => {
            const { ctx, bbox } = plot
            const x = plot.valToPos(1, 'x', true)
            const ratio = devicePixelRatio
            ctx.save()
            ctx.strokeStyle = ink
            ctx.fillStyle = ink
            ctx.setLineDash([4 * ratio, 3 * ratio])
            ctx.lineWidth = ratio
            ctx.beginPath()
            ctx.moveTo(x, bbox.top)
            ctx.lineTo(x, bbox.top + bbox.height)
            ctx.stroke()
            ctx.font = `${11 * ratio}px system-ui, sans-serif`
            ctx.textAlign = 'center'
            ctx.fillText('today', x, bbox.top - 4 * ratio)
            ctx.restore()
          },
        ],
      },
    }
  }
}

/** The curve in a sentence. */
function said(watched: SourceSnapshot | undefined, points: readonly MissRatioPoint[]): string {
  const [today, twice] = [1, 2].map(scale => points.find(point => point.scale === scale))
  if (watched === undefined || today === undefined || twice === undefined) return 'Nothing yet: it takes some reads.'
  const gain = (twice.hitRate - today.hitRate) * 100
  const would = gain < 0.5 ? 'no better' : `${gain.toFixed(1)} points better`
  return `${visible(watched.name)} answers ${percent(today.hitRate)} with room for ${whole(today.max)} entries. Twice the room: ${would}.`
}
