import { describe, expect, test } from 'vitest'
import { createMemoryCache, type DumpedEntry, type EvictionPolicy, type MemoryCacheOptions } from '../../../js/index.ts'
import { LRUCache } from '../../../js/lru-cache.ts'
import { ManualClock } from '../../../js/testing.ts'
import { Seeded } from '../model/random.ts'

function made(options: MemoryCacheOptions<string, number> = {}) {
  const clock = new ManualClock()
  return { clock, cache: createMemoryCache<string, number>({ clock, ...options }) }
}

/** What is seen of a cache from outside. */
const seen = ({ cache }: ReturnType<typeof made>) => cache.coldest(1000).map(key => [key, cache.info(key)])

describe('dump and load', () => {
  test('through JSON, what comes in is what went out: order, times, sizes', () => {
    const options = { max: 10, ttl: '1m', maxSize: 1000, sizeCalculation: (value: number) => value } as const
    const first = made(options)
    first.cache.set('a', 1)
    first.cache.set('b', 2, { ttl: 500, staleFor: 5000 })
    first.cache.set('c', 3, { ttl: '30d', size: 7 })
    first.cache.get('a')
    first.clock.advance(100)
    const second = made(options)
    second.clock.setWall(first.clock.wall())
    second.cache.set('old', 1)
    expect(second.cache.load(JSON.parse(JSON.stringify(first.cache.dump())))).toBe(3)
    expect(second.cache.coldest()).toEqual(['b', 'c', 'a'])
    expect(seen(second)).toEqual(seen(first))
    second.clock.advance(400)
    expect(second.cache.peek('b')).toBeUndefined()
    expect(second.cache.peek('b', { allowStale: true })).toBe(2)
    second.cache.validate()
  })

  test('the time between counts, whatever the clock did', () => {
    const { cache, clock } = made()
    cache.set('brief', 1, { ttl: 100 })
    cache.set('stale', 2, { ttl: 100, staleFor: 1000 })
    cache.set('long', 3, { ttl: 1000 })
    cache.set('ever', 4)
    const dump = cache.dump()
    const later = made()
    later.clock.setWall(clock.wall() + 300)
    expect(later.cache.load(dump)).toBe(3)
    expect(later.cache.getMany(['brief', 'stale', 'long', 'ever'])).toEqual([undefined, undefined, 3, 4])
    expect(later.cache.info('stale')).toEqual({ value: 2, stale: true, ttl: 0, staleFor: 800, size: 0 })
    expect(later.cache.info('long')).toMatchObject({ ttl: 700 })
    const back = made()
    back.clock.setWall(clock.wall() - 5000)
    back.cache.load(dump)
    expect(back.cache.info('long')).toMatchObject({ ttl: 1000 })
  })

  test('tags and sources hold on', () => {
    const { cache, clock } = made()
    cache.set('part', 1)
    cache.set('sum', 3, { dependsOn: ['part'] })
    cache.set('tagged', 1, { tags: ['x', 'y'] })
    cache.get('part')
    const other = createMemoryCache<string, number>({ clock })
    other.load(cache.dump())
    expect(other.getMany(['sum', 'tagged', 'part'])).toEqual([3, 1, 1])
    other.invalidateTags(['y'])
    other.set('part', 2)
    expect(other.getMany(['sum', 'tagged', 'part'])).toEqual([undefined, undefined, 2])
  })

  test('the limits hold, and of too many the most recent stay', () => {
    const { cache } = made({ max: 100 })
    for (let at = 0; at < 100; at += 1) cache.set(`${at}`, at)
    const { cache: small } = made({ max: 3 })
    expect(small.load(cache.dump())).toBe(3)
    expect([...small.keys()]).toEqual(['97', '98', '99'])
    const { cache: light } = made({ maxSize: 10, sizeCalculation: value => value })
    expect(light.load(cache.dump().slice(0, 6))).toBe(2)
    light.validate()
  })

  test.each<[string, unknown]>([
    ['no list', 7],
    ['a text', 'ab'],
    ['no pair', [['a', { value: 1 }], 'b']],
    ['no entry', [['b', null]]],
    [
      'no value',
      [
        ['a', { value: 1 }],
        ['b', {}],
      ],
    ],
    ['a ttl', [['b', { value: 1, ttl: '5m' }]]],
    ['a start', [['b', { value: 1, ttl: 5, start: Number.NaN }]]],
    ['a stale window', [['b', { value: 1, staleFor: -1 }]]],
    ['a size', [['b', { value: 1, size: 0.5 }]]],
    ['tags', [['b', { value: 1, tags: 'x' }]]],
    ['sources', [['b', { value: 1, dependsOn: 'a' }]]],
  ])('refuses %s that cannot be meant, and changes nothing', (_, entries) => {
    const { cache } = made()
    cache.set('kept', 1)
    expect(() => cache.load(entries as [string, DumpedEntry<string, number>][])).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }),
    )
    expect([...cache]).toEqual([['kept', 1]])
  })

  test('tells of what it replaces, and goes on when that throws', () => {
    const left: string[] = []
    const { cache } = made({
      dispose: (_, key, reason) => {
        left.push(`${reason} ${key}`)
        throw new Error('from dispose')
      },
    })
    cache.set('old', 1)
    expect(() =>
      cache.load([
        ['a', { value: 1 }],
        ['b', { value: 2 }],
      ]),
    ).toThrow('from dispose')
    expect(left).toEqual(['delete old'])
    expect([...cache.keys()]).toEqual(['a', 'b'])
  })

  test('takes what lru-cache dumps', () => {
    const clock = new ManualClock()
    const theirs = new LRUCache<string, number>({ max: 5, ttl: 1000 })
    theirs.set('a', 1)
    theirs.set('b', 2)
    theirs.get('a')
    const cache = createMemoryCache<string, number>({ clock })
    clock.setWall(Date.now())
    cache.load(theirs.dump())
    expect(cache.coldest()).toEqual(['b', 'a'])
    expect(cache.info('a')?.ttl).toBeGreaterThan(0)
  })

  test('a closed cache has nothing, and takes nothing', () => {
    const { cache } = made()
    cache.set('a', 1)
    cache.close()
    expect([cache.dump(), cache.hottest(), cache.coldest()]).toEqual([[], [], []])
    expect(() => cache.load([])).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
  })

  test('any cache dumps to one that looks the same', () => {
    for (let seed = 0; seed < 300; seed += 1) {
      const random = new Seeded(seed)
      const first = made({ max: 1 + random.below(20), ...(random.below(2) === 0 && { ttl: 1 + random.below(500) }) })
      for (let step = 0; step < 60; step += 1) {
        const key = `${random.below(30)}`
        if (random.below(2) === 0) first.cache.get(key)
        else first.cache.set(key, step, random.below(2) === 0 ? {} : { ttl: 1 + random.below(300), staleFor: random.below(100) })
        if (random.below(5) === 0) first.clock.advance(random.below(100))
      }
      const second = made({ max: 20 })
      second.clock.setWall(first.clock.wall())
      second.cache.load(first.cache.dump())
      expect(seen(second), `seed ${seed}`).toEqual(seen(first))
    }
  })
})

