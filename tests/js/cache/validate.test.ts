import { describe, expect, test } from 'vitest'
import { createMemoryCache, type MemoryCacheOptions, type ValidatedEntry } from '../../../js/index.ts'
import { ManualClock } from '../../../js/testing.ts'

/** A cache of files that change without saying so. */
function benchOf(options: MemoryCacheOptions<string, string> = {}) {
  const clock = new ManualClock()
  const files = new Map([
    ['a', 1],
    ['b', 1],
  ])
  const asked: ValidatedEntry<string, unknown>[] = []
  const left: [string, string][] = []
  const validate = (entry: ValidatedEntry<string, unknown>) => {
    asked.push(entry)
    return files.get(entry.key) === entry.version
  }
  const cache = createMemoryCache<string, string>({ max: 10, clock, dispose: (_, key, reason) => left.push([key, reason]), ...options })
  return { clock, files, asked, left, validate, cache }
}

describe('a memory cache', () => {
  test('an entry whose source has changed is gone for every reader, and takes along what depends on it', () => {
    for (const read of ['get', 'peek', 'has'] as const) {
      const { cache, files, validate, left } = benchOf()
      cache.set('a', 'first', { version: 1, validate })
      cache.set('made', 'of a', { dependsOn: ['a'] })
      cache.set('plain', 'x')
      expect(cache.get('a')).toBe('first')
      files.set('a', 2)
      expect(cache[read]('a')).toBe(read === 'has' ? false : undefined)
      expect([...cache.keys()]).toEqual(['plain'])
      expect(left).toEqual([
        ['a', 'invalidate'],
        ['made', 'invalidate'],
      ])
      cache.validate()
    }
  })

  test('the hook of the cache holds for every entry, that of an entry comes first', () => {
    const seen: unknown[] = []
    const { cache } = benchOf({ validate: ({ key, value, version }) => seen.push([key, value, version]) > 0 })
    cache.set('a', 'x')
    cache.set('b', 'y', { version: 'v1' })
    cache.set('c', 'z', { validate: () => false })
    expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual(['x', 'y', undefined])
    expect(seen).toEqual([
      ['a', 'x', undefined],
      ['b', 'y', 'v1'],
    ])
  })

  test('nobody asks again within the interval, nor about what is stale, overwritten or without a hook', () => {
    const { cache, clock, asked, validate, files } = benchOf({ validateInterval: '1s', ttl: '1m' })
    cache.set('a', 'x', { version: 1, validate, staleFor: '1h' })
    expect([cache.get('a'), cache.get('a'), asked.length]).toEqual(['x', 'x', 1])
    files.set('a', 2)
    clock.advance(999)
    expect([cache.get('a'), asked.length]).toEqual(['x', 1])
    clock.advance(1)
    expect([cache.get('a'), asked.length]).toEqual([undefined, 2])
    cache.set('a', 'x', { version: 2, validate, staleFor: '1h' })
    clock.advance(60_000)
    expect([cache.get('a', { allowStale: true }), asked.length]).toEqual(['x', 2])
    cache.set('a', 'y')
    cache.set('b', 'z')
    expect([cache.get('a'), cache.get('b'), asked.length]).toEqual(['y', 'z', 2])
  })

  test('a throw reaches the reader, and the entry stays', () => {
    const { cache } = benchOf()
    let isDown = true
    cache.set('a', 'x', {
      validate: () => {
        if (isDown) throw new Error('down')
        return true
      },
    })
    expect(() => cache.get('a')).toThrow('down')
    isDown = false
    expect(cache.get('a')).toBe('x')
  })

  test('a hook may use the cache, also for its own key', () => {
    const { cache } = benchOf()
    cache.set('a', 'old', {
      validate: ({ key }) => {
        expect(cache.get(key)).toBe('old')
        cache.set(key, 'new')
        return false
      },
    })
    expect(cache.get('a')).toBe('new')
    cache.validate()
  })

  test('an entry that leaves takes its hook along', () => {
    const { cache, asked, validate } = benchOf({ max: 1 })
    cache.set('a', 'x', { version: 2, validate })
    cache.set('b', 'y')
    expect(cache.get('b')).toBe('y')
    cache.set('a', 'x', { version: 2, validate })
    cache.clear()
    cache.set('b', 'z')
    expect([cache.get('b'), asked.length]).toEqual(['z', 0])
  })

  test('a version is dumped and loaded', () => {
    const validate = ({ version }: { version: unknown }) => version === 1
    const { cache } = benchOf({ validate })
    cache.set('a', 'x', { version: 1 })
    const other = benchOf({ validate }).cache
    other.load(JSON.parse(JSON.stringify(cache.dump())))
    expect(other.get('a')).toBe('x')
  })

  test('what cannot be meant is refused', () => {
    expect(() => createMemoryCache({ validate: 1 as never })).toThrow('validate')
    expect(() => createMemoryCache({ validateInterval: -1 })).toThrow('validateInterval')
    const { cache } = benchOf()
    expect(() => cache.set('a', 'x', { validate: 1 as never })).toThrow('validate')
    expect(() => cache.set('a', 'x', { validate: () => true, version: {} as never })).toThrow('version')
    cache.set('a', 'x', { validate: (async () => true) as never })
    expect(() => cache.get('a')).toThrow('validate')
    expect(cache.stats().sets).toBe(1)
  })
})
