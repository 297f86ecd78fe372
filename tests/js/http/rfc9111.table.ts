/**
 * What becomes of a second request after a first one, case by case: RFC 9111, RFC 5861, RFC 8246 and what is promised beyond them.
 * The first answer came at `START`; seconds count from there.
 */

import type { FetchInit, FetchOptions } from '../../../js/http/types.ts'

/** The first reading of the clock, without milliseconds, since dates in HTTP have none. */
export const START = Date.UTC(2026, 5, 15, 12)

/** What the second request gets: see `x-cache`. `'background'`: stale, while another request goes out. `'gateway'`: a 504. */
export type Outcome = 'hit' | 'stale' | 'background' | 'revalidated' | 'miss' | 'gateway' | 'error'

/** What happens. */
export interface Given {
  /** `Cache-Control` of the first answer. */
  cc?: string
  /** Other fields of it. */
  answer?: Record<string, string>
  status?: number
  /** Its `ETag`. */
  etag?: string
  /** When the second request comes, in seconds. */
  after?: number
  /** `Cache-Control` of the second request. */
  ask?: string
  /** Fields of both requests. */
  request?: Record<string, string>
  first?: FetchInit
  second?: FetchInit
  /** What the origin does then: by default it answers 304 where it is asked conditionally, else 200. */
  origin?: number | 'down'
  /** The second answer's fields. */
  news?: Record<string, string>
  client?: FetchOptions
  /** The cache has a tier that others use, too. */
  shared?: boolean
}

export type Row = [name: string, given: Given, outcome: Outcome]

/** A date in HTTP, `seconds` from the start. */
export const at = (seconds: number) => new Date(START + seconds * 1000).toUTCString()

const DAY = 86_400
const TAG = '"1"'

export const LIFETIMES: Row[] = [
  ['max-age, in time', { cc: 'max-age=60', after: 59 }, 'hit'],
  ['max-age, at its end', { cc: 'max-age=60', after: 60 }, 'miss'],
  ['max-age, past it', { cc: 'max-age=60', after: 61 }, 'miss'],
  ['max-age in capitals', { cc: 'MAX-AGE=60', after: 59 }, 'hit'],
  ['max-age with leading zeros', { cc: 'max-age=0060', after: 59 }, 'hit'],
  ['max-age in quotes', { cc: 'max-age="60"', after: 59 }, 'hit'],
  ['max-age in quotes, past it', { cc: 'max-age="60"', after: 61 }, 'miss'],
  ['max-age in single quotes', { cc: "max-age='60'", after: 1 }, 'miss'],
  ['max-age of nothing', { cc: 'max-age=', after: 1 }, 'miss'],
  ['max-age without argument', { cc: 'max-age', after: 1 }, 'miss'],
  ['max-age of letters', { cc: 'max-age=abc', after: 1 }, 'miss'],
  ['max-age with letters behind', { cc: 'max-age=60s', after: 1 }, 'miss'],
  ['max-age below zero', { cc: 'max-age=-60', after: 1 }, 'miss'],
  ['max-age with a fraction', { cc: 'max-age=60.5', after: 1 }, 'miss'],
  ['max-age in hexadecimals', { cc: 'max-age=0x60', after: 1 }, 'miss'],
  ['max-age with an exponent', { cc: 'max-age=1e3', after: 1 }, 'miss'],
  ['max-age with a plus sign', { cc: 'max-age=+60', after: 1 }, 'miss'],
  ['max-age with a space before =', { cc: 'max-age =60', after: 1 }, 'miss'],
  ['max-age with a space behind =', { cc: 'max-age= 60', after: 1 }, 'miss'],
  ['max-age of more than can be', { cc: 'max-age=99999999999999999999', after: 10 * DAY }, 'hit'],
  ['max-age beyond 31 bits', { cc: 'max-age=2147483649', after: 10 * DAY }, 'hit'],
  ['max-age=0', { cc: 'max-age=0', after: 0 }, 'miss'],
  ['max-age=0, that can be asked about', { cc: 'max-age=0', etag: TAG, after: 0 }, 'revalidated'],
  ['the same max-age twice', { cc: 'max-age=60, max-age=60', after: 59 }, 'hit'],
  ['two that differ, the smaller first', { cc: 'max-age=10, max-age=60', after: 5 }, 'miss'],
  ['two that differ, the larger first', { cc: 'max-age=60, max-age=10', after: 5 }, 'miss'],
  ['max-age before Expires', { cc: 'max-age=60', answer: { date: at(0), expires: at(10) }, after: 30 }, 'hit'],
  ['max-age before a later Expires', { cc: 'max-age=10', answer: { date: at(0), expires: at(60) }, after: 30 }, 'miss'],
  ['max-age before an Expires that is none', { cc: 'max-age=60', answer: { expires: '0' }, after: 30 }, 'hit'],
  ['max-age=0 before an Expires in the future', { cc: 'max-age=0', answer: { date: at(0), expires: at(60) }, after: 1 }, 'miss'],
  ['an invalid max-age before Expires', { cc: 'max-age=x', answer: { date: at(0), expires: at(60) }, after: 1 }, 'miss'],
  ['a directive that nobody knows', { cc: 'max-age=60, foo="bar, no-store", baz', after: 59 }, 'hit'],
  ['a quoted directive that looks like another', { cc: 'foo="max-age=1", max-age=60', after: 59 }, 'hit'],
  ['a quoted max-age alone', { cc: 'foo="max-age=60"', answer: { expires: at(-1), date: at(0) }, after: 1 }, 'miss'],
  ['an escaped quote', { cc: 'foo="a\\", no-store, \\"b", max-age=60', after: 59 }, 'hit'],
  ['quotes that do not close', { cc: 'max-age=60, foo="bar', after: 1 }, 'miss'],
  ['quotes that do not close, before max-age', { cc: 'foo="bar, max-age=60', after: 1 }, 'miss'],
  ['commas without anything between', { cc: ',, max-age=60,, ,', after: 59 }, 'hit'],
  ['no space behind commas', { cc: 'public,max-age=60', after: 59 }, 'hit'],
  ['tabs around commas', { cc: 'public\t,\tmax-age=60', after: 59 }, 'hit'],
  ['semicolons instead of commas', { cc: 'public; max-age=60', answer: { expires: at(-1), date: at(0) }, after: 1 }, 'miss'],
  ['a name that ends like max-age', { cc: 'x-max-age=60', answer: { expires: at(-1), date: at(0) }, after: 1 }, 'miss'],
  ['s-maxage where nobody shares', { cc: 's-maxage=60', answer: { expires: at(-1), date: at(0) }, after: 1 }, 'miss'],
  ['max-age before s-maxage where nobody shares', { cc: 's-maxage=1, max-age=60', after: 59 }, 'hit'],
  ['s-maxage in a shared cache', { cc: 's-maxage=60, max-age=1', after: 59, shared: true }, 'hit'],
  ['s-maxage in a shared cache, past it', { cc: 's-maxage=1, max-age=60', after: 30, shared: true }, 'miss'],
  [
    's-maxage before Expires in a shared cache',
    { cc: 's-maxage=60', answer: { expires: at(-9), date: at(0) }, after: 59, shared: true },
    'hit',
  ],
  ['an invalid s-maxage in a shared cache', { cc: 's-maxage=x, max-age=60', after: 1, shared: true }, 'miss'],
  ['max-age in a shared cache', { cc: 'max-age=60', after: 59, shared: true }, 'hit'],
]

