import { expect, test } from 'vitest'
import { type Cache, createCache } from '../../../js/index.ts'
import { ManualClock, MemoryLog, memoryStore } from '../../../js/testing.ts'
import { settle } from '../http/transport.ts'
import { deferred } from './deferred.ts'

/** A cache whose memory holds one entry, over a store that outlives it. */
class Bench {
  readonly clock = new ManualClock()
  readonly #log = new MemoryLog()
  readonly #options: Parameters<typeof createCache>[0]
  cache: Cache<unknown>

  constructor(options: Parameters<typeof createCache>[0] = {}) {
    this.#options = options
    this.cache = this.#open()
  }

  async restart(): Promise<void> {
    await this.cache.close()
    this.cache = this.#open()
  }

  /** What each key has, wherever it lies. */
  async read(...keys: string[]): Promise<unknown[]> {
    const found: unknown[] = []
    for (const key of keys) found.push(await this.cache.get(key))
    return found
  }

  #open(): Cache<unknown> {
    return createCache({ max: 1, clock: this.clock, store: memoryStore({ log: this.#log }), persist: 'stored', ...this.#options })
  }
}

const KEYS = ['user:1', 'user:1:posts', 'user:2', 'team', 'made', 'plain']

async function filled(options?: Parameters<typeof createCache>[0]): Promise<Bench> {
  const bench = new Bench(options)
  await bench.cache.set('user:1', 1, { tags: ['users', 'odd'] })
  await bench.cache.set('user:1:posts', 2)
  await bench.cache.set('user:2', 3, { tags: ['users'] })
  await bench.cache.set('team', 4, { tags: ['teams'] })
  await bench.cache.set('made', 5, { dependsOn: ['user:1:posts', 'team'] })
  await bench.cache.set('plain', 6)
  return bench
}

test.each<[string, (cache: Cache<unknown>) => Promise<unknown>, (number | undefined)[]]>([
  ['a tag', cache => cache.invalidateTags(['users']), [undefined, 2, undefined, 4, 5, 6]],
  ['several tags', cache => cache.invalidateTags(['odd', 'teams']), [undefined, 2, 3, undefined, undefined, 6]],
  ['a pattern', cache => cache.invalidate('user:*:posts'), [1, undefined, 3, 4, undefined, 6]],
  ['a pattern that means a source', cache => cache.invalidate('*eam'), [1, 2, 3, undefined, undefined, 6]],
  ['a prefix', cache => cache.invalidatePrefix('user:1'), [undefined, undefined, 3, 4, undefined, 6]],
  ['a source that is set', cache => cache.set('team', 7), [1, 2, 3, 7, undefined, 6]],
  ['a source that is deleted', cache => cache.delete('user:1:posts'), [1, undefined, 3, 4, undefined, 6]],
  ['a key that is expired', cache => cache.expire('user:1:posts'), [1, undefined, 3, 4, undefined, 6]],
  ['a predicate, of what is in memory', cache => cache.invalidateWhere(value => value === 6), [1, 2, 3, 4, 5, undefined]],
])('gives up %s in memory and the store, for good', async (_, invalidate, expected) => {
  const bench = await filled()
  await invalidate(bench.cache)
  expect(await bench.read(...KEYS)).toEqual(expected)
  await bench.restart()
  expect(await bench.read(...KEYS)).toEqual(expected)
})

test('what comes up from the store still has its tags and its sources', async () => {
  const bench = await filled({ max: 10 })
  await bench.restart()
  expect(await bench.read(...KEYS)).toEqual([1, 2, 3, 4, 5, 6])
  expect(bench.cache.memory.size).toBe(6)
  await bench.cache.invalidateTags(['users'])
  expect(KEYS.map(key => bench.cache.memory.get(key))).toEqual([undefined, 2, undefined, 4, 5, 6])
  await bench.cache.set('team', 4)
  await bench.restart()
  expect(await bench.read(...KEYS)).toEqual([undefined, 2, undefined, 4, undefined, 6])
})

test('a source that only comes up from the store is no news', async () => {
  const bench = await filled({ max: 10 })
  await bench.restart()
  await bench.read('made', 'team', 'user:1:posts')
  expect(bench.cache.memory.get('made')).toBe(5)
})

test('what is made from something that was made from a third goes with that, when only the store has it', async () => {
  const bench = new Bench({ max: 3 })
  await bench.cache.set('a', 1, { tags: ['t'] })
  await bench.cache.set('b', 2, { dependsOn: ['a'] })
  await bench.cache.set('c', 3, { dependsOn: ['b'] })
  await bench.restart()
  await bench.cache.invalidateTags(['t'])
  expect(await bench.read('c', 'b', 'a')).toEqual([undefined, undefined, undefined])
})

test('with expire, what was given up is there for who takes it stale, in memory, in the store, and after a restart', async () => {
  for (const ttl of ['1h', undefined] as const) {
    const bench = new Bench({ staleWhileRevalidate: '1m', ...(ttl && { ttl }) })
    await bench.cache.set('a', 1, { tags: ['t'] })
    await bench.cache.set('b', 2, { tags: ['t'] })
    await bench.cache.invalidateTags(['t'], { mode: 'expire' })
    for (let round = 0; round < 2; round += 1) {
      expect(await bench.read('a', 'b')).toEqual([undefined, undefined])
      const stale = { allowStale: true }
      expect([await bench.cache.get('a', stale), await bench.cache.get('b', stale)]).toEqual([1, 2])
      await bench.restart()
      bench.clock.advance(20_000)
    }
    const loaded = deferred<number>()
    expect(await bench.cache.getOrSet('a', () => loaded.promise)).toBe(1)
    loaded.resolve(10)
    await settle()
    expect(await bench.cache.get('a')).toBe(10)
    bench.clock.advance(40_000)
    expect(await bench.cache.get('b', { allowStale: true })).toBeUndefined()
  }
})

test('the wall clock going back brings nothing back', async () => {
  const bench = await filled()
  await bench.cache.invalidateTags(['users'])
  bench.clock.setWall(bench.clock.wall() - 30_000)
  expect(await bench.read('user:1', 'user:2')).toEqual([undefined, undefined])
  await bench.cache.set('user:1', 7, { tags: ['users'] })
  await bench.restart()
  expect(await bench.read('user:1', 'user:2', 'plain')).toEqual([7, undefined, 6])
  await bench.cache.invalidateTags(['users'])
  await bench.restart()
  expect(await bench.read('user:1')).toEqual([undefined])
})

test.each<[string, (cache: Cache<string>) => Promise<unknown>]>([
  ['its tag', cache => cache.invalidateTags(['given'])],
  ['a tag that the loader names at the end', cache => cache.invalidateTags(['said'])],
  ['a pattern', cache => cache.invalidate('k?')],
  ['a prefix', cache => cache.invalidatePrefix('k')],
  ['expire', cache => cache.expire('k1')],
  ['a source that is set', cache => cache.set('source', 'new')],
  ['a source that the loader names at the end', cache => cache.set('late', 'new')],
  ['the tag of a source', cache => cache.invalidateTags(['of source'])],
])('a load under way is neither kept nor joined after %s was given up', async (_, invalidate) => {
  for (const store of [undefined, memoryStore()]) {
    const cache = createCache<string>({ max: 10, ...(store && { store }) })
    await cache.set('source', 'first', { tags: ['of source'] })
    const answers = [deferred<string>(), deferred<string>()]
    let calls = 0
    const load = () =>
      cache.getOrSet(
        'k1',
        ({ setTags, setOptions }) => {
          setTags(['said'])
          setOptions({ dependsOn: ['source', 'late'] })
          calls += 1
          return (answers[calls - 1] as { promise: Promise<string> }).promise
        },
        { tags: ['given'], dependsOn: ['source'] },
      )
    const before = load()
    await settle()
    await invalidate(cache)
    const after = load()
    await settle()
    answers[1]?.resolve('new')
    answers[0]?.resolve('old')
    expect([await before, await after]).toEqual(['old', 'new'])
    expect(await cache.get('k1')).toBe('new')
    expect(calls).toBe(2)
    expect(cache.pending()).toEqual({ loads: 0, leases: 0 })
    await cache.close()
  }
})

test('a load is kept when something else was given up', async () => {
  const cache = createCache<number>({ max: 10 })
  const answer = deferred<number>()
  const loading = cache.getOrSet('k', () => answer.promise, { tags: ['t'], dependsOn: ['s'] })
  await settle()
  await cache.invalidateTags(['other'])
  await cache.invalidate('x*')
  await cache.set('unrelated', 1)
  const joined = cache.getOrSet('k', () => -1)
  answer.resolve(1)
  expect([await loading, await joined, await cache.get('k')]).toEqual([1, 1, 1])
})

test('what comes up from the store while it is given up is not kept in memory', async () => {
  const bench = await filled()
  const reading = bench.cache.get('user:1')
  const given = bench.cache.invalidateTags(['odd'])
  await Promise.all([reading, given])
  expect(bench.cache.memory.get('user:1')).toBeUndefined()
  expect(await bench.cache.get('user:1')).toBeUndefined()
})

test('that there is nothing is known under tags, too', async () => {
  const bench = new Bench({ negativeTtl: '1h' })
  let calls = 0
  const load = () =>
    bench.cache.getOrSet(
      'k',
      () => {
        calls += 1
        return undefined
      },
      { tags: ['t'] },
    )
  await load()
  await load()
  await bench.restart()
  await load()
  expect(calls).toBe(1)
  await bench.cache.invalidateTags(['t'])
  await load()
  expect(calls).toBe(2)
})

test('a value that is still right keeps its tags', async () => {
  const bench = new Bench({ ttl: '1m', staleIfError: '1h' })
  await bench.cache.getOrSet('k', ({ modified, setTags }) => {
    setTags(['t'])
    return modified('v', { etag: '1' })
  })
  bench.clock.advance(61_000)
  await bench.cache.getOrSet('k', ({ notModified }) => notModified())
  await bench.cache.set('other', 1)
  await bench.cache.invalidateTags(['t'])
  expect(await bench.cache.get('k', { allowStale: true })).toBeUndefined()
})

test.each([
  ['tags', (cache: Cache<number>) => cache.set('k', 1, { tags: 'users' as never })],
  ['tags', (cache: Cache<number>) => cache.getOrSet('new', () => 1, { tags: [1 as never] })],
  ['dependsOn', (cache: Cache<number>) => cache.set('k', 1, { dependsOn: {} as never })],
  ['tags', (cache: Cache<number>) => cache.invalidateTags('users' as never)],
  ['pattern', (cache: Cache<number>) => cache.invalidate('x'.repeat(257))],
  ['prefix', (cache: Cache<number>) => cache.invalidatePrefix(1 as never)],
  ['mode', (cache: Cache<number>) => cache.invalidateTags(['t'], { mode: 'soft' as never })],
  ['persist', (cache: Cache<number>) => cache.invalidateTags(['t'], { persist: 'stored' })],
  ['predicate', (cache: Cache<number>) => cache.invalidateWhere('x' as never)],
  ['key', (cache: Cache<number>) => cache.expire(1 as never)],
])('what cannot be meant is refused, and nothing has changed: %s', async (name, call) => {
  const cache = createCache<number>({ max: 10 })
  await cache.set('k', 7, { tags: ['t'] })
  await expect(call(cache)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining(name) })
  expect(cache.memory.get('k')).toBe(7)
})
