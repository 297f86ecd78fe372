import { expect, test } from 'vitest'
import { type CacheOptions, createCache, type ValidatedEntry } from '../../../js/index.ts'
import { ManualClock, MemoryLog, memoryStore } from '../../../js/testing.ts'
import { settle } from '../http/transport.ts'
import { deferred } from './deferred.ts'

/** A cache over files that change without saying so, and a store that outlives it. */
function benchOf(options: CacheOptions<string> = {}) {
  const clock = new ManualClock()
  const log = new MemoryLog()
  const files = new Map([
    ['a', 1],
    ['b', 1],
  ])
  const asked: unknown[] = []
  const validate = async ({ key, version }: ValidatedEntry<string, unknown>) => {
    asked.push(`${key} ${version}`)
    return files.get(key) === version
  }
  const open = () => createCache<string>({ max: 10, clock, store: memoryStore({ log }), persist: 'stored', validate, ...options })
  return { clock, files, asked, validate, open }
}

test.each(['get', 'getMany', 'getOrSet', 'getOrSetMany', 'has'] as const)(
  '%s gives what is right, from memory and from the store, and nothing whose source has changed',
  async way => {
    const { files, open, asked } = benchOf()
    let cache = open()
    const read = async (key: string) => {
      if (way === 'get') return cache.get(key)
      if (way === 'getMany') return (await cache.getMany([key, 'none']))[0]
      if (way === 'has') return (await cache.has(key)) ? 'old' : undefined
      if (way === 'getOrSet') return cache.getOrSet(key, () => undefined)
      return (await cache.getOrSetMany([key], () => [undefined]))[0]
    }
    const fill = () => Promise.all(['a', 'b'].map(key => cache.set(key, 'old', { version: 1 })))
    for (const from of ['memory', 'store']) {
      files.set('a', 1)
      await fill()
      const again = async () => {
        if (from === 'memory') return
        await cache.close()
        cache = open()
      }
      await again()
      expect(await read('a')).toBe('old')
      files.set('a', 2)
      await again()
      expect(await read('a')).toBeUndefined()
      // Not even when the file is as it was: it is gone for good.
      files.set('a', 1)
      await again()
      if (way !== 'has' || from === 'memory') expect(await read('a')).toBeUndefined()
      expect(await read('b')).toBe('old')
    }
    expect(asked.length).toBeGreaterThan(4)
    expect(cache.pending()).toEqual({ loads: 0, leases: 0 })
    await cache.close()
  },
)

test('what is asked for at the same time is asked about once, and not again within the interval', async () => {
  const answer = deferred<boolean>()
  let calls = 0
  const clock = new ManualClock()
  const cache = createCache<string>({ clock, validateInterval: '1s', validate: () => (++calls === 1 ? answer.promise : true) })
  await cache.set('k', 'v')
  expect(cache.memory.get('k')).toBeUndefined()
  const reads = [cache.get('k'), cache.get('k'), cache.getOrSet('k', () => 'loaded')]
  answer.resolve(true)
  expect(await Promise.all(reads)).toEqual(['v', 'v', 'v'])
  expect([cache.memory.get('k'), await cache.get('k'), calls]).toEqual(['v', 'v', 1])
  clock.advance(1000)
  expect([await cache.get('k'), calls]).toEqual(['v', 2])
  expect(cache.stats()).toMatchObject({ hits: 6, loads: 0 })
})

test('what is set while somebody is asked about the old value stays', async () => {
  const answers = [deferred<boolean>(), deferred<boolean>()]
  let calls = 0
  const cache = createCache<string>({ validate: () => (answers[calls++] as { promise: Promise<boolean> }).promise })
  await cache.set('k', 'old')
  const reading = cache.get('k')
  await settle()
  await cache.set('k', 'new')
  answers[0]?.resolve(false)
  answers[1]?.resolve(true)
  expect(await reading).toBe('new')
})

test('an entry has a hook of its own, a loaded one is told its etag, and the loader says the version', async () => {
  const seen: unknown[] = []
  const cache = createCache<string>()
  const validate = ({ key, version }: ValidatedEntry<string, unknown>) => {
    seen.push([key, version])
    return true
  }
  await cache.set('plain', 'x')
  await cache.getOrSet('a', ({ modified }) => modified('x', { etag: 'e1' }), { validate })
  await cache.getOrSet(
    'b',
    ({ setOptions }) => {
      setOptions({ version: 7 })
      return 'y'
    },
    { validate },
  )
  await Promise.all(['plain', 'a', 'b'].map(key => cache.get(key)))
  expect(seen).toEqual([
    ['a', 'e1'],
    ['b', 7],
  ])
})

test('a throw rejects the read, and the entry stays', async () => {
  let isDown = true
  const { open } = benchOf({
    validate: async () => {
      if (isDown) throw new Error('down')
      return true
    },
  })
  const cache = open()
  await cache.set('k', 'v')
  for (const read of [() => cache.get('k'), () => cache.getMany(['k']), () => cache.getOrSet('k', () => 'x'), () => cache.has('k')])
    await expect(read()).rejects.toThrow('down')
  isDown = false
  expect(await cache.get('k')).toBe('v')
  expect(await cache.delete('k')).toBe(true)
  await cache.close()
})

test('a reader who gives up leaves the question to the others', async () => {
  const answer = deferred<boolean>()
  const cache = createCache<string>({ validate: () => answer.promise })
  await cache.set('k', 'v')
  const controller = new AbortController()
  const [one, other] = [cache.get('k', { signal: controller.signal }), cache.get('k')]
  controller.abort(new Error('enough'))
  await expect(one).rejects.toThrow('enough')
  answer.resolve(true)
  expect(await other).toBe('v')
})

test('what cannot be meant is refused', async () => {
  expect(() => createCache({ validate: 1 as never })).toThrow('validate')
  const cache = createCache<string>()
  await expect(cache.set('k', 'v', { version: {} as never })).rejects.toThrow('version')
  await expect(cache.getOrSet('k', () => 'v', { validate: 1 as never })).rejects.toThrow('validate')
  await cache.set('k', 'v', { validate: () => 'yes' as never })
  await expect(cache.get('k')).rejects.toThrow('validate')
})

test('a namespace asks, too, each time by the clock of the machine', async () => {
  const log = new MemoryLog()
  const seen: string[] = []
  let right = true
  const open = () =>
    createCache<number>({
      store: memoryStore({ log }),
      persist: 'stored',
      validate: async ({ key }) => {
        seen.push(key)
        return right
      },
    })
  let cache = open()
  await cache.namespace('n').set('a', 1, { tags: ['t'] })
  await cache.close()
  cache = open()
  const numbers = cache.namespace('n')
  // From the store, then from memory.
  expect([await numbers.get('a'), await numbers.get('a')]).toEqual([1, 1])
  right = false
  expect(await numbers.get('a')).toBeUndefined()
  right = true
  expect(await numbers.get('a')).toBeUndefined()
  expect(seen).toEqual(['a', 'a', 'a'])
  await cache.close()
})
