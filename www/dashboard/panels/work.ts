/** Runs over many items, and operations that took too long. */

import { make, visible } from '../dom.ts'
import { clockTime, duration, percent, rate, whole } from '../format.ts'
import { Table } from '../table.ts'
import type { View } from '../view.ts'

const MOST = 8

/** Runs, with how far they are and how long they will take. */
export class Batches {
  readonly element = make('section', 'card')
  readonly #table = new Table('Batches', [
    { label: 'Run' },
    { label: 'State' },
    { label: 'Done', kind: 'number' },
    { label: 'Items', kind: 'number' },
    { label: 'Failed', kind: 'number' },
    { label: 'Rate', kind: 'number' },
    { label: 'Left', kind: 'number' },
  ])
  readonly #empty = make('p', 'empty', 'No runs in the last minute.')

  constructor() {
    const title = make('h2', '', 'Batches')
    title.id = 'batches-title'
    this.element.setAttribute('aria-labelledby', title.id)
    this.element.append(title, this.#empty, this.#table.element)
  }

  show({ snapshot }: View): void {
    const rows = snapshot.batches
      .toReversed()
      .slice(0, MOST)
      .map(({ name, state, done, failed, total, rate: perSecond, remainingMs }) => {
        const share = total === null || total === 0 ? Number.NaN : (done + failed) / total
        const isDone = state === 'done'
        return [
          visible(name),
          {
            text: isDone ? (failed > 0 ? 'done, some failed' : 'done') : 'running',
            mark: failed > 0 ? ('warn' as const) : isDone ? ('good' as const) : ('idle' as const),
          },
          Number.isNaN(share) ? whole(done + failed) : { text: percent(share), share },
          total === null ? 'not known' : whole(total),
          whole(failed),
          rate(perSecond),
          isDone ? '–' : duration(remainingMs ?? Number.NaN),
        ]
      })
    this.#empty.hidden = rows.length > 0
    this.#table.element.hidden = rows.length === 0
    this.#table.show(rows)
  }
}

/** The slowest first; those of one name and about one thing are one row. */
export class Slow {
  readonly element = make('section', 'card')
  readonly #table = new Table('Slow operations', [
    { label: 'Operation' },
    { label: 'Slowest', kind: 'number' },
    { label: 'Times', kind: 'number' },
    { label: 'Last', kind: 'number' },
    { label: 'About' },
  ])
  readonly #empty = make('p', 'empty', 'None were told.')

  constructor() {
    const title = make('h2', '', 'Slow operations')
    title.id = 'slow-title'
    this.element.setAttribute('aria-labelledby', title.id)
    this.element.append(title, this.#empty, this.#table.element)
  }

  show({ snapshot }: View): void {
    const groups = new Map<string, { name: string; detail: string; ms: number; times: number; at: number }>()
    for (const { name, detail = '–', ms, at } of snapshot.slow) {
      const key = JSON.stringify([name, detail])
      const group = groups.get(key) ?? { name, detail, ms: 0, times: 0, at: 0 }
      groups.set(key, { name, detail, ms: Math.max(group.ms, ms), times: group.times + 1, at: Math.max(group.at, at) })
    }
    const slowest = [...groups.values()].sort((a, b) => b.ms - a.ms).slice(0, MOST)
    this.#empty.hidden = slowest.length > 0
    this.#table.element.hidden = slowest.length === 0
    this.#table.show(
      slowest.map(({ name, detail, ms, times, at }) => [visible(name), duration(ms), whole(times), clockTime(at), visible(detail)]),
    )
  }
}