export const EXPIRES: Row[] = [
  ['Expires, in time', { answer: { date: at(0), expires: at(60) }, after: 59 }, 'hit'],
  ['Expires, at its end', { answer: { date: at(0), expires: at(60) }, after: 60 }, 'miss'],
  ['Expires without Date', { answer: { expires: at(60) }, after: 59 }, 'hit'],
  ['Expires in the past', { answer: { date: at(0), expires: at(-60) }, after: 0 }, 'miss'],
  ['Expires as old as Date', { answer: { date: at(0), expires: at(0) }, after: 0 }, 'miss'],
  ['Expires: 0', { answer: { expires: '0' }, after: 0 }, 'miss'],
  ['Expires: -1', { answer: { expires: '-1' }, after: 0 }, 'miss'],
  ['Expires of words', { answer: { expires: 'in a while' }, after: 0 }, 'miss'],
  ['Expires in ISO 8601', { answer: { expires: '2030-01-01T00:00:00Z' }, after: 0 }, 'miss'],
  ['Expires in the local time of somebody', { answer: { expires: 'Tue, 01 Jan 2030 00:00:00 +0100' }, after: 0 }, 'miss'],
  ['Expires in UTC by another name', { answer: { expires: 'Tue, 01 Jan 2030 00:00:00 UTC' }, after: 0 }, 'miss'],
  ['Expires with a day of one digit', { answer: { expires: 'Tue, 1 Jan 2030 00:00:00 GMT' }, after: 0 }, 'miss'],
  ['Expires on a day that no month has', { answer: { expires: 'Fri, 31 Feb 2030 00:00:00 GMT' }, after: 0 }, 'miss'],
  ['Expires at an hour that no day has', { answer: { expires: 'Tue, 01 Jan 2030 25:00:00 GMT' }, after: 0 }, 'miss'],
  ['Expires by RFC 850', { answer: { date: at(0), expires: 'Monday, 15-Jun-26 12:01:00 GMT' }, after: 59 }, 'hit'],
  ['Expires by RFC 850, past it', { answer: { date: at(0), expires: 'Monday, 15-Jun-26 12:01:00 GMT' }, after: 61 }, 'miss'],
  ['Expires by RFC 850 in the last century', { answer: { date: at(0), expires: 'Monday, 15-Jun-94 12:01:00 GMT' }, after: 0 }, 'miss'],
  ['Expires by asctime', { answer: { date: at(0), expires: 'Mon Jun 15 12:01:00 2026' }, after: 59 }, 'hit'],
  ['Expires by asctime, with a day of one digit', { answer: { date: at(0), expires: 'Wed Jul  1 00:00:00 2026' }, after: DAY }, 'hit'],
  ['two Expires', { answer: { date: at(0), expires: `${at(60)}, ${at(90)}` }, after: 1 }, 'miss'],
  ['an origin whose clock is behind', { answer: { date: at(-3600), expires: at(-3540) }, after: 0 }, 'miss'],
  ['an origin whose clock is ahead', { answer: { date: at(3600), expires: at(3660) }, after: 59 }, 'hit'],
  ['an origin whose clock is ahead, past it', { answer: { date: at(3600), expires: at(3660) }, after: 60 }, 'miss'],
]

