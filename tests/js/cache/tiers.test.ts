import { expect, test } from 'vitest'
import { type Cache, type CacheOptions, createCache, type TierOptions } from '../../../js/index.ts'
import { faultyStore, ManualClock, MemoryLog, memoryStore } from '../../../js/testing.ts'
import { settle } from '../http/transport.ts'
import { deferred } from './deferred.ts'
import { MapStore } from './map-store.ts'

type Answer = () => Promise<void>
const never: Answer = () => new Promise(() => {})
const dead: Answer = () => Promise.reject(new Error('no connection'))
const well: Answer = async () => {}

interface Bench {
  cache: Cache<string>
  clock: ManualClock
  upper: MapStore
  lower: MapStore
}

async function over(upper: Omit<TierOptions, 'store'>, lower: Omit<TierOptions, 'store'>, options?: CacheOptions<string>): Promise<Bench> {
  const bench = { clock: new ManualClock(), upper: new MapStore(), lower: new MapStore() }
  const tiers = [
    { store: bench.upper, ...upper },
    { store: bench.lower, ...lower },
  ]
  const cache = createCache<string>({ clock: bench.clock, tiers, max: 1, ...options })
  await settle()
  return { ...bench, cache }
}

/** Makes the store fail, reads included. */
function answer(store: MapStore, how: Answer): void {
  store.before = how
}

test('an entry lives in a tier no longer than that allows, and is given up with what is left of its time', async () => {
  const { cache, clock, upper, lower } = await over({ ttl: '10s' }, {}, { ttl: '1m' })
  await cache.set('a', 'v')
  await cache.set('b', 'v')
  const now = clock.wall()
  expect([upper.entries.get('a')?.expiresAt, lower.entries.get('a')?.expiresAt]).toEqual([now + 10_000, now + 60_000])
  clock.advance(55_000)
  upper.entries.clear()
  expect(await cache.get('a')).toBe('v')
  await settle()
  expect(upper.entries.get('a')?.expiresAt).toBe(now + 60_000)
  expect(cache.memory.info('a')?.ttl).toBe(5000)
  await cache.close()
})

test('write-behind: nobody waits, and reads see it at once', async () => {
  const { cache, lower } = await over({}, { mode: 'write-behind' })
  const { promise, resolve } = deferred<void>()
  answer(lower, () => promise)
  await cache.set('a', 'v', { persist: 'stored' })
  await cache.set('b', 'w')
  expect(await cache.get('a')).toBe('v')
  resolve()
  await cache.flush()
  expect(lower.entries.get('a')?.value).toBe('v')
  await cache.close()
})

test('with more than memory, a tier that is written through must have it, or the nearest where none is', async () => {
  const { cache, upper, lower } = await over({ mode: 'write-behind' }, { mode: 'write-behind' })
  upper.refuse = new Error('full')
  lower.refuse = new Error('full')
  await cache.set('a', 'v')
  await expect(cache.set('a', 'v', { persist: 'stored' })).rejects.toBe(upper.refuse)
  upper.refuse = undefined
  await cache.set('a', 'v', { persist: 'stored' })
  await cache.close()
})

test('a tier that cannot be opened is told of once, and again when it can', async () => {
  const clock = new ManualClock()
  const plan = { fails: true }
  const cache = createCache<string>({ clock, store: faultyStore(memoryStore(), () => (plan.fails ? 'fail' : 'none')) })
  const told: unknown[] = []
  cache.on('tierDown', ({ tier, error }) => told.push(['down', tier, (error as Error).message]))
  cache.on('tierUp', ({ tier, repaired }) => told.push(['up', tier, repaired]))
  await cache.set('a', 'v')
  const down = ['down', 'faulty memory', 'tier faulty memory is off: a planned failure of open']
  expect(told).toEqual([down])
  await clock.advanceAsync(1000)
  await cache.set('a', 'v')
  await clock.advanceAsync(0)
  expect(told).toEqual([down])
  plan.fails = false
  await clock.advanceAsync(10_000)
  await cache.set('b', 'w')
  await clock.advanceAsync(0)
  expect(told).toEqual([down, ['up', 'faulty memory', 0]])
  await cache.set('b', 'w', { persist: 'stored' })
  await cache.close()
})

