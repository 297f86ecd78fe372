/** What panels show: one client, its points, and what has been chosen of it. */

import type { MonitorPoint, MonitorSnapshot, SourcePoint, SourceSnapshot } from 'shelflife'

/** One client that is watched. */
export interface Client {
  readonly snapshot: MonitorSnapshot
  /** Oldest first. */
  readonly points: readonly MonitorPoint[]
}

/** One client, seen in one way. */
export interface View extends Client {
  /** How many seconds charts span. */
  readonly seconds: number
  /** The cache that is looked at; `undefined` for all together. */
  readonly cache: string | undefined
  /** Carries out a recommendation; `undefined` where that may not be done from here. */
  readonly apply: ((id: string) => Promise<void>) | undefined
}

const isCache = ({ kind }: { readonly kind: string }): boolean => kind === 'cache' || kind === 'memory-cache'

/** The caches of a client. */
export function caches({ sources }: MonitorSnapshot): SourceSnapshot[] {
  return sources.filter(isCache)
}

/** The sum of some rates over the caches that are looked at. */
export function cacheRate(point: MonitorPoint, cache: string | undefined, ...names: readonly string[]): number {
  return sum(point, (source, name) => isCache(source) && (cache === undefined || cache === name), 'rates', names)
}

/** The sum of some rates, or levels, over everything of some kind. */
export function kindSum(point: MonitorPoint, kind: string, of: 'rates' | 'levels', ...names: readonly string[]): number {
  return sum(point, source => source.kind === kind, of, names)
}

function sum(
  point: MonitorPoint,
  wanted: (source: SourcePoint, name: string) => boolean,
  of: 'rates' | 'levels',
  names: readonly string[],
): number {
  let total = 0
  for (const [name, source] of Object.entries(point.sources)) {
    if (!wanted(source, name)) continue
    for (const [field, value] of Object.entries(source[of]))
      if (names.some(one => (one.endsWith('.') ? field.startsWith(one) : field === one))) total += value
  }
  return total
}

/** Hits as a share of the reads in these points; NaN without reads. */
export function hitRate(points: readonly MonitorPoint[], cache: string | undefined): number {
  let hits = 0
  let reads = 0
  for (const point of points) {
    const found = cacheRate(point, cache, 'hits') * point.seconds
    hits += found
    reads += found + cacheRate(point, cache, 'misses') * point.seconds
  }
  return reads === 0 ? Number.NaN : hits / reads
}

/** A number in the `stats()` of something that is watched, by its path; NaN where there is none. */
export function numberIn(stats: Readonly<Record<string, unknown>>, path: string): number {
  let found: unknown = stats
  for (const part of path.split('.'))
    found = typeof found === 'object' && found !== null ? (found as Record<string, unknown>)[part] : undefined
  return typeof found === 'number' ? found : Number.NaN
}