export const AGES: Row[] = [
  ['Age takes from max-age', { cc: 'max-age=60', answer: { age: '30' }, after: 29 }, 'hit'],
  ['Age takes from max-age, past it', { cc: 'max-age=60', answer: { age: '30' }, after: 30 }, 'miss'],
  ['Age above max-age', { cc: 'max-age=60', answer: { age: '90' }, after: 0 }, 'miss'],
  ['Age above max-age, that can be asked about', { cc: 'max-age=60', etag: TAG, answer: { age: '90' }, after: 0 }, 'revalidated'],
  ['Age: 0', { cc: 'max-age=60', answer: { age: '0' }, after: 59 }, 'hit'],
  ['Age below zero', { cc: 'max-age=60', answer: { age: '-50' }, after: 59 }, 'hit'],
  ['Age of letters', { cc: 'max-age=60', answer: { age: 'old' }, after: 59 }, 'hit'],
  ['Age with a fraction', { cc: 'max-age=60', answer: { age: '59.9' }, after: 59 }, 'hit'],
  ['two Ages: the first', { cc: 'max-age=60', answer: { age: '30, 1' }, after: 40 }, 'miss'],
  ['two Ages: the first, smaller', { cc: 'max-age=60', answer: { age: '1, 50' }, after: 40 }, 'hit'],
  ['Age without end', { cc: 'max-age=60', answer: { age: '99999999999999' }, after: 0 }, 'miss'],
  ['Age takes from s-maxage', { cc: 's-maxage=60', answer: { age: '30' }, after: 31, shared: true }, 'miss'],
  ['Age takes from Expires', { answer: { date: at(0), expires: at(60), age: '30' }, after: 31 }, 'miss'],
  ['a Date in the past is an age', { cc: 'max-age=60', answer: { date: at(-30) }, after: 31 }, 'miss'],
  ['a Date in the past is an age, in time', { cc: 'max-age=60', answer: { date: at(-30) }, after: 29 }, 'hit'],
  ['the greater of Date and Age: Date', { cc: 'max-age=60', answer: { date: at(-50), age: '5' }, after: 11 }, 'miss'],
  ['the greater of Date and Age: Age', { cc: 'max-age=60', answer: { date: at(-5), age: '50' }, after: 11 }, 'miss'],
  ['a Date in the future makes nothing younger', { cc: 'max-age=60', answer: { date: at(600) }, after: 61 }, 'miss'],
  ['a Date in the future takes nothing away', { cc: 'max-age=60', answer: { date: at(600) }, after: 59 }, 'hit'],
  ['a Date that is none', { cc: 'max-age=60', answer: { date: 'today' }, after: 59 }, 'hit'],
]

export const HEURISTICS: Row[] = [
  ['a tenth of the time since the last change', { answer: { date: at(0), 'last-modified': at(-1000) }, after: 99 }, 'hit'],
  ['a tenth, past it', { answer: { date: at(0), 'last-modified': at(-1000) }, after: 101 }, 'revalidated'],
  ['at most a day', { answer: { date: at(0), 'last-modified': at(-1000 * DAY) }, after: DAY - 1 }, 'hit'],
  ['at most a day, past it', { answer: { date: at(0), 'last-modified': at(-1000 * DAY) }, after: DAY + 1 }, 'revalidated'],
  ['a share of one’s own', { answer: { 'last-modified': at(-1000) }, after: 499, client: { heuristic: { fraction: 0.5 } } }, 'hit'],
  [
    'a share of one’s own, past it',
    { answer: { 'last-modified': at(-1000) }, after: 501, client: { heuristic: { fraction: 0.5 } } },
    'revalidated',
  ],
  [
    'at most as long as one says',
    { answer: { 'last-modified': at(-1e6) }, after: 61, client: { heuristic: { maxAge: '1m' } } },
    'revalidated',
  ],
  ['none: then the cache says', { answer: { 'last-modified': at(-1000) }, after: 500, client: { heuristic: false } }, 'hit'],
  ['a last change in the future: then the cache says', { answer: { 'last-modified': at(1000) }, after: 500 }, 'hit'],
  ['nothing but a body: as long as the cache says', { after: 3599 }, 'hit'],
  ['nothing but a body, past it', { after: 3601 }, 'miss'],
  ['nothing but a tag, past what the cache says', { etag: TAG, after: 3601 }, 'revalidated'],
  ['no heuristic where max-age speaks', { cc: 'max-age=1', answer: { 'last-modified': at(-1000) }, after: 50 }, 'revalidated'],
  ['public alone: as long as the cache says', { cc: 'public', after: 3599 }, 'hit'],
  ['the caller’s time before that of the origin', { cc: 'max-age=1', after: 59, client: { ttl: '1m' } }, 'hit'],
  ['the caller’s time is over', { cc: 'max-age=600', after: 61, client: { ttl: '1m' } }, 'miss'],
  ['the caller’s time for one request', { cc: 'max-age=1', after: 59, first: { ttl: '1m' } }, 'hit'],
  ['the caller’s time counts from when it came', { cc: 'max-age=600', answer: { age: '500' }, after: 59, client: { ttl: '1m' } }, 'hit'],
  ['the caller’s time keeps nothing that must not be kept', { cc: 'no-store', after: 1, client: { ttl: '1m' } }, 'miss'],
  ['the caller’s time is for what succeeds', { status: 404, after: 1, client: { ttl: '1m' } }, 'miss'],
]

