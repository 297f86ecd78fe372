/**
 * The public memory cache against a naive model, from seeds; runs wherever the package runs. The model keeps entries
 * in an array by recency and decides everything by looking at all of them.
 */

import { createMemoryCache, type DisposeReason, type MemoryCache } from '../../../js/index.ts'
import { ManualClock } from '../../../js/testing.ts'
import { Seeded } from './random.ts'

interface Entry {
  key: unknown
  value: number
  /** Fresh until here; use moves it on where there is an idle time. */
  until: number
  /** The end of the time to live, which use does not move. */
  ttlEnd: number
  staleFor: number
  size: number
  tags: readonly string[]
  dependsOn: readonly unknown[]
}

interface Limits {
  max: number
  maxSize: number
  maxEntrySize: number
  ttl: number
  maxTtl: number
  idleTtl: number
}

interface Groups {
  tags: readonly string[]
  dependsOn: readonly unknown[]
}

const TAGS = ['x', 'y', 'z']
const PATTERNS = ['*', 'a', '?', '*o*', 'con*r', '__*', '\\?']
const NEVER = Number.POSITIVE_INFINITY

const KEYS: readonly unknown[] = [
  'a',
  'b',
  'c',
  '__proto__',
  'constructor',
  '\ud800',
  '\udc00',
  '',
  1,
  0,
  Number.NaN,
  null,
  true,
  undefined,
  { an: 'object' },
]

class Model {
  /** From the least to the most recently used. */
  entries: Entry[] = []
  evicted: unknown[] = []
  /** How long the machine has slept: entries age meanwhile, the monotonic clock stands still. */
  slept = 0
  readonly limits: Limits
  readonly weighed: boolean

  constructor(limits: Limits, weighed: boolean) {
    this.limits = limits
    this.weighed = weighed
  }

  /** What is not gone for good. */
  kept(now: number): Entry[] {
    return this.entries.filter(entry => entry.until + entry.staleFor > now)
  }

  find(key: unknown, now: number, allowStale = false): Entry | undefined {
    return this.kept(now).find(entry => Object.is(entry.key, key) && (allowStale || entry.until > now))
  }

  get(key: unknown, now: number, allowStale = false): number | undefined {
    const entry = this.find(key, now, allowStale)
    if (entry === undefined) return undefined
    entry.until = Math.max(entry.until, Math.min(now + this.limits.idleTtl, entry.ttlEnd))
    this.entries = [...this.entries.filter(other => other !== entry), entry]
    return entry.value
  }

  set(key: unknown, value: number, ttl: number, staleFor: number, size: number, groups: Groups, now: number): boolean {
    this.entries = this.kept(now).filter(entry => !Object.is(entry.key, key))
    this.changed(key, now)
    if (size > this.limits.maxSize || size > this.limits.maxEntrySize) return false
    this.shrink(1, size)
    const ttlEnd = now + Math.min(ttl, this.limits.maxTtl)
    this.entries.push({ key, value, until: Math.min(ttlEnd, now + this.limits.idleTtl), ttlEnd, staleFor, size, ...groups })
    return true
  }

  /** What was made from `key` goes, and what was made from that. */
  changed(key: unknown, now: number): void {
    const made = this.kept(now).filter(entry => entry.dependsOn.some(source => Object.is(source, key)))
    this.entries = this.entries.filter(entry => !made.includes(entry))
    for (const entry of made) this.changed(entry.key, now)
  }

  invalidate(isMeant: (entry: Entry) => boolean, mode: 'delete' | 'expire', now: number): number {
    const meant = this.kept(now).filter(isMeant)
    for (const entry of meant) {
      if (mode === 'delete') this.entries = this.entries.filter(other => other !== entry)
      else if (entry.until > now) {
        entry.until = now
        entry.ttlEnd = now
      }
    }
    for (const entry of meant) this.changed(entry.key, now)
    return meant.length
  }

  shrink(entries: number, size: number): void {
    const { max, maxSize } = this.limits
    while (this.entries.length + entries > max || this.entries.reduce((sum, entry) => sum + entry.size, size) > maxSize) {
      this.evicted.push(this.entries.shift()?.key)
    }
  }

