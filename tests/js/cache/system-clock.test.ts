import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createMemoryCache, type MemoryCache } from '../../../js/index.ts'
import { Seeded } from '../model/random.ts'

interface Entry {
  value: number
  until: number
  tag: string | undefined
}

const KEYS = Array.from({ length: 12 }, (_, at) => `key ${at}`)

// With the machine's own clock a cache goes by a reading of it for a while, and looks at no entry's time until the first may be over.
describe('by the clock of the machine', () => {
  /** How far time has gone on within this macrotask, and those before. */
  let ahead = 0

  beforeAll(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'], now: 1_700_000_000_000 })
    const now = performance.now.bind(performance)
    performance.now = () => now() + ahead
  })
  afterAll(() => {
    vi.useRealTimers()
  })

  test('no entry is served from the moment on at which its time is over, and each one until then', () => {
    for (let seed = 0; seed < 300; seed += 1) {
      const random = new Seeded(seed)
      const cache = createMemoryCache<string, number>({ max: 8, ...(random.below(2) === 0 && { ttl: 1 + random.below(3000) }) })
      const model = new Map<string, Entry>()
      for (let step = 0; step < 150; step += 1) {
        change(cache, model, random)
        for (const key of KEYS) if (!cache.has(key)) model.delete(key)
        for (const key of KEYS) {
          const entry = model.get(key)
          const expected = entry === undefined || entry.until <= performance.now() ? undefined : entry.value
          // More reads than pass between two readings of the clock.
          for (let times = random.below(8) === 0 ? 1200 : 1; times > 0; times -= 1) {
            if (cache.get(key) !== expected) expect.fail(`seed ${seed}, step ${step}: ${key} is ${cache.get(key)}, not ${expected}`)
          }
        }
      }
      cache.validate()
      cache.close()
    }
  })

  test.each(['lru', 's3fifo', 'tinylfu', 'auto'] as const)(
    'with %s time goes on within a macrotask, however often somebody has to leave',
    policy => {
      const cache = createMemoryCache<string, number>({ max: 8, policy, seed: 1 })
      cache.set('brief', 1, { ttl: 10 })
      expect(cache.get('brief')).toBe(1)
      ahead += 20
      let turns = 0
      while (turns < 1000 && cache.get('brief') !== undefined) {
        turns += 1
        cache.set(`other ${turns}`, turns)
      }
      expect(turns).toBeLessThan(520)
      expect(cache.stats().missesByReason.expired).toBe(1)
      cache.close()
    },
  )

  test('a hit that is counted by its place in the log is counted once', () => {
    const cache = createMemoryCache<string, number>({ max: 10, ttl: '1h' })
    let hits = 0
    for (let step = 0; step < 20_000; step += 1) {
      if (cache.get(`key ${step % 13}`) !== undefined) hits += 1
      if (step % 3 === 0) cache.set(`key ${step % 11}`, step)
      if (step % 5000 === 4999) cache.clear()
    }
    expect(hits).toBeGreaterThan(1000)
    expect(cache.stats().hits).toBe(hits)
  })
})

function change(cache: MemoryCache<string, number>, model: Map<string, Entry>, random: Seeded): void {
  const key = random.pick(KEYS)
  const now = performance.now()
  switch (random.below(9)) {
    case 0:
    case 1: {
      const ttl = 1 + random.below(2000)
      const tag = random.below(4) === 0 ? random.pick(['x', 'y']) : undefined
      cache.set(key, ttl, { ttl, ...(tag !== undefined && { tags: [tag] }), ...(random.below(8) === 0 && { staleFor: 500 }) })
      model.set(key, { value: ttl, until: now + ttl, tag })
      break
    }
    case 2:
      cache.set(key, 7)
      model.set(key, { value: 7, until: now + (cache.info(key)?.ttl ?? 0), tag: undefined })
      break
    case 3:
      cache.delete(key)
      model.delete(key)
      break
    case 4:
      if (cache.expire(key)) model.delete(key)
      break
    case 5: {
      const tag = random.pick(['x', 'y'])
      cache.invalidateTags([tag])
      for (const [other, entry] of model) if (entry.tag === tag) model.delete(other)
      break
    }
    default:
      vi.advanceTimersByTime(random.pick([1, 1, 7, 90, 400, 1500]))
  }
}