export const STORING: Row[] = [
  ['no-store', { cc: 'no-store, max-age=60', after: 1 }, 'miss'],
  ['No-Store', { cc: 'No-Store', after: 1 }, 'miss'],
  ['no-store with an argument', { cc: 'no-store=x, max-age=60', after: 1 }, 'miss'],
  ['no-store with words behind', { cc: 'no-store for you, max-age=60', after: 1 }, 'miss'],
  ['no-store in quotes of another', { cc: 'x="no-store", max-age=60', after: 1 }, 'hit'],
  [
    'a request that says no-store leaves nothing',
    { cc: 'max-age=60', first: { headers: { 'cache-control': 'no-store' } }, after: 1 },
    'miss',
  ],
  ['a request that says no-store takes nothing', { cc: 'max-age=60', ask: 'no-store', after: 1 }, 'miss'],
  ['private where nobody shares', { cc: 'private, max-age=60', after: 59 }, 'hit'],
  ['private in a shared cache', { cc: 'private, max-age=60', after: 1, shared: true }, 'miss'],
  ['Private, in capitals, in a shared cache', { cc: 'PRIVATE, max-age=60', after: 1, shared: true }, 'miss'],
  ['private with an empty list, in a shared cache', { cc: 'private="", max-age=60', after: 1, shared: true }, 'miss'],
  ['private beside public, in a shared cache', { cc: 'public, private, max-age=60', after: 1, shared: true }, 'miss'],
  [
    'private for one field, in a shared cache',
    { cc: 'private="x-user", max-age=60', answer: { 'x-user': 'me' }, after: 59, shared: true },
    'hit',
  ],
  ['private for everything and one field', { cc: 'private="x-user", private, max-age=60', after: 1, shared: true }, 'miss'],
  [
    'private in a shared cache, within a partition',
    { cc: 'private, max-age=60', after: 59, shared: true, client: { partition: 'me' } },
    'hit',
  ],
  [
    's-maxage means nothing within a partition',
    { cc: 's-maxage=1, max-age=60', after: 59, shared: true, client: { partition: 'me' } },
    'hit',
  ],
  ['a body that only its connection ends', { cc: 'max-age=60', answer: { connection: 'close' }, after: 1 }, 'miss'],
  ['the same where the caller says how long', { answer: { connection: 'close' }, client: { ttl: '1m' }, after: 1 }, 'miss'],
  ['the same, with its length', { cc: 'max-age=60', answer: { connection: 'close', 'content-length': '2' }, after: 1 }, 'hit'],
  ['the same, in chunks', { cc: 'max-age=60', answer: { connection: 'close', 'transfer-encoding': 'chunked' }, after: 1 }, 'hit'],
  ['the same, without a body', { cc: 'max-age=60', status: 204, answer: { connection: 'close' }, after: 1 }, 'hit'],
  ['a transfer coding that nobody undoes', { cc: 'max-age=60', answer: { 'transfer-encoding': 'gzip, chunked' }, after: 1 }, 'miss'],
  ['Set-Cookie', { cc: 'max-age=60', answer: { 'set-cookie': 'a=b' }, after: 1 }, 'miss'],
  ['Set-Cookie, public', { cc: 'public, max-age=60', answer: { 'set-cookie': 'a=b' }, after: 1, shared: true }, 'miss'],
  ['Set-Cookie, excepted', { cc: 'no-cache="set-cookie", max-age=60', answer: { 'set-cookie': 'a=b' }, after: 1 }, 'miss'],
  ['Set-Cookie within a partition', { cc: 'max-age=60', answer: { 'set-cookie': 'a=b' }, after: 1, client: { partition: 'me' } }, 'miss'],
  [
    'Set-Cookie, and a client that takes it stale',
    { cc: 'max-age=1', answer: { 'set-cookie': 'a=b' }, ask: 'max-stale', after: 2, shared: true },
    'miss',
  ],
  ['must-understand beside no-store, and a status that is known', { cc: 'must-understand, no-store, max-age=60', after: 59 }, 'hit'],
  ['must-understand beside no-store, and one that is not', { cc: 'must-understand, no-store, max-age=60', status: 299, after: 1 }, 'miss'],
  ['must-understand and a status that is not known', { cc: 'must-understand, max-age=60', status: 299, after: 1 }, 'miss'],
  ['immutable', { cc: 'max-age=60, immutable', after: 59 }, 'hit'],
  ['immutable, past its time', { cc: 'max-age=60, immutable', after: 61 }, 'miss'],
  ['immutable is not asked about on a reload of the page', { cc: 'max-age=60, immutable', etag: TAG, ask: 'max-age=0', after: 1 }, 'hit'],
  ['immutable, past its time, is', { cc: 'max-age=60, immutable', etag: TAG, ask: 'max-age=0', after: 61 }, 'revalidated'],
  ['no-transform changes nothing here', { cc: 'no-transform, max-age=60', after: 59 }, 'hit'],
  ['Pragma: no-cache in an answer', { answer: { pragma: 'no-cache' }, after: 1 }, 'miss'],
  ['Pragma: no-cache beside Cache-Control', { cc: 'max-age=60', answer: { pragma: 'no-cache' }, after: 59 }, 'hit'],
  ['a request for a part', { cc: 'max-age=60', first: { headers: { range: 'bytes=0-1' } }, after: 1 }, 'miss'],
  ['a part is not given from the cache', { cc: 'max-age=60', second: { headers: { range: 'bytes=0-1' } }, after: 1 }, 'miss'],
  ['the answer to POST', { cc: 'max-age=60', first: { method: 'POST', body: 'x' }, after: 1 }, 'miss'],
  ['the answer to HEAD', { cc: 'max-age=60', first: { method: 'HEAD' }, after: 1 }, 'miss'],
  ['the answer to GET, for HEAD', { cc: 'max-age=60', second: { method: 'HEAD' }, after: 59 }, 'hit'],
  ['the answer to GET, for HEAD, past its time', { cc: 'max-age=60', second: { method: 'HEAD' }, after: 61 }, 'miss'],
  [
    'a condition of the caller’s own',
    { cc: 'max-age=60', etag: TAG, second: { headers: { 'if-none-match': TAG } }, after: 1, origin: 200 },
    'miss',
  ],
]

const status = (code: number, cc: string | undefined, outcome: Outcome, shared = false): Row => [
  `${code}${cc === undefined ? '' : ` with ${cc}`}${shared ? ', shared' : ''}`,
  { status: code, ...(cc !== undefined && { cc }), after: 30, shared },
  outcome,
]