describe('the hottest and the coldest', () => {
  test('by recency with LRU', () => {
    const { cache, clock } = made({ ttl: 100 })
    for (const key of ['a', 'b', 'c', 'd']) cache.set(key, 1)
    cache.get('a')
    cache.set('brief', 1, { ttl: 1 })
    clock.advance(1)
    expect(cache.hottest()).toEqual(['a', 'd', 'c', 'b'])
    expect(cache.hottest(2)).not.toContain('brief')
    expect(cache.coldest(2)).toEqual(['b', 'c'])
    expect(cache.coldest(0)).toEqual([])
    expect(() => cache.hottest(-1)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })

  test.each<EvictionPolicy>(['s3fifo', 'tinylfu', 'auto'])('by frequency with %s, and asking decides nothing', policy => {
    const caches = [true, false].map(asks => {
      const { cache } = made({ max: 100, policy, seed: 1 })
      const random = new Seeded(1)
      for (let step = 0; step < 5000; step += 1) {
        const key = step % 2 === 0 ? `hot ${random.below(5)}` : `${random.below(500)}`
        if (cache.get(key) === undefined) cache.set(key, step)
        if (step % 100 > 0) continue
        if (asks) cache.hottest(3).concat(cache.coldest(3))
        // Lets the log cross as well, and with it the next victims may be named a little earlier.
        else cache.validate()
      }
      return cache
    })
    expect([...(caches[0] ?? [])]).toEqual([...(caches[1] ?? [])])
    const hottest = caches[0]?.hottest(5) ?? []
    expect(hottest.filter(key => key.startsWith('hot')).length).toBeGreaterThanOrEqual(4)
    expect(caches[0]?.coldest(5).filter(key => key.startsWith('hot'))).toEqual([])
  })
})
