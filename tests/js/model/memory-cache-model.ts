/**
 * The public memory cache and its namespaces against a naive one, from seeds; runs wherever the package runs. Every answer is
 * compared at once, and the whole of what is in the caches every few operations.
 */

import { createMemoryCache, type EvictionPolicy, type MemoryCache, type MemoryCacheOptions } from '../../../js/index.ts'
import { ManualClock, plantTrap } from '../../../js/testing.ts'
import { type Dumped, type Entry, type Mode, NaiveCache } from './naive-cache.ts'
import { Seeded } from './random.ts'

const NEVER = Number.POSITIVE_INFINITY
const TAGS = ['x', 'y', 'z']
const PATTERNS = ['*', 'a', '?', '*o*', 'con*r', '__*', '\\?']
const EXPRESSIONS = PATTERNS.map(regexp)
const PREFIXES = ['', 'a', 'con', '__proto__']
const MODES: readonly Mode[] = ['delete', 'expire']
const OTHER_POLICIES: readonly EvictionPolicy[] = ['s3fifo', 'tinylfu', 'auto']

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

type Cache = MemoryCache<unknown, number>

/** Runs `sequences` random sequences from `firstSeed` on; throws at the first divergence, with its seed. */
export function checkMemoryCache(sequences: number, firstSeed = 0, mostOps = 60): { sequences: number; operations: number } {
  let operations = 0
  for (let seed = firstSeed; seed < firstSeed + sequences; seed += 1) {
    try {
      operations += new Sequence(seed).run(mostOps)
    } catch (cause) {
      throw new Error(`divergence at seed ${seed}: ${cause instanceof Error ? cause.message : cause}`, { cause })
    }
  }
  return { sequences, operations }
}

/** A cache, a namespace or a namespace in one, with its model. */
interface Pair {
  readonly name: string
  readonly cache: Cache
  readonly model: NaiveCache
  /** How many values have left, for whatever reason. */
  departures: number
  /** What is there by the events, where somebody listens, and how many reads there were. */
  readonly told: Map<unknown, number> | undefined
  hits: number
  misses: number
}

class Sequence {
  readonly #random: Seeded
  readonly #clock = new ManualClock()
  /** How long the machine has slept: entries age meanwhile, the monotonic clock stands still. */
  #slept = 0
  /** Values that are not right any more. */
  readonly #spoilt = new Set<number>()
  readonly #root: Pair
  #pairs: Pair[]
  #dump:
    | { readonly real: ReturnType<Cache['dump']>; readonly naive: readonly Dumped[]; readonly from: NaiveCache; readonly at: number }
    | undefined

  constructor(seed: number) {
    this.#random = new Seeded(seed)
    const random = this.#random
    const ttl = random.pick([NEVER, 50, 3000])
    const jitter = random.pick([0, 0, 20])
    const drawn = random.pick([0, 0.5, 0.75])
    const policy = random.below(4) > 0 ? 'lru' : random.pick(OTHER_POLICIES)
    const limits = {
      max: random.pick([1, 2, 3, 5, 8, 1000]),
      maxSize: random.pick([NEVER, 10, 25]),
      maxEntrySize: random.pick([NEVER, NEVER, 7]),
    }
    const weighed = limits.maxSize !== NEVER || limits.maxEntrySize !== NEVER
    const times = { ttl, maxTtl: random.pick([NEVER, NEVER, 100]), idleTtl: random.pick([NEVER, NEVER, 40, 2000]) }
    const validateInterval = random.pick([0, 50])
    const isRight = random.below(4) === 0 ? (value: number) => !this.#spoilt.has(value) : undefined
    // Nobody listens, as with most caches: then reads and writes go the short way.
    const isSilent = policy === 'lru' && random.below(3) === 0
    const model = new NaiveCache({
      isSilent,
      ...{ ...limits, ...times, shorter: jitter * drawn, weighed, isRight, validateInterval, exact: policy === 'lru' },
    })
    this.#root = this.#pair('', model, dispose =>
      createMemoryCache<unknown, number>({
        ...{ ...times, jitter, policy, clock: this.#clock, random: () => drawn, seed: 1, ...(!isSilent && { dispose }) },
        ...(isRight && { validate: ({ value }) => isRight(value), validateInterval }),
        ...(weighed ? { ...limits, sizeCalculation: value => value % 9 } : { max: limits.max }),
      }),
    )
    this.#pairs = [this.#root]
    if (isSilent || random.below(2) > 0) return
    for (const name of ['one', 'two']) this.#open(this.#root, name)
    if (random.below(4) === 0) this.#open(this.#pairs[1] as Pair, 'inner')
  }

