import { describe, expect, test } from 'vitest'
import { keyHasher } from '../../../js/cache/key-hash.ts'
import { createCache, createMemoryCache, type EvictionPolicy } from '../../../js/index.ts'
import { ManualClock, plantTrap } from '../../../js/testing.ts'
import { Seeded } from '../model/random.ts'

const POLICIES = ['lru', 's3fifo', 'tinylfu', 'auto'] as const satisfies readonly EvictionPolicy[]

describe.each(POLICIES)('%s', policy => {
  test('no limit is ever exceeded, every entry is reachable, and every removal is told', () => {
    for (let seed = 0; seed < 200; seed += 1) {
      const random = new Seeded(seed)
      const clock = new ManualClock()
      const told = new Map<string, number>()
      const max = 1 + random.below(200)
      const cache = createMemoryCache<string, { size: number }>({
        policy,
        seed,
        max,
        maxSize: 1000,
        sizeCalculation: value => value.size,
        dispose: (value, key) => told.set(key, value.size),
        clock,
      })
      const stored = new Map<string, { size: number }>()
      for (let step = 0; step < 600; step += 1) {
        const key = `key-${random.below(300)}`
        if (random.below(40) === 0) clock.advance(random.below(100))
        if (random.below(60) === 0) cache.delete(key)
        else if (cache.get(key) === undefined) {
          const value = { size: random.below(30) }
          stored.set(key, value)
          told.delete(key)
          cache.set(key, value, random.below(4) === 0 ? { ttl: 1 + random.below(200) } : {})
          expect(cache.has(key)).toBe(true)
        }
        for (const [gone] of told) stored.delete(gone)
        told.clear()
        if (cache.stats().entries > max || cache.stats().size > 1000) expect.unreachable(`a limit is exceeded at seed ${seed}`)
      }
      cache.validate()
      for (const [key, value] of cache) expect(stored.get(key)).toBe(value)
      expect(cache.stats().policy).toBe(policy)
      cache.resize({ max: 1 })
      cache.validate()
      expect(cache.size).toBeLessThanOrEqual(1)
      cache.close()
    }
  })

  test('a trap at any point leaves a consistent cache', () => {
    for (let seed = 0; seed < 30; seed += 1) {
      const random = new Seeded(seed)
      const cache = createMemoryCache<number, number>({ policy, max: 50, seed, clock: new ManualClock() })
      const trapAt = random.below(400)
      for (let step = 0; step < 500; step += 1) {
        if (step === trapAt) expect(() => plantTrap()).toThrow()
        const key = random.below(150)
        const value = cache.get(key)
        if (value === undefined) cache.set(key, key + 1)
        else expect(value).toBe(key + 1)
      }
      cache.validate()
      expect(cache.stats().traps).toBe(1)
      cache.close()
    }
  })

  test('keys of every type are known again', () => {
    const cache = createMemoryCache<unknown, number>({ policy, max: 10, seed: 1 })
    const keys = ['a', 1, 1.5, -0, Number.NaN, null, undefined, true, 10n, Symbol('s'), {}, () => 1]
    for (let round = 0; round < 50; round += 1) for (const key of keys) if (cache.get(key) === undefined) cache.set(key, round)
    cache.validate()
    expect(cache.size).toBe(10)
  })

  test('a cache with tiers takes it, too', async () => {
    await using cache = await Promise.resolve(createCache<number>({ policy, max: 2 }))
    for (const key of ['a', 'b', 'c']) await cache.getOrSet(key, () => 1)
    expect(cache.stats().memory).toMatchObject({ policy, entries: 2 })
  })
})

test.each(['s3fifo', 'tinylfu', 'auto'] as const)('%s keeps what is in use through a scan', policy => {
  const hits = (name: EvictionPolicy) => {
    const cache = createMemoryCache<string, number>({ policy: name, max: 1000, seed: 1, clock: new ManualClock() })
    for (let step = 0; step < 40_000; step += 1) {
      const key = step % 4 === 0 ? `hot:${(step / 4) % 300}` : `scan:${step}`
      if (cache.get(key) === undefined) cache.set(key, step)
    }
    return cache.stats().hits
  }
  expect(hits('lru')).toBeLessThan(100)
  expect(hits(policy)).toBeGreaterThan(8000)
})

test('a policy that does not exist is refused', () => {
  expect(() => createMemoryCache({ policy: 'best' as EvictionPolicy })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
})

describe('hashes of keys', () => {
  const hash = keyHasher(12345)

  test('equal keys have equal hashes, as a Map sees equality', () => {
    for (const [one, other] of [
      [0, -0],
      [Number.NaN, Number.NaN],
      ['ab', ['a', 'b'].join('')],
      [2 ** 40, 2 ** 40],
    ])
      expect(hash(one)).toBe(hash(other))
  })

  test('100 000 keys of a kind have about as few equal hashes as chance has it', () => {
    const object = () => ({})
    for (const make of [(at: number) => `user:${at}`, (at: number) => at, (at: number) => at / 3, object]) {
      const seen = new Set(Array.from({ length: 100_000 }, (_, at) => hash(make(at))))
      expect(seen.size).toBeGreaterThan(99_990)
    }
  })

  test('keys that collide under one seed do not under another', () => {
    const bySeed = (seed: number) => {
      const hashed = keyHasher(seed)
      return Array.from({ length: 300_000 }, (_, at) => hashed(`k${at}`))
    }
    const first = new Map<number, number>()
    const pairs: [number, number][] = []
    bySeed(1).forEach((value, at) => {
      const other = first.get(value)
      if (other === undefined) first.set(value, at)
      else pairs.push([other, at])
    })
    const second = bySeed(2)
    expect(pairs.length).toBeGreaterThan(0)
    expect(pairs.filter(([one, other]) => second[one] === second[other])).toEqual([])
  })
})