export const STATUSES: Row[] = [
  status(200, 'max-age=60', 'hit'),
  status(201, undefined, 'miss'),
  status(201, 'max-age=60', 'hit'),
  status(202, undefined, 'miss'),
  status(203, 'max-age=60', 'hit'),
  status(204, 'max-age=60', 'hit'),
  status(206, 'max-age=60', 'miss'),
  status(299, 'max-age=60', 'hit'),
  status(300, 'max-age=60', 'hit'),
  status(301, 'max-age=60', 'hit'),
  status(302, undefined, 'miss'),
  status(302, 'max-age=60', 'hit'),
  status(303, undefined, 'miss'),
  status(304, 'max-age=60', 'miss'),
  status(307, undefined, 'miss'),
  status(308, 'max-age=60', 'hit'),
  status(400, undefined, 'miss'),
  status(401, undefined, 'miss'),
  status(403, undefined, 'miss'),
  status(403, 'max-age=60', 'hit'),
  status(404, undefined, 'miss'),
  status(404, 'max-age=60', 'hit'),
  status(404, 'no-store', 'miss'),
  status(410, 'max-age=60', 'hit'),
  status(414, 'max-age=60', 'hit'),
  status(418, 's-maxage=60', 'hit', true),
  status(418, 's-maxage=60', 'miss'),
  status(501, 'max-age=60', 'hit'),
  status(599, 'max-age=60', 'hit'),
]

export const REQUESTS: Row[] = [
  ['no-cache, that cannot be asked about', { cc: 'max-age=60', ask: 'no-cache', after: 1 }, 'miss'],
  ['no-cache, that can', { cc: 'max-age=60', etag: TAG, ask: 'no-cache', after: 1 }, 'revalidated'],
  ['Pragma: no-cache', { cc: 'max-age=60', etag: TAG, second: { headers: { pragma: 'no-cache' } }, after: 1 }, 'revalidated'],
  [
    'Pragma: no-cache beside Cache-Control',
    { cc: 'max-age=60', etag: TAG, second: { headers: { pragma: 'no-cache', 'cache-control': 'max-age=10' } }, after: 1 },
    'hit',
  ],
  ['max-age=0', { cc: 'max-age=60', etag: TAG, ask: 'max-age=0', after: 0 }, 'revalidated'],
  ['max-age, young enough', { cc: 'max-age=60', ask: 'max-age=30', after: 30 }, 'hit'],
  ['max-age, too old', { cc: 'max-age=60', etag: TAG, ask: 'max-age=30', after: 31 }, 'revalidated'],
  ['max-age above that of the answer', { cc: 'max-age=60', etag: TAG, ask: 'max-age=600', after: 61 }, 'revalidated'],
  ['max-age counts Age', { cc: 'max-age=60', etag: TAG, answer: { age: '25' }, ask: 'max-age=30', after: 6 }, 'revalidated'],
  ['max-age that is none', { cc: 'max-age=60', etag: TAG, ask: 'max-age=x', after: 1 }, 'revalidated'],
  ['min-fresh, enough left', { cc: 'max-age=60', ask: 'min-fresh=30', after: 30 }, 'hit'],
  ['min-fresh, too little left', { cc: 'max-age=60', etag: TAG, ask: 'min-fresh=30', after: 31 }, 'revalidated'],
  ['min-fresh above all', { cc: 'max-age=60', etag: TAG, ask: 'min-fresh=61', after: 0 }, 'revalidated'],
  ['min-fresh that is none', { cc: 'max-age=60', etag: TAG, ask: 'min-fresh=x', after: 0 }, 'revalidated'],
  ['min-fresh where the cache says how long', { ask: 'min-fresh=10', after: 1 }, 'hit'],
  ['max-stale, without limit', { cc: 'max-age=60', etag: TAG, ask: 'max-stale', after: 6000 }, 'stale'],
  ['max-stale, within it', { cc: 'max-age=60', etag: TAG, ask: 'max-stale=30', after: 89 }, 'stale'],
  ['max-stale, past it', { cc: 'max-age=60', etag: TAG, ask: 'max-stale=30', after: 91 }, 'revalidated'],
  ['max-stale that is none', { cc: 'max-age=60', etag: TAG, ask: 'max-stale=x', after: 61 }, 'revalidated'],
  ['max-stale of what is fresh', { cc: 'max-age=60', ask: 'max-stale=30', after: 59 }, 'hit'],
  ['max-stale against must-revalidate', { cc: 'max-age=60, must-revalidate', etag: TAG, ask: 'max-stale', after: 61 }, 'revalidated'],
  [
    'max-stale against proxy-revalidate, where nobody shares',
    { cc: 'max-age=60, proxy-revalidate', etag: TAG, ask: 'max-stale', after: 61 },
    'stale',
  ],
  [
    'max-stale against proxy-revalidate, shared',
    { cc: 'max-age=60, proxy-revalidate', etag: TAG, ask: 'max-stale', after: 61, shared: true },
    'revalidated',
  ],
  ['max-stale against s-maxage, shared', { cc: 's-maxage=60', etag: TAG, ask: 'max-stale', after: 61, shared: true }, 'revalidated'],
  ['max-stale against no-cache of the answer', { cc: 'no-cache, max-age=60', etag: TAG, ask: 'max-stale', after: 61 }, 'revalidated'],
  ['max-stale and max-age together', { cc: 'max-age=60', etag: TAG, ask: 'max-stale=600, max-age=60', after: 90 }, 'revalidated'],
  ['max-stale and min-fresh together', { cc: 'max-age=60', etag: TAG, ask: 'max-stale=600, min-fresh=1', after: 90 }, 'revalidated'],
  ['only-if-cached, there', { cc: 'max-age=60', ask: 'only-if-cached', after: 59 }, 'hit'],
  ['only-if-cached, too old', { cc: 'max-age=60', etag: TAG, ask: 'only-if-cached', after: 61 }, 'gateway'],
  ['only-if-cached, too old, and that is fine', { cc: 'max-age=60', etag: TAG, ask: 'only-if-cached, max-stale', after: 61 }, 'stale'],
  ['only-if-cached, not there', { cc: 'no-store', ask: 'only-if-cached', after: 1 }, 'gateway'],
  ['a directive that nobody knows', { cc: 'max-age=60', ask: 'foo=bar', after: 59 }, 'hit'],
]

