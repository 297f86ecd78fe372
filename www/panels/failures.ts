/** Failures by their stable code, with what each means. */

import { make, place } from '../dashboard/dom.ts'
import { whole } from '../dashboard/format.ts'
import { Table } from '../dashboard/table.ts'

const MEANINGS: Record<string, string> = {
  ERR_TIMEOUT: 'No complete answer in time: the origin stalled or dripped.',
  ERR_NETWORK: 'The connection broke, or the body ended early.',
  ERR_HTTP_STATUS: 'The origin answered with an error, also after the retries.',
  ERR_PARSE: 'The body was not the JSON that was asked for.',
  ERR_RESPONSE_TOO_LARGE: 'The body was longer than allowed.',
  ERR_QUEUE_FULL: 'Too many requests were waiting.',
  ERR_ABORTED: 'The reader gave up.',
  ERR_CLOSED: 'The client was closed meanwhile.',
}

/** Makes the panel; the returned function shows what has failed. */
export function failuresPanel(): (failures: ReadonlyMap<string, number>) => void {
  const table = new Table('Failures by code', [{ label: 'Code' }, { label: 'What it means' }, { label: 'Reads', kind: 'number' }])
  const empty = make('p', 'empty', 'None so far. Switch on the origin’s faults to see some.')
  place('[data-panel="failures"]').append(empty, table.element)
  return failures => {
    table.element.hidden = failures.size === 0
    empty.hidden = failures.size > 0
    table.show([...failures].toSorted((a, b) => b[1] - a[1]).map(([code, count]) => [code, MEANINGS[code] ?? '', whole(count)]))
  }
}
