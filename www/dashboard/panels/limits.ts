/** What holds work back: breakers, limiters, bulkheads, queues, pools, batchers, governors. */

import type { SourceSnapshot } from 'shelflife'
import { make, visible } from '../dom.ts'
import { clockTime, percent, rate, whole } from '../format.ts'
import { type Cell, type Mark, Table } from '../table.ts'
import { numberIn, type View } from '../view.ts'
import { CIRCUITS } from './hosts.ts'

interface Said {
  readonly state: Cell
  readonly running: number
  readonly waiting: number
  /** What it has refused, or what has failed, per second. */
  readonly refused: number
}

type Reading = (number: (path: string) => number, rates: (name: string) => number) => Said

const NONE = Number.NaN
const flows = (text: string): Cell => ({ text, mark: 'good' })
const when = (isBad: boolean, bad: string, good: string, mark: Mark = 'warn'): Cell => (isBad ? { text: bad, mark } : flows(good))

const KINDS: Readonly<Record<string, readonly [label: string, read: Reading]>> = {
  'circuit-breaker': ['breaker', (_, of) => ({ state: flows('closed'), running: NONE, waiting: NONE, refused: of('refused') })],
  'rate-limiter': [
    'rate limit',
    (is, of) => ({
      state: when(is('tokens') === 0, 'no tokens', `${whole(is('tokens'))} tokens`),
      running: NONE,
      waiting: is('waiting'),
      refused: of('refused'),
    }),
  ],
  bulkhead: [
    'bulkhead',
    is => ({ state: when(is('waiting') > 0, 'full', 'room'), running: is('running'), waiting: is('waiting'), refused: NONE }),
  ],
  queue: [
    'queue',
    (is, of) => ({
      state: when(is('waiting') > 0, 'waiting', 'flowing'),
      running: is('running'),
      waiting: is('waiting'),
      refused: of('refused') + of('failed'),
    }),
  ],
  pool: [
    'pool',
    (is, of) => ({
      state: when(is('waiting') > 0, 'all lent', `${whole(is('idle'))} idle`),
      running: is('lent'),
      waiting: is('waiting'),
      refused: of('failures'),
    }),
  ],
  batcher: [
    'batcher',
    (is, of) => ({ state: flows(`${rate(of('batches'))} batches`), running: is('running'), waiting: is('waiting'), refused: of('failed') }),
  ],
  governor: [
    'memory',
    is => ({
      state: when(is('ratio') >= 0.8, `${percent(is('ratio'))} used`, `${percent(is('ratio'))} used`),
      running: NONE,
      waiting: NONE,
      refused: NONE,
    }),
  ],
}

/** See the top of this file. */
export class Limits {
  readonly element = make('section', 'card')
  readonly #table = new Table('Limits and queues', [
    { label: 'Name' },
    { label: 'Kind' },
    { label: 'State' },
    { label: 'Running', kind: 'number' },
    { label: 'Waiting', kind: 'number' },
    { label: 'Refused', kind: 'number' },
  ])
  readonly #empty = make('p', 'empty', 'No breakers, limiters, queues or pools are watched.')

  constructor() {
    const title = make('h2', '', 'Limits and queues')
    title.id = 'limits-title'
    this.element.setAttribute('aria-labelledby', title.id)
    this.element.append(title, this.#empty, this.#table.element)
  }

  show({ snapshot }: View): void {
    const rows = snapshot.sources.flatMap(source => {
      const kind = KINDS[source.kind]
      if (kind === undefined) return []
      const [label, read] = kind
      const rates = snapshot.point?.sources[source.name]?.rates ?? {}
      const { state, running, waiting, refused } = read(
        path => numberIn(source.stats, path),
        name => rates[name] ?? 0,
      )
      const whole = [
        visible(source.name),
        label,
        circuitOf(source) ?? state,
        ...[running, waiting].map(count),
        Number.isNaN(refused) ? '–' : rate(refused),
      ]
      return [whole, ...(source.keys ?? []).map(({ key, state: circuit, retryAt }) => keyRow(key, circuit, retryAt))]
    })
    this.#empty.hidden = rows.length > 0
    this.#table.element.hidden = rows.length === 0
    this.#table.show(rows)
  }
}

const count = (number: number): string => (Number.isNaN(number) ? '–' : whole(number))

function keyRow(key: string, circuit: string, retryAt: number | undefined): (string | Cell)[] {
  const text = circuit === 'open' && retryAt !== undefined ? `open until ${clockTime(retryAt)}` : circuit
  return [`└ ${visible(key)}`, 'key', { text, mark: CIRCUITS[circuit] ?? 'idle' }, '–', '–', '–']
}

/** Of breakers: how many keys are not closed. */
function circuitOf({ kind, keys = [] }: SourceSnapshot): Cell | undefined {
  if (kind !== 'circuit-breaker' || keys.length === 0) return undefined
  return { text: `${keys.length} not closed`, mark: 'bad' }
}