  expire(key: unknown, now: number): boolean {
    const entry = this.find(key, now)
    if (entry !== undefined) {
      entry.until = now
      entry.ttlEnd = now
    }
    this.changed(key, now)
    return entry !== undefined
  }

  delete(key: unknown, now: number): boolean {
    const entry = this.find(key, now)
    this.entries = this.entries.filter(other => !Object.is(other.key, key))
    this.changed(key, now)
    return entry !== undefined
  }
}

/** Runs `sequences` random sequences from `firstSeed` on; throws at the first divergence, with its seed. */
export function checkMemoryCache(sequences: number, firstSeed = 0, mostOps = 60): { sequences: number; operations: number } {
  let operations = 0
  for (let seed = firstSeed; seed < firstSeed + sequences; seed += 1) {
    try {
      operations += runOne(new Seeded(seed), mostOps)
    } catch (cause) {
      throw new Error(`divergence at seed ${seed}: ${cause instanceof Error ? cause.message : cause}`, { cause })
    }
  }
  return { sequences, operations }
}

function runOne(random: Seeded, mostOps: number): number {
  const limits = {
    max: random.pick([1, 2, 3, 5, 8, 1000]),
    maxSize: random.pick([NEVER, 10, 25]),
    maxEntrySize: random.pick([NEVER, NEVER, 7]),
    ttl: random.pick([NEVER, 50, 3000]),
    maxTtl: random.pick([NEVER, NEVER, 100]),
    idleTtl: random.pick([NEVER, NEVER, 40, 2000]),
  }
  const weighed = limits.maxSize !== NEVER || limits.maxEntrySize !== NEVER
  const clock = new ManualClock()
  const evicted: unknown[] = []
  const disposed = new Map<DisposeReason, number>()
  const cache = createMemoryCache<unknown, number>({
    ...limits,
    ...(weighed ? { sizeCalculation: value => value % 9 } : {}),
    clock,
    dispose: (_, key, reason) => {
      disposed.set(reason, (disposed.get(reason) ?? 0) + 1)
      if (reason === 'evict') evicted.push(key)
    },
  })
  const model = new Model(limits, weighed)
  const ops = random.below(mostOps)
  for (let op = 0; op < ops; op += 1) {
    step(random, cache, model, clock)
    if (random.below(8) === 0) compare(cache, model, clock.monotonic() + model.slept)
  }
  compare(cache, model, clock.monotonic() + model.slept)
  same(evicted.length, model.evicted.length, 'evictions')
  for (const [at, key] of evicted.entries()) same(key, model.evicted[at], `victim ${at}`)
  same(cache.stats().evictions, evicted.length, 'counted evictions')
  cache.close()
  const { sets } = cache.stats()
  // Every value that was ever set has left by now, each once; equal values that replace each other are not disposed of.
  const left = [...disposed.values()].reduce((sum, count) => sum + count, 0)
  if (left > sets) throw new Error(`${left} departures of ${sets} values`)
  return ops
}