test('a slow tier is passed by, and after a few times not asked', async () => {
  const { cache, clock, upper, lower } = await over({ timeout: 200, circuitBreaker: { failures: 2, halfOpenAfter: '5s' } }, {})
  const told: unknown[] = []
  cache.on('tierDown', ({ tier, error }) => told.push(['down', tier, (error as Error).name]))
  cache.on('tierUp', ({ tier, repaired }) => told.push(['up', tier, repaired]))
  await cache.set('a', 'v')
  await cache.set('b', 'w')
  answer(upper, never)
  for (const key of ['a', 'b']) {
    const reading = cache.get(key)
    await clock.advanceAsync(200)
    expect(await reading).toBe(key === 'a' ? 'v' : 'w')
  }
  expect(await cache.get('z')).toBeUndefined()
  expect(cache.stats().tiers[0]).toMatchObject({ timeouts: 2, bypassed: 1, circuit: 'open' })
  expect(told).toEqual([['down', 'map', 'TimeoutError']])
  answer(upper, well)
  await clock.advanceAsync(5000)
  lower.entries.clear()
  await cache.set('x', 'x')
  expect(await cache.get('b')).toBe('w')
  expect(cache.stats().tiers[0]?.circuit).toBe('closed')
  expect(told).toEqual([
    ['down', 'map', 'TimeoutError'],
    ['up', 'map', 0],
  ])
  void cache.close()
})

test.each<[string, (cache: Cache<string>) => Promise<unknown>]>([
  ['a deletion', cache => cache.delete('a')],
  ['a set', cache => cache.set('a', 'new').then(() => cache.set('x', 'x'))],
  ['a tag', cache => cache.invalidateTags(['t'])],
  ['a clear', cache => cache.clear()],
])('nothing old comes up from a tier that slept through %s', async (_, change) => {
  const { cache, clock, upper, lower } = await over({}, { circuitBreaker: { failures: 1 } })
  await cache.set('a', 'old', { tags: ['t'] })
  answer(lower, dead)
  await cache.get('nothing')
  await change(cache)
  const written = upper.entries.get('a')?.value
  await expect(cache.delete('nothing', { persist: 'stored' })).rejects.toMatchObject({ code: 'ERR_STORE' })
  upper.entries.clear()
  answer(lower, well)
  expect(await cache.get('a')).toBeUndefined()
  await clock.advanceAsync(10_000)
  expect(await cache.get('a')).toBeUndefined()
  expect(cache.stats().tiers[1]).toMatchObject({ circuit: 'closed', missed: 0 })
  expect(cache.stats().tiers[1]?.repaired).toBeGreaterThan(0)
  expect(written === 'old' || written === undefined || written === 'new').toBe(true)
  // And it is trusted again.
  await cache.set('b', 'w')
  await cache.set('c', 'w')
  upper.entries.clear()
  expect(await cache.get('b')).toBe('w')
  await cache.close()
})

test('of too many changes that were missed, all is given up', async () => {
  const { cache, clock, upper, lower } = await over({}, { circuitBreaker: { failures: 1 } })
  await cache.set('a', 'old')
  await cache.set('untouched', 'old')
  await cache.set('x', 'x')
  answer(lower, dead)
  await cache.get('nothing')
  await cache.delete('a')
  await cache.deleteMany(Array.from({ length: 10_001 }, (_, at) => `k${at}`))
  expect(cache.stats().tiers[1]?.missed).toBe(1)
  answer(lower, well)
  await clock.advanceAsync(10_000)
  upper.entries.clear()
  expect([await cache.get('a'), await cache.get('untouched')]).toEqual([undefined, undefined])
  await cache.set('a', 'new')
  await cache.set('x', 'x')
  upper.entries.clear()
  expect(await cache.get('a')).toBe('new')
  await cache.close()
})

test('a single write that failed hides what the tier has, until that is deleted there', async () => {
  const { cache, clock, lower } = await over({ ttl: 1 }, {})
  await cache.set('a', 'old')
  lower.refuse = new Error('full')
  await cache.set('a', 'new')
  lower.refuse = undefined
  await cache.set('x', 'x')
  clock.advance(1)
  expect(await cache.get('a')).toBeUndefined()
  expect(lower.entries.get('a')?.value).toBe('old')
  await clock.advanceAsync(1000)
  expect(lower.entries.has('a')).toBe(false)
  await cache.close()
})

test('what hangs keeps nobody who did not ask for more', async () => {
  const { cache, clock, lower } = await over({}, { timeout: 100 })
  answer(lower, never)
  const all = Promise.all([cache.set('a', 'v'), cache.delete('b'), cache.invalidateTags(['t']), cache.clear()])
  await clock.advanceAsync(100)
  await all
  const stored = cache.set('a', 'v', { persist: 'stored' })
  const rejected = expect(stored).rejects.toMatchObject({ code: 'ERR_STORE' })
  await clock.advanceAsync(60_000)
  await rejected
  void cache.close()
})

