import { expect, test } from 'vitest'
import { type CacheControlOptions, cacheControl } from '../../../js/http/cache-control.ts'
import { parseCacheControl, SILENT } from '../../../js/http/rfc9111/directives.ts'

test.each<[CacheControlOptions, Record<string, string>]>([
  [{}, {}],
  [{ maxAge: '5m' }, { 'cache-control': 'max-age=300' }],
  [{ maxAge: 0 }, { 'cache-control': 'max-age=0' }],
  [{ maxAge: 1999 }, { 'cache-control': 'max-age=1' }],
  [{ maxAge: Number.POSITIVE_INFINITY, immutable: true, public: true }, { 'cache-control': 'public, max-age=31536000, immutable' }],
  [{ noStore: true }, { 'cache-control': 'no-store' }],
  [{ noStore: true, mustUnderstand: true, maxAge: '1m' }, { 'cache-control': 'no-store, max-age=60, must-understand' }],
  [{ private: ['x-user', 'x-plan'], maxAge: '1m', noCache: false }, { 'cache-control': 'private="x-user, x-plan", max-age=60' }],
  [
    {
      maxAge: '1m',
      sMaxAge: '1h',
      staleWhileRevalidate: '2h',
      staleIfError: '1d',
      mustRevalidate: true,
      proxyRevalidate: true,
      noTransform: true,
    },
    {
      'cache-control':
        'max-age=60, s-maxage=3600, stale-while-revalidate=7200, stale-if-error=86400, must-revalidate, proxy-revalidate, no-transform',
    },
  ],
  [
    { private: true, noCache: true, cdn: { maxAge: '1h' }, surrogate: { maxAge: '2h', staleIfError: '1d' } },
    {
      'cache-control': 'private, no-cache',
      'cdn-cache-control': 'max-age=3600',
      'surrogate-control': 'max-age=7200, stale-if-error=86400',
    },
  ],
])('%o becomes %o', (options, headers) => {
  expect(cacheControl(options)).toEqual(headers)
  expect(new Headers(headers).get('cache-control') ?? undefined).toBe(headers['cache-control'])
})

test('what it writes is what the cache of createFetch reads', () => {
  const { 'cache-control': value = '' } = cacheControl({
    maxAge: '1m',
    sMaxAge: '2m',
    staleIfError: '3m',
    private: ['x-a'],
    noCache: ['x-b'],
    immutable: true,
  })
  expect(parseCacheControl(value)).toEqual({
    ...SILENT,
    maxAge: 60,
    sMaxAge: 120,
    staleIfError: 180,
    private: ['x-a'],
    noCache: ['x-b'],
    immutable: true,
  })
})

test.each<[string, unknown]>([
  ['public', { public: true, private: true }],
  ['maxAge', { noStore: true, maxAge: '1m' }],
  ['sMaxAge', { private: true, sMaxAge: '1m' }],
  ['maxAge', { maxAge: -1 }],
  ['maxAge', { maxAge: '5 minutes' }],
  ['noStore', { noStore: 'yes' }],
  ['noStore', { noStore: ['x'] }],
  ['private', { private: ['a"b'] }],
  ['private', { private: [] }],
  ['cdn.maxAge', { cdn: { maxAge: Number.NaN } }],
  ['cdn', { cdn: 5 }],
  ['maxage', { maxage: '5m' }],
  ['options', 'max-age=5'],
])('refuses %s of %o', (name, options) => {
  expect(() => cacheControl(options as CacheControlOptions)).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining(`${name} must be`) }),
  )
})
