/** Requests in flight and queued by host, and who is left alone. */

import type { SourceSnapshot } from 'shelflife'
import { make, visible } from '../dom.ts'
import { clockTime, whole } from '../format.ts'
import { type Mark, Table } from '../table.ts'
import type { View } from '../view.ts'

export const CIRCUITS: Readonly<Record<string, Mark>> = { closed: 'good', open: 'bad', 'half-open': 'warn', isolated: 'bad' }

/** A host that nothing is under way to is shown for so long, so that rows do not come and go. */
const SHOWN_MS = 300_000
const MOST = 20

type Host = NonNullable<SourceSnapshot['hosts']>[number]

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
  readonly #seen = new Map<string, { id: string; client: string; host: Host; at: number }>()
  readonly #empty = make('p', 'empty', 'No requests are under way.')

  constructor() {
    const title = make('h2', '', 'Hosts')
    title.id = 'hosts-title'
    this.element.setAttribute('aria-labelledby', title.id)
    this.element.append(title, this.#empty, this.#table.element)
  }

  show({ snapshot }: View): void {
    for (const { name, hosts = [] } of snapshot.sources)
      for (const host of hosts)
        this.#seen.set(JSON.stringify([snapshot.id, name, host.host]), { id: snapshot.id, client: name, host, at: snapshot.at })
    const shown = []
    for (const [key, { id, client, host, at }] of this.#seen) {
      if (snapshot.at - at > SHOWN_MS) this.#seen.delete(key)
      else if (id === snapshot.id) shown.push({ client, host: at === snapshot.at ? host : idle(host) })
    }
    shown.sort((a, b) => rank(a.host) - rank(b.host) || (a.host.host < b.host.host ? -1 : 1))
    const rows = shown.slice(0, MOST).map(({ client, host: { host, inflight, queued, sleeping, circuit, retryAt } }) => [
      visible(host),
      visible(client),
      {
        text: circuit === 'open' && retryAt !== undefined ? `open until ${clockTime(retryAt)}` : circuit,
        mark: CIRCUITS[circuit] ?? ('idle' as Mark),
      },
      whole(inflight),
      whole(queued),
      whole(sleeping),
    ])
    this.#empty.hidden = rows.length > 0
    this.#table.element.hidden = rows.length === 0
    this.#table.show(rows)
  }
}

/** Those that are left alone first. */
const rank = ({ circuit }: Host): number => (circuit === 'closed' ? 1 : 0)

const idle = ({ host }: Host): Host => ({ host, inflight: 0, queued: 0, sleeping: 0, circuit: 'closed' })