function step(random: Seeded, cache: MemoryCache<unknown, number>, model: Model, clock: ManualClock): unknown {
  const key = random.pick(KEYS)
  const now = clock.monotonic() + model.slept
  switch (random.below(20)) {
    case 0:
    case 1:
    case 2:
      return same(cache.get(key), model.get(key, now), `get ${String(key)}`)
    case 3:
      return same(cache.get(key, { allowStale: true }), model.get(key, now, true), `get ${String(key)}, stale or not`)
    case 4:
    case 5:
    case 6:
    case 7: {
      const value = random.below(1000)
      const ttl = random.below(3) === 0 ? 1 + random.below(200) : undefined
      const staleFor = random.below(3) === 0 ? random.below(200) : undefined
      const size = model.weighed ? value % 9 : 0
      const sources = random.below(4) > 0 ? [] : [random.pick(KEYS), random.pick(KEYS)].filter(source => !Object.is(source, key))
      const groups = { tags: random.below(3) > 0 ? [] : [random.pick(TAGS), random.pick(TAGS)], dependsOn: sources }
      const options = { ...(ttl === undefined ? {} : { ttl }), ...(staleFor === undefined ? {} : { staleFor }), ...groups }
      const stored = cache.set(key, value, options)
      return same(stored, model.set(key, value, ttl ?? model.limits.ttl, staleFor ?? 0, size, groups, now), 'set')
    }
    case 8:
      return same(cache.delete(key), model.delete(key, now), 'delete')
    case 9: {
      const expected = model.get(key, now)
      if (expected !== undefined) model.delete(key, now)
      return same(cache.take(key), expected, 'take')
    }
    case 10:
      same(cache.has(key), model.find(key, now) !== undefined, 'has')
      same(cache.peek(key, { allowStale: true }), model.find(key, now, true)?.value, 'peek, stale or not')
      return same(cache.peek(key), model.find(key, now)?.value, 'peek')
    case 11: {
      const keys = [random.pick(KEYS), random.pick(KEYS), key]
      const expected = keys.map(one => model.get(one, now))
      return same(JSON.stringify(cache.getMany(keys)), JSON.stringify(expected), 'getMany')
    }
    case 12:
      if (random.below(10) > 0) return clock.advance(random.below(100))
      cache.clear()
      model.entries = []
      return
    case 13: {
      if (random.below(4) > 0) return same(cache.expire(key), model.expire(key, now), 'expire')
      const max = random.pick([1, 2, 3, 5, 8, 1000])
      const maxSize = model.weighed ? random.pick([10, 25, 40]) : NEVER
      cache.resize(model.weighed ? { max, maxSize } : { max })
      model.limits.max = max
      model.limits.maxSize = maxSize
      model.entries = model.kept(now)
      return model.shrink(0, 0)
    }
    case 15: {
      const tag = random.pick(TAGS)
      const mode = random.pick(['delete', 'expire'] as const)
      cache.invalidateTags([tag], { mode })
      return model.invalidate(entry => entry.tags.includes(tag), mode, now)
    }
    case 16: {
      const pattern = random.pick(PATTERNS)
      const mode = random.pick(['delete', 'expire'] as const)
      if (random.below(3) > 0) return
      const found = cache.invalidate(pattern, { mode })
      const isMeant = (key: unknown) => typeof key === 'string' && regexp(pattern).test(key)
      const matches = (entry: Entry) => isMeant(entry.key) && (mode === 'delete' || entry.until > now)
      same(found, model.invalidate(matches, mode, now), `invalidate ${pattern}`)
      for (const source of model.entries.flatMap(entry => entry.dependsOn)) if (isMeant(source)) model.changed(source, now)
      return
    }
    case 14: {
      const entry = model.find(key, now, true)
      const info = cache.info(key)
      same(info?.value, entry?.value, 'info: value')
      same(info?.stale, entry && entry.until <= now, 'info: stale')
      same(info?.ttl, entry && Math.max(0, entry.until - now), 'info: ttl')
      return same(info?.staleFor, entry && Math.min(entry.staleFor, entry.until + entry.staleFor - now), 'info: staleFor')
    }
    default: {
      if (random.below(6) > 0) return clock.advance(random.pick([0, 1, 30, 1500]))
      const nap = 2000 + random.below(5000)
      model.slept += nap
      return clock.sleep(nap)
    }
  }
}

function compare(cache: MemoryCache<unknown, number>, model: Model, now: number): void {
  cache.validate()
  const expected = model.kept(now).filter(entry => entry.until > now)
  const found = new Map(cache.entries())
  same(found.size, expected.length, 'number of entries')
  for (const { key, value } of expected) same(found.get(key), value, `entry ${String(key)}`)
  if (cache.size < model.kept(now).length) throw new Error('size is below the number of entries')
}

/** The pattern by other means. */
function regexp(pattern: string): RegExp {
  const source = pattern.replace(/\\(.)|[*?]|[^\\*?]/gs, (text, escaped?: string) =>
    text === '*' ? '.*' : text === '?' ? '.' : (escaped ?? text).replace(/[^\w]/g, '\\$&'),
  )
  return new RegExp(`^${source}$`, 's')
}

function same(found: unknown, expected: unknown, what: string): void {
  if (!Object.is(found, expected)) throw new Error(`${what}: ${String(found)}, expected ${String(expected)}`)
}
