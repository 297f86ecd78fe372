/** The headers that tell caches how long an answer of yours may be kept. */

import { InvalidArgumentError } from '../errors.ts'
import { type Duration, durationOrZeroMs, optionsObject } from '../options.ts'

/** What a cache may do with an answer. Durations become whole seconds, rounded down. */
export interface CacheDirectives {
  /** How long it is fresh. `Infinity`: a year, which is as good. */
  maxAge?: Duration
  /** The same for caches that many use, such as those of a CDN. */
  sMaxAge?: Duration
  /** For so long after that it may be given while a new one is fetched. */
  staleWhileRevalidate?: Duration
  /** For so long after that it may be given when its origin fails. */
  staleIfError?: Duration
  /** It is for everybody, even where the request said who asks. */
  public?: boolean
  /** It is for one user, or these header fields of it are. */
  private?: boolean | readonly string[]
  /** It must not be given before its origin has confirmed it, or these header fields of it must not. */
  noCache?: boolean | readonly string[]
  /** It must not be kept. */
  noStore?: boolean
  /** It must not be given past its time, even when its origin cannot be reached. */
  mustRevalidate?: boolean
  /** The same for caches that many use. */
  proxyRevalidate?: boolean
  /** It may be kept only by caches that know its status; those go by this, and not by a `noStore` beside it. */
  mustUnderstand?: boolean
  /** It never changes while it is fresh, so that reloading a page does not ask about it. */
  immutable?: boolean
  /** It must be given as it is: no images made smaller, no text compressed anew. */
  noTransform?: boolean
}

/** Options of {@link cacheControl}. */
export interface CacheControlOptions extends CacheDirectives {
  /** What CDNs go by instead: becomes `CDN-Cache-Control` (RFC 9213). */
  cdn?: CacheDirectives
  /** What CDNs that know only `Surrogate-Control` go by instead. They take it away before they pass the answer on. */
  surrogate?: CacheDirectives
}

const YEAR_S = 31_536_000

/** In the order in which they are written. */
const FLAGS: readonly (readonly [name: keyof CacheDirectives, directive: string])[] = [
  ['public', 'public'],
  ['private', 'private'],
  ['noStore', 'no-store'],
  ['noCache', 'no-cache'],
]
const TIMES: readonly (readonly [name: 'maxAge' | 'sMaxAge' | 'staleWhileRevalidate' | 'staleIfError', directive: string])[] = [
  ['maxAge', 'max-age'],
  ['sMaxAge', 's-maxage'],
  ['staleWhileRevalidate', 'stale-while-revalidate'],
  ['staleIfError', 'stale-if-error'],
]
const LATER_FLAGS: typeof FLAGS = [
  ['mustRevalidate', 'must-revalidate'],
  ['proxyRevalidate', 'proxy-revalidate'],
  ['mustUnderstand', 'must-understand'],
  ['immutable', 'immutable'],
  ['noTransform', 'no-transform'],
]

/**
 * Headers for an answer that you serve, ready for `new Response(body, { headers })` and `response.writeHead(200, headers)`.
 *
 * ```ts
 * cacheControl({ maxAge: '5m', staleWhileRevalidate: '1h' })
 * // { 'cache-control': 'max-age=300, stale-while-revalidate=3600' }
 * cacheControl({ private: true, noCache: true, cdn: { maxAge: '1h' } })
 * // { 'cache-control': 'private, no-cache', 'cdn-cache-control': 'max-age=3600' }
 * ```
 *
 * @throws InvalidArgumentError for what cannot be meant, and for what contradicts itself: `public` and `private`, `noStore` beside a time.
 */
export function cacheControl(options: CacheControlOptions): Record<string, string> {
  const { cdn, surrogate, ...own } = optionsObject(options, 'options') as CacheControlOptions
  return {
    ...headerOf('cache-control', own, ''),
    ...(cdn !== undefined && headerOf('cdn-cache-control', cdn, 'cdn.')),
    ...(surrogate !== undefined && headerOf('surrogate-control', surrogate, 'surrogate.')),
  }
}

function headerOf(header: string, given: CacheDirectives, path: string): Record<string, string> {
  const options = optionsObject(given, path.slice(0, -1)) as CacheDirectives
  for (const name of Object.keys(options))
    if (!isKnown(name)) throw new InvalidArgumentError(`${path}${name}`, 'an option of cacheControl', name)
  refuseContradictions(options, path)
  const flags = (list: typeof FLAGS) => list.flatMap(([name, directive]) => flag(directive, options[name], path + name))
  const times = TIMES.flatMap(([name, directive]) => {
    const given = options[name]
    return given === undefined ? [] : [`${directive}=${Math.min(YEAR_S, Math.floor(durationOrZeroMs(given, path + name) / 1000))}`]
  })
  const value = [...flags(FLAGS), ...times, ...flags(LATER_FLAGS)].join(', ')
  return value === '' ? {} : { [header]: value }
}

function isKnown(name: string): boolean {
  return [FLAGS, TIMES, LATER_FLAGS].some(list => list.some(([known]) => known === name))
}

function flag(directive: string, value: unknown, name: string): string[] {
  if (value === undefined || value === false) return []
  if (value === true) return [directive]
  const takesFields = directive === 'private' || directive === 'no-cache'
  const isList =
    Array.isArray(value) && value.length > 0 && value.every(field => typeof field === 'string' && /^[\w!#$%&'*+.^`|~-]+$/.test(field))
  if (!takesFields || !isList)
    throw new InvalidArgumentError(name, takesFields ? 'a boolean, or an array of names of header fields' : 'a boolean', value)
  return [`${directive}="${value.join(', ')}"`]
}

function refuseContradictions(options: CacheDirectives, path: string): void {
  if (options.public === true && options.private === true) throw new InvalidArgumentError(`${path}public`, 'absent beside private', true)
  const time = TIMES.find(([name]) => options[name] !== undefined)?.[0]
  if (options.noStore === true && time !== undefined && options.mustUnderstand !== true)
    throw new InvalidArgumentError(`${path}${time}`, 'absent beside noStore', options[time])
  if (options.sMaxAge !== undefined && options.private === true)
    throw new InvalidArgumentError(`${path}sMaxAge`, 'absent beside private, which no shared cache keeps', options.sMaxAge)
}