export const MODES: Row[] = [
  ['default', { cc: 'max-age=60', second: { cache: 'default' }, after: 59 }, 'hit'],
  ['no-store takes nothing', { cc: 'max-age=60', second: { cache: 'no-store' }, after: 1 }, 'miss'],
  ['no-store leaves nothing', { cc: 'max-age=60', first: { cache: 'no-store' }, after: 1 }, 'miss'],
  ['reload asks for all of it', { cc: 'max-age=60', etag: TAG, second: { cache: 'reload' }, after: 1 }, 'miss'],
  ['reload leaves something', { cc: 'max-age=60', first: { cache: 'reload' }, after: 59 }, 'hit'],
  ['no-cache asks whether it is right', { cc: 'max-age=60', etag: TAG, second: { cache: 'no-cache' }, after: 1 }, 'revalidated'],
  ['no-cache where nothing can be asked', { cc: 'max-age=60', second: { cache: 'no-cache' }, after: 1 }, 'miss'],
  ['force-cache takes what is fresh', { cc: 'max-age=60', second: { cache: 'force-cache' }, after: 59 }, 'hit'],
  ['force-cache takes what is stale', { cc: 'max-age=60', etag: TAG, second: { cache: 'force-cache' }, after: 61 }, 'stale'],
  ['force-cache sends where nothing is', { cc: 'no-store', second: { cache: 'force-cache' }, after: 1 }, 'miss'],
  ['force-cache leaves something', { cc: 'max-age=60', first: { cache: 'force-cache' }, after: 59 }, 'hit'],
  ['only-if-cached takes what is fresh', { cc: 'max-age=60', second: { cache: 'only-if-cached' }, after: 59 }, 'hit'],
  ['only-if-cached takes what is stale', { cc: 'max-age=60', etag: TAG, second: { cache: 'only-if-cached' }, after: 61 }, 'stale'],
  ['only-if-cached where nothing is', { cc: 'no-store', second: { cache: 'only-if-cached' }, after: 1 }, 'gateway'],
  ['only-if-cached for HEAD', { cc: 'max-age=60', second: { cache: 'only-if-cached', method: 'HEAD' }, after: 59 }, 'hit'],
  ['redirects that are not followed', { cc: 'max-age=60', second: { redirect: 'manual' }, after: 1 }, 'miss'],
  ['integrity that was not checked', { cc: 'max-age=60', second: { integrity: 'sha256-x' }, after: 1 }, 'miss'],
]

export const REVALIDATION: Row[] = [
  ['no-cache is asked about each time', { cc: 'no-cache', etag: TAG, after: 1 }, 'revalidated'],
  ['no-cache before max-age', { cc: 'no-cache, max-age=60', etag: TAG, after: 1 }, 'revalidated'],
  ['no-cache in capitals', { cc: 'NO-CACHE, max-age=60', etag: TAG, after: 1 }, 'revalidated'],
  ['no-cache with words behind', { cc: 'no-cache please, max-age=60', etag: TAG, after: 1 }, 'revalidated'],
  ['no-cache with an empty list', { cc: 'no-cache="", max-age=60', etag: TAG, after: 1 }, 'revalidated'],
  ['no-cache for one field', { cc: 'no-cache="x-once", max-age=60', answer: { 'x-once': '1' }, after: 59 }, 'hit'],
  ['no-cache for one field, without quotes', { cc: 'no-cache=x-once, max-age=60', answer: { 'x-once': '1' }, after: 59 }, 'hit'],
  ['no-cache and nothing to ask by', { cc: 'no-cache, max-age=60', after: 1 }, 'miss'],
  ['an ETag', { cc: 'max-age=60', etag: TAG, after: 61 }, 'revalidated'],
  ['a weak ETag', { cc: 'max-age=60', etag: 'W/"1"', after: 61 }, 'revalidated'],
  ['an ETag without quotes', { cc: 'max-age=60', etag: '1', after: 61 }, 'miss'],
  ['Last-Modified', { cc: 'max-age=60', answer: { 'last-modified': at(-1000) }, after: 61 }, 'revalidated'],
  ['neither', { cc: 'max-age=60', after: 61 }, 'miss'],
  ['a new answer', { cc: 'max-age=60', etag: TAG, after: 61, origin: 200 }, 'miss'],
  ['another status', { cc: 'max-age=60', etag: TAG, after: 61, origin: 404 }, 'miss'],
  ['a confirmation of the tag in its weak form', { cc: 'max-age=60', etag: TAG, after: 61, news: { etag: 'W/"1"' } }, 'revalidated'],
  ['a confirmation of something else', { cc: 'max-age=60', etag: TAG, after: 61, news: { etag: '"2"' } }, 'miss'],
  ['must-revalidate, in time', { cc: 'max-age=60, must-revalidate', after: 59 }, 'hit'],
  ['must-revalidate, past it', { cc: 'max-age=60, must-revalidate', etag: TAG, after: 61 }, 'revalidated'],
  ['must-revalidate without max-age, shared', { cc: 'must-revalidate', etag: TAG, after: 1, shared: true }, 'hit'],
]

