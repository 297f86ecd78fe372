/** Requests in flight and queued by host, and who is left alone. */

import { make, visible } from '../dom.ts'
import { clockTime, whole } from '../format.ts'
import { type Mark, Table } from '../table.ts'
import type { View } from '../view.ts'

export const CIRCUITS: Readonly<Record<string, Mark>> = { closed: 'good', open: 'bad', 'half-open': 'warn', isolated: 'bad' }

/** See the top of this file. */
export class Hosts {
  readonly element = make('section', 'card')
  readonly #table = new Table('Hosts', [
    { label: 'Host' },
    { label: 'Client' },
    { label: 'Circuit' },
    { label: 'In flight', kind: 'number' },
    { label: 'Queued', kind: 'number' },
    { label: 'Asleep', kind: 'number' },
  ])
  readonly #empty = make('p', 'empty', 'No requests are under way.')

  constructor() {
    const title = make('h2', '', 'Hosts')
    title.id = 'hosts-title'
    this.element.setAttribute('aria-labelledby', title.id)
    this.element.append(title, this.#empty, this.#table.element)
  }

  show({ snapshot }: View): void {
    const rows = snapshot.sources.flatMap(({ name, hosts = [] }) =>
      hosts
        .toSorted((a, b) => b.inflight + b.queued - a.inflight - a.queued || (a.host < b.host ? -1 : 1))
        .map(({ host, inflight, queued, sleeping, circuit, retryAt }) => [
          visible(host),
          visible(name),
          {
            text: circuit === 'open' && retryAt !== undefined ? `open until ${clockTime(retryAt)}` : circuit,
            mark: CIRCUITS[circuit] ?? ('idle' as Mark),
          },
          whole(inflight),
          whole(queued),
          whole(sleeping),
        ]),
    )
    this.#empty.hidden = rows.length > 0
    this.#table.element.hidden = rows.length === 0
    this.#table.show(rows)
  }
}