test.each(['is refused', 'is taken', 'never comes back'])(
  'a write that %s after the cache was closed leaves no timer behind',
  async fate => {
    const { cache, clock, lower } = await over({}, { timeout: 100 })
    const { promise, resolve, reject } = deferred<void>()
    answer(lower, () => promise)
    const set = cache.set('a', 'v')
    await clock.advanceAsync(100)
    await set
    const closing = cache.close()
    await clock.advanceAsync(1000)
    await closing
    if (fate === 'is taken') resolve()
    else if (fate === 'is refused') reject(new Error('too late'))
    else await clock.advanceAsync(60_000)
    await settle()
    expect(clock.timers).toBe(0)
  },
)

test('a tier that has answered a clear after a minute is read again', async () => {
  const clock = new ManualClock()
  const store = new MapStore()
  const cache = createCache<string>({ clock, store: { store, timeout: 100 } })
  await cache.set('other', 'v')
  const { promise, resolve } = deferred<void>()
  store.before = () => promise
  const clearing = cache.clear()
  await clock.advanceAsync(60_000)
  await clearing
  resolve()
  store.before = undefined
  await clock.advanceAsync(20_000)
  await cache.set('a', 'v', { skipMemoryWrite: true })
  expect(await cache.get('a')).toBe('v')
  await cache.close()
})