export const STALE: Row[] = [
  ['stale-while-revalidate, within it', { cc: 'max-age=60, stale-while-revalidate=30', after: 89 }, 'background'],
  ['stale-while-revalidate, past it', { cc: 'max-age=60, stale-while-revalidate=30', after: 91 }, 'miss'],
  ['stale-while-revalidate of what is fresh', { cc: 'max-age=60, stale-while-revalidate=30', after: 59 }, 'hit'],
  ['stale-while-revalidate=0', { cc: 'max-age=60, stale-while-revalidate=0', after: 60 }, 'miss'],
  ['stale-while-revalidate that is none', { cc: 'max-age=60, stale-while-revalidate=x', after: 61 }, 'miss'],
  ['stale-while-revalidate with max-age=0', { cc: 'max-age=0, stale-while-revalidate=30', after: 1 }, 'background'],
  ['stale-while-revalidate against must-revalidate', { cc: 'max-age=60, stale-while-revalidate=30, must-revalidate', after: 61 }, 'miss'],
  ['stale-while-revalidate against no-cache', { cc: 'no-cache, stale-while-revalidate=30', etag: TAG, after: 1 }, 'revalidated'],
  [
    'stale-while-revalidate against proxy-revalidate, shared',
    { cc: 'max-age=60, stale-while-revalidate=30, proxy-revalidate', after: 61, shared: true },
    'miss',
  ],
  [
    'stale-while-revalidate against max-age of the request',
    { cc: 'max-age=60, stale-while-revalidate=30', ask: 'max-age=600', after: 61 },
    'miss',
  ],
  [
    'stale-while-revalidate against no-cache of the request',
    { cc: 'max-age=60, stale-while-revalidate=30', ask: 'no-cache', after: 61 },
    'miss',
  ],
  ['stale-while-revalidate of the caller', { cc: 'max-age=60', after: 89, client: { staleWhileRevalidate: '30s' } }, 'background'],
  [
    'stale-while-revalidate of the origin before that of the caller',
    { cc: 'max-age=60, stale-while-revalidate=1', after: 70, client: { staleWhileRevalidate: '30s' } },
    'miss',
  ],
  [
    'stale-while-revalidate of the caller against must-revalidate',
    { cc: 'max-age=60, must-revalidate', after: 61, client: { staleWhileRevalidate: '30s' } },
    'miss',
  ],
  ['stale-if-error, a 503', { cc: 'max-age=60, stale-if-error=30', after: 89, origin: 503 }, 'stale'],
  ['stale-if-error, a 500', { cc: 'max-age=60, stale-if-error=30', after: 89, origin: 500 }, 'stale'],
  ['stale-if-error, a 502', { cc: 'max-age=60, stale-if-error=30', after: 89, origin: 502 }, 'stale'],
  ['stale-if-error, a 504', { cc: 'max-age=60, stale-if-error=30', after: 89, origin: 504 }, 'stale'],
  ['stale-if-error, a 404', { cc: 'max-age=60, stale-if-error=30', after: 89, origin: 404 }, 'miss'],
  ['stale-if-error, a 501', { cc: 'max-age=60, stale-if-error=30', after: 89, origin: 501 }, 'miss'],
  ['stale-if-error, past it', { cc: 'max-age=60, stale-if-error=30', after: 91, origin: 503 }, 'miss'],
  ['stale-if-error, nobody answers', { cc: 'max-age=60, stale-if-error=30', after: 89, origin: 'down' }, 'stale'],
  ['stale-if-error, nobody answers, past it', { cc: 'max-age=60, stale-if-error=30', after: 91, origin: 'down' }, 'error'],
  ['stale-if-error, and nothing fails', { cc: 'max-age=60, stale-if-error=30', after: 61, origin: 200 }, 'miss'],
  ['stale-if-error against must-revalidate', { cc: 'max-age=60, stale-if-error=30, must-revalidate', after: 61, origin: 'down' }, 'error'],
  ['stale-if-error against no-cache', { cc: 'no-cache, stale-if-error=30', etag: TAG, after: 1, origin: 'down' }, 'error'],
  ['stale-if-error of the request', { cc: 'max-age=60', etag: TAG, ask: 'stale-if-error=30', after: 89, origin: 'down' }, 'stale'],
  ['stale-if-error of the request, past it', { cc: 'max-age=60', etag: TAG, ask: 'stale-if-error=30', after: 91, origin: 'down' }, 'error'],
  ['stale-if-error of the caller', { cc: 'max-age=60', after: 3600, origin: 'down', client: { staleIfError: '7d' } }, 'stale'],
  [
    'stale-if-error of the caller against must-revalidate',
    { cc: 'max-age=60, must-revalidate', after: 61, origin: 'down', client: { staleIfError: '7d' } },
    'error',
  ],
  ['nobody answers and nothing allows what is stale', { cc: 'max-age=60', etag: TAG, after: 61, origin: 'down' }, 'error'],
  ['what is fresh needs nobody', { cc: 'max-age=60', after: 59, origin: 'down' }, 'hit'],
  [
    'no-cache of the request is not answered by what is stale',
    { cc: 'max-age=60, stale-if-error=30', ask: 'no-cache', after: 1, origin: 'down' },
    'error',
  ],
]

const AUTHORIZED = { authorization: 'Bearer me' }

