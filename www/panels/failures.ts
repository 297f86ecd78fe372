/** Failures by their stable code, with what each means. */

import { whole } from '../format.ts'
import { place, showRows } from '../page.ts'

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

export function showFailures(failures: ReadonlyMap<string, number>): void {
  const rows = [...failures].toSorted((a, b) => b[1] - a[1]).map(([code, count]) => [code, MEANINGS[code] ?? '', whole(count)])
  place('[data-table="failures"]').hidden = rows.length === 0
  place('[data-text="no-failures"]').hidden = rows.length > 0
  showRows(place('[data-rows="failures"]'), rows)
}