test('options of a tier that cannot be meant are refused', () => {
  const store = new MapStore()
  const tiers: unknown[] = [
    { store, ttl: -1 },
    { store, mode: 'write-around' },
    { store, timeout: 0 },
    { store, circuitBreaker: { failures: 0 } },
    { store, circuitBreaker: true },
    { ttl: 1 },
    null,
  ]
  for (const tier of tiers)
    expect(() => createCache({ tiers: [tier as TierOptions] })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
})

test('on-evict: a tier gets what memory gives up, and when the cache is closed the rest', async () => {
  const { cache, upper, lower, clock } = await over({ mode: 'on-evict' }, {}, { ttl: '1m' })
  await cache.set('a', 'v', { tags: ['t'] })
  expect([upper.entries.has('a'), lower.entries.has('a')]).toEqual([false, true])
  await cache.set('b', 'w')
  await settle()
  expect([upper.entries.get('a')?.value, upper.entries.has('b')]).toEqual(['v', false])
  lower.entries.clear()
  upper.calls.length = 0
  expect(await cache.get('a')).toBe('v')
  await settle()
  // It came from there: only b is news.
  expect(upper.calls).toEqual(['get a', 'set b'])
  await cache.set('c', 'x')
  await settle()
  expect(upper.calls).not.toContain('set a')
  clock.advance(1000)
  await cache.close()
  expect(upper.entries.get('c')?.value).toBe('x')
})

test('on-evict: an old value goes when a new one is set, and what was given up does not go down as fresh', async () => {
  const { cache, upper } = await over({ mode: 'on-evict' }, { ttl: 1 }, { staleIfError: '1h', ttl: '1h' })
  await cache.set('a', 'old', { tags: ['t'] })
  await cache.set('b', 'w')
  await settle()
  expect(upper.entries.get('a')?.value).toBe('old')
  await cache.set('a', 'new', { tags: ['t'] })
  await settle()
  expect(upper.entries.has('a')).toBe(false)
  await cache.invalidateTags(['t'], { mode: 'expire' })
  await cache.set('b', 'w')
  await settle()
  expect(upper.entries.has('a')).toBe(false)
  await cache.close()
})

test('on-evict: what memory does not keep goes down at once', async () => {
  const { cache, upper } = await over({ mode: 'on-evict' }, {}, { maxSize: 100, sizeCalculation: value => value.length, max: 10 })
  await cache.set('a', 'x'.repeat(200))
  await cache.set('b', 'y', { skipMemoryWrite: true })
  await settle()
  expect([upper.entries.has('a'), upper.entries.has('b'), cache.memory.size]).toEqual([true, true, 0])
  await cache.close()
})

test('a call may pass by memory or the tiers', async () => {
  const { cache, upper, lower } = await over({}, {}, { max: 10 })
  await cache.set('a', 'old')
  await cache.set('a', 'new', { skipTierWrite: true })
  expect([upper.entries.has('a'), lower.entries.has('a'), cache.memory.get('a')]).toEqual([false, false, 'new'])
  expect(await cache.get('a', { skipMemoryRead: true })).toBeUndefined()
  await cache.set('a', 'newer', { skipMemoryWrite: true })
  expect(cache.memory.has('a')).toBe(false)
  expect(await cache.get('a', { skipTierRead: true })).toBeUndefined()
  expect(await cache.getMany(['a'], { skipTierRead: true })).toEqual([undefined])
  expect(await cache.get('a', { skipMemoryWrite: true })).toBe('newer')
  expect(cache.memory.has('a')).toBe(false)
  expect(await cache.getMany(['a'], { skipMemoryWrite: true })).toEqual(['newer'])
  expect(cache.memory.has('a')).toBe(false)
  expect(await cache.get('a')).toBe('newer')
  expect(await cache.delete('a', { skipTierWrite: true })).toBe(true)
  expect([cache.memory.has('a'), await cache.get('a')]).toEqual([false, 'newer'])
  await cache.close()
})

test('so may a load', async () => {
  const { cache, upper } = await over({}, {}, { max: 10 })
  await cache.set('a', 'known')
  expect(await cache.getOrSet('a', () => 'loaded', { skipMemoryRead: true })).toBe('known')
  expect(await cache.getOrSet('a', () => 'loaded', { skipMemoryRead: true, skipTierRead: true, skipTierWrite: true })).toBe('loaded')
  expect([cache.memory.get('a'), upper.entries.has('a')]).toEqual(['loaded', false])
  const large = ({ setOptions }: { setOptions: (options: object) => void }) => {
    setOptions({ skipMemoryWrite: true })
    return 'large'
  }
  expect(await cache.getOrSet('b', large)).toBe('large')
  await settle()
  expect([cache.memory.has('b'), upper.entries.get('b')?.value]).toEqual([false, 'large'])
  expect(await cache.getOrSet('b', () => 'other', { skipMemoryWrite: true })).toBe('large')
  expect(cache.memory.has('b')).toBe(false)
  expect(await cache.getOrSet('a', () => undefined, { skipMemoryRead: true, skipTierRead: true })).toBeUndefined()
  expect(await cache.get('a')).toBeUndefined()
  await cache.close()
})

test('stored values of another version are misses, and go', async () => {
  const store = new MapStore()
  const of = (buster?: string | number) => createCache<string>({ store, ...(buster !== undefined && { buster }) })
  const first = of('v1')
  await first.set('a', 'one', { tags: ['t'] })
  await first.set('b', 'one')
  await first.close()
  const same = of('v1')
  expect(await same.get('a')).toBe('one')
  await same.close()
  const none = of()
  expect(await none.get('a')).toBeUndefined()
  await none.close()
  const second = of(2)
  expect(await second.getOrSet('b', () => 'two')).toBe('two')
  await settle()
  expect(await second.get('a')).toBeUndefined()
  await settle()
  expect(store.entries.has('a')).toBe(false)
  expect(second.stats().tiers[0]).toMatchObject({ outdated: 1 })
  await second.close()
  const again = of('2')
  expect(await again.get('b')).toBe('two')
  await again.close()
  expect(() => createCache({ buster: {} as string })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
})

test('hydrate: what was stored last comes up first, as far as there is room, each to its namespace', async () => {
  const [log, clock] = [new MemoryLog(), new ManualClock()]
  const of = (options: CacheOptions<string>) => createCache<string>({ clock, store: memoryStore({ log }), ...options })
  const first = of({ persist: 'stored', ttl: '1h' })
  for (let at = 0; at < 1000; at += 1) {
    clock.advance(1)
    await first.set(`k${at}`, `v${at}`, { tags: [at % 2 === 0 ? 'even' : 'odd'] })
  }
  clock.advance(1)
  await first.set('short', 'v', { ttl: 1 })
  await first.namespace('n').set('k0', 'within')
  await first.set('k5', 'anew')
  await first.invalidateTags(['even'])
  clock.advance(1)
  await first.close()
  const lazy = of({})
  await settle()
  expect(lazy.memory.size).toBe(0)
  await lazy.close()
  const eager = of({ hydrate: 'eager', max: 100 })
  await eager.set('k999', 'newest')
  expect(await eager.hydrate()).toBeGreaterThan(0)
  expect([eager.memory.peek('k5'), eager.memory.peek('k999'), eager.memory.peek('k997')]).toEqual(['anew', 'newest', 'v997'])
  expect([eager.memory.has('k998'), eager.memory.has('short'), eager.memory.has('k0'), eager.memory.has('k1')]).toEqual([
    false,
    false,
    false,
    false,
  ])
  expect(eager.memory.hottest(1)).toEqual(['k5'])
  expect(eager.stats().memory.evictions).toBe(0)
  const within = eager.namespace('n')
  await within.hydrate()
  expect(within.memory.peek('k0')).toBe('within')
  expect(eager.pending().leases).toBe(0)
  await eager.close()
  expect(() => of({ hydrate: 'never' as 'lazy' })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
})
