/** One thing that is watched: its counts since the point before, and all that it says of itself. */

import type { MissRatioCurve } from '../cache/memory-types.ts'
import { InvalidArgumentError } from '../errors.ts'
import type { HostStats } from '../http/types.ts'
import { kindOf, NUMBERS, TIER_LEVELS, TIER_TOTALS } from './kinds.ts'
import { plain } from './plain.ts'
import type { KeySnapshot, LatencyPoint, SourceKind, SourcePoint, SourceSnapshot, Watchable, WatchOptions } from './types.ts'

/** What some of those who are watched can say besides. */
interface Extras {
  readonly memory?: Extras
  missRatioCurve?(): MissRatioCurve
  hottest?(n?: number): unknown[]
  hosts?(): readonly HostStats[]
  circuits?(most: number): readonly KeySnapshot[]
}

type Stats = Readonly<Record<string, unknown>>

const NO_CURVE: MissRatioCurve = { reads: 0, hitRate: 0, points: [] }

const HOTTEST = 20
const MOST_KEYS = 50
const MOST_HOSTS = 100

/** See the top of this file. */
export class Source {
  readonly name: string
  readonly kind: SourceKind
  readonly thing: Watchable & Extras
  readonly #curve: (() => MissRatioCurve) | undefined
  #before: ReadonlyMap<string, number>

  constructor(name: string, thing: Watchable, { curve = true }: WatchOptions) {
    const stats = typeof thing?.stats === 'function' ? thing.stats() : undefined
    const kind = typeof stats === 'object' && stats !== null ? kindOf(stats) : undefined
    if (kind === undefined) throw new InvalidArgumentError('thing', 'something of this package with stats()', thing)
    this.name = name
    this.kind = kind
    this.thing = thing
    this.#before = totalsOf(kind, stats as Stats)
    const watched = kind === 'cache' ? this.thing.memory : this.thing
    if (curve && watched?.missRatioCurve !== undefined) {
      this.#curve = () => watched.missRatioCurve?.() ?? NO_CURVE
      this.#curve()
    }
  }

  /** What happened in `seconds`, since it was last asked. */
  point(seconds: number): SourcePoint | undefined {
    const stats = this.#stats()
    if (stats === undefined) return undefined
    const now = totalsOf(this.kind, stats)
    const rates: Record<string, number> = {}
    for (const [name, total] of now) {
      const before = this.#before.get(name) ?? 0
      // One that falls has begun anew, or was an estimate.
      rates[name] = Math.round((Math.max(0, total - before) / seconds) * 1000) / 1000
    }
    this.#before = now
    return {
      kind: this.kind,
      rates,
      levels: levelsOf(this.kind, stats),
      hitRate: hitRateOf(this.kind, rates),
      latency: latencyOf(this.kind, stats),
    }
  }

  /** The hit rates of other sizes, where they are watched. */
  curve(): MissRatioCurve {
    try {
      return this.#curve?.() ?? NO_CURVE
    } catch {
      // It is closed.
      return NO_CURVE
    }
  }

  /** Everything, as it is now. */
  snapshot({ keys }: { readonly keys: boolean }): SourceSnapshot {
    const { name, kind } = this
    try {
      const snapshot: { -readonly [K in keyof SourceSnapshot]: SourceSnapshot[K] } = {
        name,
        kind,
        stats: plain(this.thing.stats()) as Stats,
      }
      if (this.#curve !== undefined) snapshot.curve = plain(this.#curve().points) as NonNullable<SourceSnapshot['curve']>
      if (kind === 'fetch' && this.thing.hosts !== undefined)
        snapshot.hosts = plain(this.thing.hosts().slice(0, MOST_HOSTS)) as readonly HostStats[]
      if (kind === 'circuit-breaker' && this.thing.circuits !== undefined)
        snapshot.keys = plain(this.thing.circuits(MOST_KEYS)) as readonly KeySnapshot[]
      const front = kind === 'cache' ? this.thing.memory : this.thing
      if (keys && front?.hottest !== undefined) snapshot.hottest = plain(front.hottest(HOTTEST).map(String)) as string[]
      return snapshot
    } catch (error) {
      return { name, kind, stats: {}, error: error instanceof Error ? error.message : String(error) }
    }
  }

  /** What is closed may not say anything any more. */
  #stats(): Stats | undefined {
    try {
      return this.thing.stats() as Stats
    } catch {
      return undefined
    }
  }
}

function totalsOf(kind: SourceKind, stats: Stats): ReadonlyMap<string, number> {
  const { totals, totalsBy = [] } = NUMBERS[kind]
  const found = new Map<string, number>()
  for (const path of totals) found.set(path, numberAt(stats, path))
  for (const path of totalsBy)
    for (const [name, count] of Object.entries((stats[path] ?? {}) as Record<string, number>)) found.set(`${path}.${name}`, count)
  for (const { prefix, tier } of tiersOf(stats)) for (const field of TIER_TOTALS) found.set(prefix + field, numberAt(tier, field))
  return found
}

function levelsOf(kind: SourceKind, stats: Stats): Record<string, number> {
  const levels: Record<string, number> = {}
  for (const path of NUMBERS[kind].levels) {
    const level = numberAt(stats, path, Number.NaN)
    if (Number.isFinite(level)) levels[path] = level
  }
  for (const { prefix, tier } of tiersOf(stats)) for (const field of TIER_LEVELS) levels[prefix + field] = numberAt(tier, field)
  return levels
}

function hitRateOf(kind: SourceKind, rates: Readonly<Record<string, number>>): number | null {
  const { hits } = NUMBERS[kind]
  if (hits === undefined) return null
  const [found, others] = hits.map(names => names.reduce((sum, name) => sum + (rates[name] ?? 0), 0)) as [number, number]
  return found + others > 0 ? found / (found + others) : null
}

function latencyOf(kind: SourceKind, stats: Stats): LatencyPoint | null {
  const { latency } = NUMBERS[kind]
  const found = latency === undefined ? undefined : (stats[latency] as LatencyPoint | undefined)
  if (found === undefined) return null
  const { count, p50, p95, p99 } = found
  return count === 0 ? { count, p50: null, p95: null, p99: null } : { count, p50, p95, p99 }
}

function tiersOf(stats: Stats): { prefix: string; tier: Stats }[] {
  const tiers = Array.isArray(stats.tiers) ? (stats.tiers as (Stats & { name: string })[]) : []
  return tiers.map((tier, at) => ({ prefix: `tiers.${at + 1}:${tier.name}.`, tier }))
}

function numberAt(stats: Stats, path: string, otherwise = 0): number {
  let found: unknown = stats
  for (const part of path.split('.')) found = (found as Stats | undefined)?.[part]
  return typeof found === 'number' ? found : otherwise
}