  run(mostOps: number): number {
    const ops = this.#random.below(mostOps)
    for (let op = 0; op < ops; op += 1) {
      const pair = this.#random.pick(this.#pairs)
      this.#step(pair)
      for (const { name, model } of this.#pairs)
        if (model.left.length > 0) throw new Error(`${name}: ${model.left.length} left for nothing`)
      if (this.#random.below(8) === 0) this.#compare()
    }
    this.#compare()
    this.#root.cache.close()
    for (const { name, cache, model, departures, told, hits, misses } of this.#pairs) {
      const { sets, ...counts } = cache.stats()
      for (const what of ['evictions', 'hits', 'staleHits', 'misses'] as const) same(counts[what], model[what], `${name}: counted ${what}`)
      if (told !== undefined) {
        same(told.size, 0, `${name}: entries that never left, by the events`)
        same(`${hits} ${misses}`, `${model.hits} ${model.misses}`, `${name}: hits and misses, by the events`)
      }
      // Every value that was ever set has left by now, each once; equal values that replace each other are not disposed of.
      if (departures > sets) throw new Error(`${name}: ${departures} departures of ${sets} values`)
    }
    return ops
  }

  get #now(): number {
    return this.#clock.monotonic() + this.#slept
  }

  #pair(name: string, model: NaiveCache, make: (dispose: NonNullable<MemoryCacheOptions<unknown, number>['dispose']>) => Cache): Pair {
    const cache = make((_, key, reason) => {
      pair.departures += 1
      if (reason === 'evict') model.left.push(key)
    })
    const told = !model.options.isSilent && this.#random.below(3) === 0 ? new Map<unknown, number>() : undefined
    const pair: Pair = { name, cache, model, departures: 0, told, hits: 0, misses: 0 }
    if (told === undefined) return pair
    for (const event of ['evict', 'delete', 'expire', 'invalidate', 'oversize'] as const) cache.on(event, ({ key }) => told.delete(key))
    cache.on('set', ({ key, value }) => told.set(key, value))
    cache.on('hit', () => {
      pair.hits += 1
    })
    cache.on('miss', () => {
      pair.misses += 1
    })
    return pair
  }

