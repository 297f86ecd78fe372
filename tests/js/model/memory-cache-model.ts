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
  until: number
  size: number
}

interface Limits {
  max: number
  maxSize: number
  ttl: number
}

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

  constructor(limits: Limits) {
    this.limits = limits
  }

  live(now: number): Entry[] {
    return this.entries.filter(entry => entry.until > now)
  }

  find(key: unknown, now: number): Entry | undefined {
    return this.live(now).find(entry => Object.is(entry.key, key))
  }

  get(key: unknown, now: number): number | undefined {
    const entry = this.find(key, now)
    if (entry !== undefined) this.entries = [...this.entries.filter(other => other !== entry), entry]
    return entry?.value
  }

  set(key: unknown, value: number, ttl: number, size: number, now: number): boolean {
    const others = this.live(now).filter(entry => !Object.is(entry.key, key))
    if (size > this.limits.maxSize) {
      this.entries = others
      return false
    }
    while (others.length >= this.limits.max || others.reduce((sum, entry) => sum + entry.size, size) > this.limits.maxSize)
      this.evicted.push(others.shift()?.key)
    this.entries = [...others, { key, value, until: now + ttl, size }]
    return true
  }

  delete(key: unknown, now: number): boolean {
    const entry = this.find(key, now)
    this.entries = this.entries.filter(other => !Object.is(other.key, key))
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
    maxSize: random.pick([Number.POSITIVE_INFINITY, 10, 25]),
    ttl: random.pick([Number.POSITIVE_INFINITY, 50, 3000]),
  }
  const clock = new ManualClock()
  const evicted: unknown[] = []
  const disposed = new Map<DisposeReason, number>()
  const cache = createMemoryCache<unknown, number>({
    ...limits,
    ...(limits.maxSize === Number.POSITIVE_INFINITY ? {} : { sizeCalculation: value => value % 9 }),
    clock,
    dispose: (_, key, reason) => {
      disposed.set(reason, (disposed.get(reason) ?? 0) + 1)
      if (reason === 'evict') evicted.push(key)
    },
  })
  const model = new Model(limits)
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
  switch (random.below(14)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return same(cache.get(key), model.get(key, now), `get ${String(key)}`)
    case 4:
    case 5:
    case 6:
    case 7: {
      const value = random.below(1000)
      const ttl = random.below(3) === 0 ? 1 + random.below(200) : undefined
      const size = model.limits.maxSize === Number.POSITIVE_INFINITY ? 0 : value % 9
      const stored = cache.set(key, value, ttl === undefined ? undefined : { ttl })
      return same(stored, model.set(key, value, ttl ?? model.limits.ttl, size, now), 'set')
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
  const expected = model.live(now)
  const found = new Map(cache.entries())
  same(found.size, expected.length, 'number of entries')
  for (const { key, value } of expected) same(found.get(key), value, `entry ${String(key)}`)
  if (cache.size < expected.length) throw new Error('size is below the number of entries')
}

function same(found: unknown, expected: unknown, what: string): void {
  if (!Object.is(found, expected)) throw new Error(`${what}: ${String(found)}, expected ${String(expected)}`)
}