export const PERSONAL: Row[] = [
  ['Authorization', { cc: 'max-age=60', request: AUTHORIZED, after: 1 }, 'miss'],
  ['Authorization, public', { cc: 'public, max-age=60', request: AUTHORIZED, after: 1 }, 'miss'],
  ['Authorization within a partition', { cc: 'max-age=60', request: AUTHORIZED, after: 59, client: { partition: 'me' } }, 'hit'],
  [
    'Authorization within a partition of a shared cache',
    { cc: 'max-age=60', request: AUTHORIZED, after: 59, shared: true, client: { partition: 'me' } },
    'hit',
  ],
  ['Cookie', { cc: 'max-age=60', request: { cookie: 'a=b' }, after: 1 }, 'miss'],
  ['Cookie within a partition', { cc: 'max-age=60', request: { cookie: 'a=b' }, after: 59, client: { partition: 'me' } }, 'hit'],
  ['credentials', { cc: 'max-age=60', first: { credentials: 'include' }, second: { credentials: 'include' }, after: 1 }, 'miss'],
  [
    'credentials within a partition',
    { cc: 'max-age=60', first: { credentials: 'include' }, second: { credentials: 'include' }, after: 59, client: { partition: 'me' } },
    'hit',
  ],
  ['a key of the caller’s own', { cc: 'max-age=60', request: { 'x-api-key': 'a' }, after: 1 }, 'miss'],
  [
    'a key of the caller’s own within a partition',
    { cc: 'max-age=60', request: { 'x-api-key': 'a' }, after: 59, client: { partition: 'me' } },
    'hit',
  ],
  ['another partition', { cc: 'max-age=60', first: { partition: 'a' }, second: { partition: 'b' }, after: 1 }, 'miss'],
  ['the same partition', { cc: 'max-age=60', first: { partition: 'a' }, second: { partition: 'a' }, after: 59 }, 'hit'],
  ['a partition and none', { cc: 'max-age=60', first: { partition: 'a' }, after: 1 }, 'miss'],
  ['none and a partition', { cc: 'max-age=60', second: { partition: 'a' }, after: 1 }, 'miss'],
  [
    'partitions that would run together',
    { cc: 'max-age=60', first: { partition: 'a"\naccept: b' }, second: { partition: 'a', headers: { accept: 'b' } }, after: 1 },
    'miss',
  ],
]

const vary = (
  name: string,
  fields: string,
  first: Record<string, string>,
  second: Record<string, string>,
  outcome: Outcome,
  partition?: string,
): Row => [
  `Vary: ${fields}, ${name}`,
  {
    cc: 'max-age=60',
    answer: { vary: fields },
    first: { headers: first },
    second: { headers: second },
    after: 30,
    ...(partition !== undefined && { client: { partition } }),
  },
  outcome,
]

export const VARIANTS: Row[] = [
  vary('nothing is said', '*', {}, {}, 'miss'),
  vary('beside others', 'accept, *', {}, {}, 'miss'),
  vary('alike', 'user-agent', { 'user-agent': 'a' }, { 'user-agent': 'a' }, 'hit'),
  vary('unlike', 'user-agent', { 'user-agent': 'a' }, { 'user-agent': 'b' }, 'miss'),
  vary('there once, and not again', 'user-agent', { 'user-agent': 'a' }, {}, 'miss'),
  vary('not there, and then', 'user-agent', {}, { 'user-agent': 'a' }, 'miss'),
  vary('never there', 'user-agent', {}, {}, 'hit'),
  vary('in capitals', 'User-Agent', { 'user-agent': 'a' }, { 'USER-AGENT': 'a' }, 'hit'),
  vary('values in capitals', 'user-agent', { 'user-agent': 'a' }, { 'user-agent': 'A' }, 'miss'),
  vary('more space', 'user-agent', { 'user-agent': 'a b' }, { 'user-agent': 'a   b' }, 'hit'),
  vary('more space around commas', 'priority', { priority: 'u=1,i' }, { priority: 'u=1 , i' }, 'hit'),
  vary('two fields alike', 'user-agent, dnt', { 'user-agent': 'a', dnt: '1' }, { 'user-agent': 'a', dnt: '1' }, 'hit'),
  vary('one of two unlike', 'user-agent, dnt', { 'user-agent': 'a', dnt: '1' }, { 'user-agent': 'a', dnt: '0' }, 'miss'),
  vary('another field unlike', 'dnt', { 'user-agent': 'a', dnt: '1' }, { 'user-agent': 'b', dnt: '1' }, 'hit'),
  vary('empty', '', { 'user-agent': 'a' }, { 'user-agent': 'b' }, 'hit'),
  vary('codings are undone', 'accept-encoding', { 'accept-encoding': 'gzip' }, { 'accept-encoding': 'br' }, 'hit'),
  vary('alike', 'accept-language', { 'accept-language': 'de' }, { 'accept-language': 'de' }, 'hit'),
  vary('unlike', 'accept-language', { 'accept-language': 'de' }, { 'accept-language': 'en' }, 'miss'),
  vary('unlike though nothing is said of it', 'dnt', { accept: 'text/html' }, { accept: 'application/json' }, 'miss'),
  vary('unlike, within a partition', 'cookie', { cookie: 'a' }, { cookie: 'b' }, 'miss', 'me'),
  vary('alike, within a partition', 'cookie', { cookie: 'a' }, { cookie: 'a' }, 'hit', 'me'),
  vary('unlike, within a partition', 'authorization', AUTHORIZED, { authorization: 'Bearer you' }, 'miss', 'me'),
  vary('no value looks like none', 'user-agent', { 'user-agent': 'none' }, {}, 'miss'),
  vary('no value looks like another field', 'dnt, user-agent', { dnt: '1' }, { dnt: '1 user-agent: none' }, 'miss'),
]

export const TABLE: Readonly<Record<string, readonly Row[]>> = {
  'how long': LIFETIMES,
  Expires: EXPIRES,
  'how old': AGES,
  'nothing said': HEURISTICS,
  'what is kept': STORING,
  statuses: STATUSES,
  'what a request says': REQUESTS,
  modes: MODES,
  'asking again': REVALIDATION,
  'past its time': STALE,
  'for whom': PERSONAL,
  variants: VARIANTS,
}