  #open(around: Pair, name: string): void {
    const random = this.#random
    const max = random.pick([undefined, 1, 2, 4])
    const maxSize = around.model.options.weighed ? random.pick([undefined, 8, 15]) : random.pick([undefined, undefined, 12])
    const ttl = random.pick([undefined, 80])
    const policy = random.pick([undefined, undefined, 'lru' as const])
    const options = { max, maxSize, ttl, policy }
    const { options: usual } = around.model
    const model = new NaiveCache(
      {
        ...usual,
        max: max ?? NEVER,
        maxSize: maxSize ?? NEVER,
        ttl: ttl ?? usual.ttl,
        weighed: usual.weighed || maxSize !== undefined,
        exact: usual.exact || policy === 'lru',
      },
      around.model,
    )
    const said = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
    this.#pairs.push(this.#pair(`${around.name}/${name}`, model, dispose => around.cache.namespace(name, { ...said, dispose })))
  }

  #step(pair: Pair): unknown {
    const random = this.#random
    const { cache, model } = pair
    const key = random.pick(KEYS)
    const now = this.#now
    switch (random.below(25)) {
      case 0:
      case 1:
      case 2:
        return same(cache.get(key), model.get(key, now), `get ${String(key)}`)
      case 3:
        this.#spoil()
        return same(cache.get(key, { allowStale: true }), model.get(key, now, true), `get ${String(key)}, stale or not`)
      case 4:
      case 5:
      case 6:
      case 7:
      case 8:
        return this.#set(pair, key)
      case 9:
        return same(cache.delete(key), model.delete(key, now), 'delete')
      case 10: {
        const taken = cache.take(key)
        const expected = model.get(key, now)
        if (expected !== undefined) model.delete(key, now)
        return same(taken, expected, 'take')
      }
      case 11:
        same(cache.has(key), model.peek(key, now) !== undefined, 'has')
        this.#spoil()
        same(cache.peek(key, { allowStale: true }), model.peek(key, now, true), 'peek, stale or not')
        this.#spoil()
        return same(cache.peek(key), model.peek(key, now), 'peek')
      case 12: {
        const keys = [random.pick(KEYS), random.pick(KEYS), key]
        const found = cache.getMany(keys)
        return same(JSON.stringify(found), JSON.stringify(keys.map(one => model.get(one, now))), 'getMany')
      }
      case 13:
        return random.below(4) > 0 ? same(cache.expire(key), model.expire(key, now), 'expire') : this.#resize(pair)
      case 14: {
        const entry = model.find(key, now, true)
        const info = cache.info(key)
        same(info?.value, entry?.value, 'info: value')
        same(info?.stale, entry && entry.until <= now, 'info: stale')
        same(info?.ttl, entry && Math.max(0, entry.until - now), 'info: ttl')
        return same(info?.staleFor, entry && Math.min(entry.staleFor, entry.until + entry.staleFor - now), 'info: staleFor')
      }
      case 15: {
        const tag = random.pick(TAGS)
        const mode = random.pick(MODES)
        cache.invalidateTags([tag], { mode })
        for (const one of model.all()) one.invalidate(entry => entry.tags.includes(tag), mode, now)
        return
      }
      case 16:
        return this.#invalidate(pair)
      case 17:
        return random.below(4) === 0 ? this.#disturb(pair) : this.#mistake(cache, key)
      case 19:
        return this.#list(pair)
      case 20:
        return this.#dumpOrLoad(pair)
      case 18: {
        const keys = [random.pick(KEYS), key]
        const count = cache.deleteMany(keys)
        return same(count, keys.filter(one => model.delete(one, now)).length, 'deleteMany')
      }
      default: {
        if (random.below(6) > 0) return this.#clock.advance(random.pick([0, 1, 30, 1500, random.below(100)]))
        const nap = 2000 + random.below(5000)
        this.#slept += nap
        return this.#clock.sleep(nap)
      }
    }
  }

  #set({ cache, model }: Pair, key: unknown): void {
    const random = this.#random
    const value = random.below(1000)
    const ttl = random.below(3) === 0 ? 1 + random.below(200) : undefined
    const staleFor = random.below(3) === 0 ? random.below(200) : undefined
    const size = model.options.weighed ? value % 9 : 0
    if (!model.options.weighed && random.below(8) > (model.options.isSilent ? 0 : 5)) {
      const stored = cache.set(key, value)
      return same(stored, model.set(key, value, model.options.ttl, 0, size, { tags: [], dependsOn: [] }, this.#now), 'set without options')
    }
    const sources = random.below(4) > 0 ? [] : [random.pick(KEYS), random.pick(KEYS)].filter(source => !Object.is(source, key))
    const groups = { tags: random.below(3) > 0 ? [] : [random.pick(TAGS), random.pick(TAGS)], dependsOn: sources }
    const options = { ...(ttl !== undefined && { ttl }), ...(staleFor !== undefined && { staleFor }), ...groups }
    const stored = cache.set(key, value, model.options.weighed ? { ...options, size } : options)
    same(stored, model.set(key, value, ttl ?? model.options.ttl, staleFor ?? 0, size, groups, this.#now), 'set')
  }

  #resize({ cache, model }: Pair): void {
    const max = this.#random.pick([1, 2, 3, 5, 8, 1000])
    const maxSize = model.options.weighed ? this.#random.pick([10, 25, 40]) : NEVER
    cache.resize(model.options.weighed ? { max, maxSize } : { max })
    model.resize(max, maxSize, this.#now)
  }

  #invalidate({ cache, model }: Pair): void {
    const random = this.#random
    const now = this.#now
    const mode = random.pick(MODES)
    const at = random.below(PATTERNS.length)
    const prefix = random.pick(PREFIXES)
    switch (random.below(8)) {
      case 0: {
        const [pattern, expression] = [PATTERNS[at] as string, EXPRESSIONS[at] as RegExp]
        const count = cache.invalidate(pattern, { mode })
        const isMeant = (key: unknown) => typeof key === 'string' && expression.test(key)
        return same(count, model.invalidateNamed(isMeant, mode, now), `invalidate ${pattern}`)
      }
      case 1: {
        const count = cache.invalidatePrefix(prefix, { mode })
        const isMeant = (key: unknown) => typeof key === 'string' && key.startsWith(prefix)
        return same(count, model.invalidateNamed(isMeant, mode, now), `prefix ${prefix}`)
      }
      case 2: {
        const count = cache.invalidateWhere(value => value % 3 === 0, { mode })
        const isMeant = ({ value, until }: Entry) => value % 3 === 0 && (mode === 'delete' || until > now)
        return same(count, model.invalidate(isMeant, mode, now), 'invalidateWhere')
      }
    }
  }

  #list({ cache, model }: Pair): void {
    const now = this.#now
    const fresh = model.entries.filter(({ until }) => until > now).map(({ key }) => key)
    const isHottest = this.#random.below(2) === 0
    const found = isHottest ? cache.hottest(1000).reverse() : cache.coldest(1000)
    same(found.length, fresh.length, 'hottest or coldest')
    for (const [at, key] of fresh.entries())
      same(model.options.exact ? found[at] : found.includes(key), model.options.exact ? key : true, 'hot')
  }

  /** What a cache gives away, another takes in, some time later. */
  #dumpOrLoad({ cache, model }: Pair): void {
    const now = this.#now
    const dump = this.#dump
    if (dump === undefined) {
      const real = cache.dump()
      const naive = model.dump(now)
      same(real.length, naive.length, 'dumped entries')
      // The order of another policy is its own.
      const inOrder = model.options.exact ? naive : real.map(([key]) => naive.find(entry => Object.is(entry.key, key)) as Dumped)
      for (const [at, [key, { value, ttl = NEVER, staleFor = 0, size = 0 }]] of real.entries()) {
        const entry = inOrder[at]
        same(key, entry?.key, 'dumped key')
        same(`${value} ${ttl} ${staleFor} ${size}`, `${entry?.value} ${entry?.ttl} ${entry?.staleFor} ${entry?.size}`, 'dumped entry')
      }
      this.#dump = { real, naive: inOrder, from: model, at: now }
      return
    }
    if (dump.from.options.weighed !== model.options.weighed) return
    this.#dump = undefined
    const count = cache.load(dump.real)
    model.load(dump.naive, now - dump.at, now)
    if (count < model.entries.length) throw new Error(`loaded ${count}, expected ${model.entries.length} or more`)
  }

  /** What cannot be meant is refused, and has changed nothing. */
  #mistake(cache: Cache, key: unknown): void {
    const random = this.#random
    const mistakes = [
      () => cache.set(key, undefined as never),
      () => cache.set(key, 1, { ttl: -1 }),
      () => cache.set(key, 1, { staleFor: Number.NaN }),
      () => cache.set(key, 1, { tags: 'x' as never }),
      () => cache.set(key, 1, { dependsOn: 'x' as never }),
      () => cache.invalidate('*'.repeat(300)),
      () => cache.invalidateTags('x'),
      () => cache.resize({ max: 0 }),
      () => cache.trim(2),
      () => cache.load([[key] as never]),
      () => cache.load([[key, { value: 1, ttl: Number.NaN }]]),
      () => cache.namespace(''),
    ]
    try {
      random.pick(mistakes)()
    } catch (error) {
      return same((error as { code?: string }).code, 'ERR_INVALID_ARGUMENT', 'code')
    }
    throw new Error('a mistake was taken')
  }

  /** Something changes where the values come from. */
  #spoil(): void {
    const { model } = this.#random.pick(this.#pairs)
    const { entries } = model
    if (entries.length > 0) this.#spoilt.add(this.#random.pick(entries).value)
  }

  /** What empties caches, in part or altogether. */
  #disturb(pair: Pair): void {
    const random = this.#random
    const { cache, model } = pair
    switch (random.below(8)) {
      case 0:
      case 1:
        cache.clear()
        for (const one of model.all()) one.entries = []
        return
      case 2:
      case 3: {
        const share = random.pick([0, 0.3, 0.5, 1])
        const { entries } = cache.trim(share)
        const useful = model.all().reduce((sum, one) => sum + one.trim(share, this.#now), 0)
        if (entries < useful) throw new Error(`trim: ${entries}, expected ${useful} or more`)
        return
      }
      case 4:
        return random.below(20) === 0 ? this.#trap() : undefined
      case 5:
        return pair === this.#root ? undefined : this.#reopen(pair)
    }
  }

  /** A trap in the core empties every cache, each when it asks the core something. */
  #trap(): void {
    try {
      plantTrap()
    } catch {}
    for (const { cache, model } of this.#pairs) {
      cache.validate()
      // Whoever finds the trap in the middle of something tells of it after the next change.
      cache.trim(0)
      model.entries = []
      model.left.length = 0
    }
  }

  #reopen(pair: Pair): void {
    if (pair.model.within.length > 0) return
    const around = this.#pairs.find(({ model }) => model === pair.model.around) as Pair
    pair.cache.close()
    same(pair.cache.stats().evictions, pair.model.evictions, 'counted evictions')
    around.model.within = around.model.within.filter(one => one !== pair.model)
    this.#pairs = this.#pairs.filter(one => one !== pair)
    this.#open(around, pair.name.slice(pair.name.lastIndexOf('/') + 1))
  }

  #compare(): void {
    this.#root.cache.validate()
    const now = this.#now
    for (const { name, cache, model, told } of this.#pairs) {
      const expected = model.entries.filter(entry => entry.until > now)
      const found = new Map(cache.entries())
      same(found.size, expected.length, `${name}: number of entries`)
      for (const { key, value } of expected) {
        same(found.get(key), value, `${name}: entry ${String(key)}`)
        if (told !== undefined) same(told.get(key), value, `${name}: entry ${String(key)}, by the events`)
      }
      if (cache.size < model.kept(now).length) throw new Error(`${name}: size is below the number of entries`)
    }
  }
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
