/** The dashboard: what is chosen above, and all panels below. It takes what a feed tells and draws it. */

import type { MonitorPoint, MonitorSnapshot } from 'shelflife'
import { Clients } from './clients.ts'
import { make, showChoices, showText, visible } from './dom.ts'
import { clockTime } from './format.ts'
import { Alerts, Recommendations } from './panels/attention.ts'
import { Caches, Hottest } from './panels/caches.ts'
import { Charts } from './panels/charts.ts'
import { Curve } from './panels/curve.ts'
import { Hosts } from './panels/hosts.ts'
import { Limits } from './panels/limits.ts'
import { Tiles } from './panels/tiles.ts'
import { Batches, Slow } from './panels/work.ts'
import { caches } from './view.ts'

const SPANS = [
  ['60', '1 min'],
  ['300', '5 min'],
  ['900', '15 min'],
] as const

/** What is told at a time. */
export interface News {
  /** All that there are, the own one first. */
  readonly snapshots: readonly MonitorSnapshot[]
  /** Points of the first, from before. */
  readonly history?: readonly MonitorPoint[]
}

/** See the top of this file. */
export class Board {
  /** What chooses. */
  readonly choices = make('div', 'choices')
  /** All panels, in the order in which they are read. */
  readonly element = make('div', 'board')
  /** Carries out a recommendation of a client; left out where that may not be done. */
  apply: ((client: MonitorSnapshot, id: string) => Promise<void>) | undefined
  readonly #clients = new Clients()
  readonly #client = choice('Client', () => this.draw())
  readonly #cache = choice('Cache', () => this.draw())
  readonly #span = choice('Span', () => this.draw())
  readonly #pause = make('button', '', 'Pause')
  readonly #at = make('span', 'at')
  readonly #tiles = new Tiles()
  readonly #charts = new Charts(() => this.draw())
  readonly #panels = {
    alerts: new Alerts(),
    recommendations: new Recommendations(),
    caches: new Caches(),
    curve: new Curve(),
    hottest: new Hottest(),
    hosts: new Hosts(),
    limits: new Limits(),
    batches: new Batches(),
    slow: new Slow(),
  }

  constructor() {
    showChoices(this.#span.select, SPANS)
    this.#span.select.value = '300'
    this.#pause.type = 'button'
    this.#pause.setAttribute('aria-pressed', 'false')
    this.#pause.addEventListener('click', () => {
      this.#pause.setAttribute('aria-pressed', String(!this.#isPaused))
      this.draw()
    })
    this.choices.append(this.#client.label, this.#cache.label, this.#span.label, this.#pause, this.#at)
    this.element.append(this.#tiles.element)
    const { alerts, recommendations, ...others } = this.#panels
    this.element.append(make('div', 'beside', this.#charts.element, make('div', 'attend', alerts.element, recommendations.element)))
    for (const [name, { element }] of Object.entries(others)) {
      element.dataset.panel = name
      this.element.append(element)
    }
  }

  /** Takes what a feed tells, and draws it. */
  take({ snapshots, history }: News): void {
    this.#clients.take(snapshots, history)
    if (!this.#isPaused) this.draw()
  }

  /** Draws what is known. */
  draw(): void {
    const all = this.#clients.all
    const chosen = showChoices(
      this.#client.select,
      all.map(({ snapshot: { id, name, runtime } }, at) => [id, `${visible(name)} · ${runtime}${all.length > 1 ? ` ${at + 1}` : ''}`]),
    )
    const client = this.#clients.find(chosen)
    if (client === undefined) return
    this.#client.label.hidden = all.length < 2
    const names = caches(client.snapshot).map(({ name }) => name)
    const cache = showChoices(this.#cache.select, [['', 'all'], ...names.map((name): [string, string] => [name, visible(name)])])
    this.#cache.label.hidden = names.length < 2
    showText(this.#at, clockTime(client.snapshot.at))
    const apply = this.apply
    const view = {
      ...client,
      seconds: Number(this.#span.select.value),
      cache: cache === '' ? undefined : cache,
      apply: apply && ((id: string) => apply(client.snapshot, id)),
    }
    this.#tiles.show(view, this.#charts.show(view))
    for (const panel of Object.values(this.#panels)) panel.show(view)
  }

  get #isPaused(): boolean {
    return this.#pause.getAttribute('aria-pressed') === 'true'
  }
}

function choice(text: string, onChange: () => void): { readonly label: HTMLLabelElement; readonly select: HTMLSelectElement } {
  const select = make('select')
  select.addEventListener('change', onChange)
  return { label: make('label', 'choice', make('span', '', text), select), select }
}
