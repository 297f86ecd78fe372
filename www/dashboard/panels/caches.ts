/** Caches and their tiers: how much is there, of how much, and how well it serves. */

import type { SourceSnapshot } from 'shelflife'
import { make, showText, visible } from '../dom.ts'
import { bytes, rate, whole } from '../format.ts'
import { type Cell, type Mark, Table } from '../table.ts'
import { caches, numberIn, type View } from '../view.ts'

interface TierStats extends Readonly<Record<string, unknown>> {
  readonly name: string
  readonly state?: string
  readonly circuit?: string
  readonly entries: number
  readonly bytes: number
  readonly queued: number
}

const STATES: Readonly<Record<string, Mark>> = {
  on: 'good',
  closed: 'idle',
  'read-only': 'warn',
  off: 'bad',
  open: 'bad',
  'half-open': 'warn',
}

/** See the top of this file. */
export class Caches {
  readonly element = make('section', 'card')
  readonly #table = new Table('Caches and tiers', [
    { label: 'Cache' },
    { label: 'Tier' },
    { label: 'State' },
    { label: 'Entries', kind: 'number' },
    { label: 'of', kind: 'number' },
    { label: 'Size', kind: 'number' },
    { label: 'of', kind: 'number' },
    { label: 'Hits', kind: 'number' },
    { label: 'Evicted', kind: 'number' },
    { label: 'Writes waiting', kind: 'number' },
  ])
  readonly #empty = make('p', 'empty', 'No cache is watched.')

  constructor() {
    this.element.setAttribute('aria-labelledby', 'caches-title')
    const title = make('h2', '', 'Caches and tiers')
    title.id = 'caches-title'
    this.element.append(title, this.#empty, this.#table.element)
  }

  show(view: View): void {
    const shown = caches(view.snapshot).filter(({ name }) => view.cache === undefined || view.cache === name)
    this.#empty.hidden = shown.length > 0
    this.#table.element.hidden = shown.length === 0
    this.#table.show(shown.flatMap(cache => [memoryRow(cache, view), ...tierRows(cache, view)]))
    const places = shown.flatMap(({ stats }) => ['memory', ...tiersOf(stats).map((_, at) => String(at + 1))])
    for (const [at, row] of this.#table.rows.entries()) row.dataset.tier = places[at]
  }
}

function memoryRow({ name, kind, stats }: SourceSnapshot, { snapshot }: View): (string | Cell)[] {
  const at = kind === 'cache' ? 'memory.' : ''
  const [entries, max, size, maxSize] = ['entries', 'max', 'size', 'maxSize'].map(field => numberIn(stats, at + field)) as [
    number,
    number,
    number,
    number,
  ]
  const sized = stats.sizeUnit !== 'none' && size > 0
  const point = snapshot.point?.sources[name]
  const [hits, evictions] = ['hits', 'evictions'].map(field => point?.rates[at + field] ?? Number.NaN) as [number, number]
  return [
    visible(name),
    'memory',
    { text: 'on', mark: 'good' },
    { ...share(whole(entries), entries / max), value: entries },
    whole(max),
    share(sized ? bytes(size) : '–', sized ? size / maxSize : Number.NaN),
    bytes(maxSize),
    rate(hits),
    rate(evictions),
    '–',
  ]
}

function tierRows({ name, stats }: SourceSnapshot, { snapshot }: View): (string | Cell)[][] {
  return tiersOf(stats).map((tier, at) => {
    const rates = snapshot.point?.sources[name]?.rates ?? {}
    const prefix = `tiers.${at + 1}:${tier.name}.`
    const isLeft = tier.circuit !== undefined && tier.circuit !== 'closed'
    const state = isLeft ? `circuit ${tier.circuit}` : (tier.state ?? 'on')
    const limit = numberIn(tier, 'maxSize')
    return [
      visible(name),
      visible(tier.name),
      { text: state, mark: (isLeft ? STATES[tier.circuit ?? ''] : STATES[state]) ?? 'idle' },
      { text: whole(tier.entries), value: tier.entries },
      '–',
      share(bytes(tier.bytes), tier.bytes / limit),
      bytes(limit),
      rate(rates[`${prefix}hits`] ?? Number.NaN),
      rate(rates[`${prefix}reclaimed`] ?? Number.NaN),
      whole(tier.queued),
    ]
  })
}

function tiersOf({ tiers }: SourceSnapshot['stats']): TierStats[] {
  return Array.isArray(tiers) ? tiers : []
}

function share(text: string, ratio: number): Cell {
  return Number.isFinite(ratio) ? { text, share: ratio } : { text }
}

const HOTTEST = 12

/** Keys that would stay longest; whoever serves this page may have shortened them. */
export class Hottest {
  readonly element = make('section', 'card')
  readonly #list = make('ol', 'keys')
  readonly #empty = make('p', 'empty', 'No keys are told.')

  constructor() {
    const title = make('h2', '', 'Keys that would stay longest')
    title.id = 'hottest-title'
    this.element.setAttribute('aria-labelledby', title.id)
    this.element.append(title, this.#empty, this.#list)
  }

  show({ snapshot, cache }: View): void {
    const keys = caches(snapshot)
      .filter(({ name }) => cache === undefined || cache === name)
      .flatMap(({ hottest = [] }) => hottest.slice(0, HOTTEST))
      .slice(0, 2 * HOTTEST)
    this.#empty.hidden = keys.length > 0
    this.#list.hidden = keys.length === 0
    while (this.#list.children.length > keys.length) this.#list.lastElementChild?.remove()
    for (const [at, key] of keys.entries()) {
      let item = this.#list.children[at]
      if (item === undefined) {
        item = make('li', '', make('bdi'))
        this.#list.append(item)
      }
      showText(item.firstElementChild as Element, visible(key))
    }
  }
}
